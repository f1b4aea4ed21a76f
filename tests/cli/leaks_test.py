"""assay audit --leaks: a fix in a directory of anybody's."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

PATCH = """diff --git a/area.py b/area.py
--- a/area.py
+++ b/area.py
@@ -1,3 +1,5 @@
 def area(width, height):
     \"\"\"The area of a rectangle of these sides.\"\"\"
+    if width < 0 or height < 0:
+        raise ValueError("a side of a rectangle is negative")
     return width * height
"""
BEFORE = 'def area(width, height):\n    """The area of a rectangle of these sides."""\n    return width * height\n'
AFTER = BEFORE.replace("    return", '    if width < 0 or height < 0:\n        raise ValueError("a side of a rectangle is negative")\n    return')


class Leaks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "fix.patch").write_text(PATCH)
        for name in ("base", "place"):
            (self.root / name).mkdir()
            (self.root / name / "area.py").write_text(BEFORE)

    def audit(self, *options):
        done = subprocess.run([os.environ["ASSAY"], "audit", "--json", "--leaks", str(self.root / "place"), *options], capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def test_a_clean_place_and_one_that_is_not(self):
        patch = ["--patch", str(self.root / "fix.patch"), "--base", str(self.root / "base")]
        status, found, text = self.audit(*patch)
        self.assertEqual((status, found["clean"], found["searched"]["files"]), (0, True, 1), text)
        (self.root / "place" / "copy").write_text(AFTER)
        status, found, text = self.audit(*patch)
        self.assertEqual((status, found["clean"]), (1, False), text)
        self.assertEqual({leak["kind"] for leak in found["leaks"]}, {"blob", "tokens"})
        self.assertIn("copy", text)
        status, found, _ = self.audit("--patch", str(self.root / "fix.patch"))
        self.assertEqual([leak["kind"] for leak in found["leaks"]], ["tokens"])

    def test_bad_input_is_named(self):
        status, _, text = self.audit("--patch", str(self.root / "none.patch"))
        self.assertEqual(status, 2)
        self.assertIn("none.patch", text)
        (self.root / "base" / "area.py").write_text("other\n")
        status, _, text = self.audit("--patch", str(self.root / "fix.patch"), "--base", str(self.root / "base"))
        self.assertEqual(status, 2)
        self.assertIn("does not apply", text)


if __name__ == "__main__":
    unittest.main()
