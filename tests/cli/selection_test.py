"""`assay export`'s selection from the command line: what the options mean, and what is told."""

import json

from tests.cli.driver import CliTest


class Selection(CliTest):
    def setUp(self):
        super().setUp()
        self.assay("synth", "travel", "--difficulty", "1,3", "--count", "6", "--seed", "5")
        self.assay("synth", "meetings", "--difficulty", "2", "--count", "2", "--seed", "5")
        self.assay("rollout", "--policy", "gold,random", "--group", "3")

    def export(self, *more, format_="openai_chat", status=0):
        return self.json("export", "--format", format_, "--out", "out", *more, status=status)

    def rows(self):
        return [json.loads(line) for file in sorted((self.folder / "out" / "data").iterdir()) for line in file.read_text().splitlines()]

    def test_options_choose_rows_and_every_loss_has_a_reason(self):
        told = self.export("--all")
        self.assertEqual(len(self.rows()), 8 * 6)
        self.assertEqual(told["funnel"], {"tasks": {"seen": 8, "lost": {}, "left": 8}, "rollouts": {"seen": 48, "lost": {}, "left": 48}})
        told = self.export("--domain", "travel", "--difficulty", "3", "--policy", "gold", "--per-task", "2")
        self.assertEqual({(row["domain"], row["difficulty"], row["policy"]) for row in self.rows()}, {("travel", 3, "gold")})
        self.assertEqual(told["funnel"]["tasks"]["lost"], {"rule": 5})
        self.assertEqual(told["funnel"]["rollouts"]["lost"], {"rule": 9, "task_lost": 30, "enough": 3})
        told = self.export("--policy", "gold", "--duplicates", "exact")   # gold says the same every time
        self.assertEqual(told["funnel"]["rollouts"]["lost"], {"rule": 24, "repeated": 16})
        self.export("--archetype", "schedule", "--balance", "domain=1")
        self.assertEqual(len({row["task_id"] for row in self.rows()}), 1)
        self.export("--specialist", "general_agent", "--policy", "gold")
        self.assertEqual(len(self.rows()), 24)
        self.assertIn("mathematics", self.fails("export", "--format", "openai_chat", "--out", "x", "--specialist", "maths")[0])
        for option, value in (("--messages", "4"), ("--tokens", "9:3"), ("--pass-rate", "random"), ("--balance", "domain"), ("--prefer", "best"), ("--outcome", "pased")):
            self.assertIn(option, " ".join(self.fails("export", "--format", "openai_chat", "--out", "x", option, value)))
        self.assertFalse((self.folder / "x").exists())

    def test_failures_are_chosen_by_how_they_failed(self):
        failed = [row for row in self.json("list", "rollouts", "--policy", "random")["rollouts"] if not row["passed"]]
        self.assertTrue(failed)
        shown = self.json("show", "rollout", failed[0]["rollout"])
        check = next(c["name"] for c in shown["verdict"]["checks"] if not c["passed"])
        told = self.export("--failure", check)
        self.assertIn(failed[0]["rollout"], [row["rollout_id"] for row in self.rows()])
        self.assertFalse(any(row["passed"] for row in self.rows()))
        self.assertEqual(told["funnel"]["rollouts"]["left"] + told["funnel"]["rollouts"]["lost"].get("failure", 0), len(failed))

    def test_held_out_prompts_are_left_out_and_shown(self):
        task = self.task_ids()[0]
        prompt = self.json("show", "task", task)["task"]["prompt"]
        (self.folder / "held.jsonl").write_text(json.dumps({"question": "Please: " + prompt.upper()[:400], "id": 1}) + "\n")
        told = self.export("--decontaminate", "held.jsonl", "--gram", "40", format_="grpo")
        self.assertIn(task, [c["task"] for c in told["contaminations"]])
        self.assertNotIn(task, [row["task_id"] for row in self.rows()])
        self.assertEqual(told["contaminations"][0]["held_out"], "held.jsonl:1")
        said = self.assay("export", "--format", "grpo", "--out", "out", "--decontaminate", "held.jsonl", "--gram", "40").stdout
        self.assertRegex(said, r"task [0-9a-f]+ and held\.jsonl:1: \"")

    def test_standard_output_takes_rows_alone(self):
        self.export("--policy", "gold")
        lines = self.assay("export", "--format", "openai_chat", "--out", "-", "--policy", "gold").stdout.splitlines()
        by_id = lambda row: row["rollout_id"]
        self.assertEqual(sorted(map(json.loads, lines), key=by_id), sorted(self.rows(), key=by_id))
        done = self.assay("export", "--format", "openai_chat", "--out", "-", "--json", status=2)
        self.assertIn("not both", done.stderr)

    def test_outcomes_are_listed_and_asked_for(self):
        rows = self.json("list", "rollouts")["rollouts"]
        self.assertEqual({(row["outcome"], row["passed"]) for row in rows}, {("passed", True), ("failed", False)})
        failed = self.json("list", "rollouts", "--outcome", "failed,timed_out", "--limit", "5")["rollouts"]
        self.assertEqual([row["outcome"] for row in failed], ["failed"] * 5)
        self.assertIn("broken", self.fails("list", "rollouts", "--outcome", "brocken")[0])
        self.assertEqual(len(self.json("list", "specialists")["specialists"]), 6)
        # What another verifier contradicts is not exported, and the verdict stays.
        told = self.json("verify", "--policy", "gold", "--limit", "6", "--with", "command:while read l; do echo '{\"passed\":false}'; done", status=1)
        self.assertEqual((told["outcomes"], len(told["disagreements"]), told["recorded"]), ({"failed": 6}, 6, 6))
        self.assertEqual({d["stored"]["outcome"] + " " + d["again"]["outcome"] for d in told["disagreements"]}, {"passed failed"})
        self.assertEqual(self.export("--policy", "gold")["funnel"]["rollouts"]["lost"], {"rule": 24, "disputed": 6})
        self.assertEqual(self.export("--policy", "gold", "--disputed")["funnel"]["rollouts"]["lost"], {"rule": 24})
        self.assertEqual(len(self.json("list", "rollouts", "--policy", "gold", "--outcome", "passed")["rollouts"]), 24)
        self.assertRegex(self.assay("verify", "--policy", "gold", "--with", "plain").stdout, r"24 rollouts judged again .*\(24 passed\): 24 verdicts the same, 0 differ")
