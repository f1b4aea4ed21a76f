"""Code-interpreter tasks from the command line, in the real kernel."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from tests.cli.driver import ASSAY


def assay(*arguments, stdin="", store):
    return subprocess.run([ASSAY, *arguments, "--store", store], input=stdin, capture_output=True, text=True)


def sandbox_problem():
    with tempfile.TemporaryDirectory() as folder:
        findings = json.loads(assay("doctor", "--json", store=os.path.join(folder, "x.db")).stdout)["findings"]
    found = {finding["what"]: finding for finding in findings}
    return None if found["code interpreter"]["state"] == "ok" else found["code interpreter"]["detail"]


PROBLEM = sandbox_problem()


@unittest.skipIf(PROBLEM, f"the code interpreter does not work here: {PROBLEM}")
class ComputeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.store = os.path.join(cls.folder.name, "assay.db")
        cls.made = json.loads(assay("synth", "compute", "--count", "10", "--json", store=cls.store).stdout)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_tasks_are_made_played_by_gold_and_exported(self):
        self.assertEqual((self.made["made"], self.made["unsound"], self.made["failed"]), (10, 0, 0))
        played = assay("rollout", "--policy", "gold", "--group", "1", "--json", store=self.store)
        self.assertEqual(played.returncode, 0, played.stderr)
        self.assertEqual(assay("audit", "--limit", "3", store=self.store).returncode, 0)
        out = os.path.join(self.folder.name, "dataset")
        exported = assay("export", "--format", "openai_chat", "--out", out, store=self.store)
        self.assertEqual(exported.returncode, 0, exported.stderr)
        rows = [json.loads(line) for path in pathlib.Path(out).rglob("*.jsonl") for line in open(path)]
        self.assertEqual(len(rows), 10)
        self.assertIn("python", json.dumps(rows[0]["tools"]))

    def test_without_a_sandbox_nothing_is_played_and_nothing_stored(self):
        before = json.loads(assay("show", "store", "--json", store=self.store).stdout)["statistics"]["rollouts"]
        failed = assay("rollout", "--policy", "gold", "--seed", "77", "--sandbox", "external", store=self.store)
        self.assertEqual(failed.returncode, 1, failed.stdout)
        self.assertIn("the sandbox 'external' does not work here: external needs a command", failed.stderr)
        self.assertIn("try: --sandbox 'external:", failed.stderr)
        self.assertEqual(json.loads(assay("show", "store", "--json", store=self.store).stdout)["statistics"]["rollouts"], before)
        self.assertIn("external needs a command", assay("doctor", "--sandbox", "external", store=self.store).stdout)

    def test_an_episode_keeps_its_variables_and_no_others(self):
        lines = [{"op": "reset", "index": 0}, {"op": "call", "tool": "python", "arguments": {"code": "x = 41"}},
                 {"op": "call", "tool": "python", "arguments": {"code": "x + 1"}},
                 {"op": "reset", "index": 0}, {"op": "call", "tool": "python", "arguments": {"code": "x"}},
                 {"op": "call", "tool": "python", "arguments": {"code": "import os; os._exit(1)"}},
                 {"op": "call", "tool": "python", "arguments": {"code": "print('back')"}},
                 {"op": "call", "tool": "submit_answer", "arguments": {"answer": "[]"}}, {"op": "score"}]
        answers = assay("env", stdin="".join(json.dumps(line) + "\n" for line in lines), store=self.store)
        replies = [json.loads(line) for line in answers.stdout.splitlines()]
        self.assertEqual(replies[2]["observation"], "42\n")
        self.assertIn("NameError", replies[4]["observation"])
        self.assertIn("started again", replies[5]["observation"])
        self.assertEqual(replies[6]["observation"], "back\n")
        self.assertEqual(replies[8]["reward"], 0)

    def test_calls_are_counted(self):
        call = {"op": "call", "tool": "python", "arguments": {"code": "1"}}
        answers = assay("env", stdin="".join(json.dumps(line) + "\n" for line in [{"op": "reset", "index": 1}] + [call] * 21), store=self.store)
        replies = [json.loads(line) for line in answers.stdout.splitlines()]
        self.assertNotIn("is_error", replies[20])
        self.assertIn("have been used", replies[21]["observation"])

    def test_a_sandbox_that_is_not_there_is_an_error_that_names_those_that_are(self):
        wrong = assay("synth", "compute", "--count", "1", "--sandbox", "jail", store=self.store)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("native", wrong.stderr)

    def test_policies_that_choose_entities_fail_as_policies(self):
        played = json.loads(assay("rollout", "--policy", "random", "--group", "1", "--limit", "2", "--json", store=self.store).stdout)
        self.assertIn("policy: this policy chooses entities", json.dumps(played))


if __name__ == "__main__":
    unittest.main()
