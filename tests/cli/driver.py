"""Runs the program under test ($ASSAY) for the tests in this folder."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tests.cli import output_schema

ASSAY = os.environ["ASSAY"]


class CliTest(unittest.TestCase):
    """A folder of its own for each test; `assay` runs in it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def assay(self, *arguments, status=0, stdin=None, env=None):
        done = subprocess.run([ASSAY, *map(str, arguments)], cwd=self.folder, input=stdin, env=env, capture_output=True, timeout=300,
                              text=not isinstance(stdin, bytes))
        self.assertIn(done.returncode, status if isinstance(status, tuple) else (status,), f"assay {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}")
        return done

    def json_lines(self, *arguments, **options):
        """What --json prints, a value a line, each as cli/output.schema.json says."""
        values = [json.loads(line) for line in self.assay("--json", *arguments, **options).stdout.splitlines()]
        verb = output_schema.verb_of(arguments)
        for value in values:
            self.assertEqual(output_schema.problems_of(verb, value), [], f"assay {verb} --json: {json.dumps(value)[:500]}")
        return values

    def json(self, *arguments, **options):
        """The one value that --json prints."""
        values = self.json_lines(*arguments, **options)
        self.assertEqual(len(values), 1, values)
        return values[0]

    def fails(self, *arguments, status=2):
        """What a failing command says on standard error: (message, hint)."""
        done = self.assay(*arguments, status=status)
        lines = done.stderr.splitlines()
        self.assertTrue(lines and lines[0].startswith("assay: "), done.stderr)
        hints = [line.removeprefix("  try: ") for line in lines if line.startswith("  try: ")]
        return lines[0].removeprefix("assay: "), hints[0] if hints else ""

    def task_ids(self, *arguments):
        return [row["task"] for row in self.json("list", "tasks", *arguments)["tasks"]]

    def dump(self, store="assay.db"):
        """All that a store holds but for when and how fast it came there: identities are hashes of the content, exports are
        the content itself."""
        out = {what: self.json("list", what, "--store", store) for what in ("tasks", "environments", "rollouts")}
        for row in self.json("list", "formats")["formats"]:
            if row["name"] in ("harbor", "swe_bench", "trl_dpo"):
                continue  # of tasks that ask for a patch, and of pairs that differ in reward, which not every store here holds
            folder = self.folder / f"{store}-{row['name']}"
            if out["rollouts"]["rollouts"] or row["name"] == "grpo":
                self.assay("export", "--format", row["name"], "--all", "--out", folder, "--store", store)
            for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"):
                # A dataset names the store that its reward module asks (and its manifest holds the digest of that).
                out[f"{row['name']}/{file.relative_to(folder)}"] = file.read_bytes().replace(store.encode(), b"STORE")
        return out

    def assert_same_store(self, left, right):
        left, right = self.dump(left), self.dump(right)
        self.assertEqual(sorted(left), sorted(right))
        for name in left:
            self.assertTrue(left[name] == right[name], f"{name} differs")

    def assert_same_records(self, left, right):
        """Record by record, and fast where exports of thousands of rollouts are not: two truths under one name would be an error."""
        for out, other in ((left, right), (right, left)):
            told = self.json("merge", out, other)
            self.assertEqual((told["copied"], told["damaged"], told["left_out"]), (0, 0, 0), f"{other} has what {out} has not")
