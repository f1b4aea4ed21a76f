"""Environments whose tools are changed: made, counted, played, audited and attacked like any other."""

import json
import unittest

from tests.cli.driver import CliTest


class Variants(CliTest):
    def variants(self):
        return [row["name"] for row in self.json("list", "variants")["variants"]]

    def test_policies_without_a_model_play_over_every_variant_and_every_task_stands_up_to_audit_and_attack(self):
        names = self.variants()
        self.assertIn("flaky", names)
        for name in names:
            told = self.json("synth", "travel", "--archetype", "select,query", "--count", "2", "--difficulty", "1", "--seed", "5", "--variant", name)
            self.assertEqual((told["made"], told["unsound"], told["failed"], told["lost"]), (2, 0, 0, {}), name)
            self.assertEqual((told["environments"], told["structures"], told["databases"]), (1, 1, 1))
        rollout = self.json("rollout", "--policy", "gold")
        passed = {row["policy"]: row["passed"] for row in rollout["pass_rates"]}
        self.assertEqual((rollout["failed"], passed["gold"]), (0, 2 * len(names)))
        for row in self.json("list", "tasks")["tasks"]:
            if row["archetype"] != "select":
                continue
            rollout = self.json("rollout", "--policy", "random,greedy", "--group", "8", "--task", row["task"])
            self.assertEqual((rollout["played"], rollout["failed"]), (16, 0))
        for row in self.json("list", "rollouts", "--policy", "random")["rollouts"]:
            checks = self.json("show", "rollout", row["rollout"])["verdict"]["checks"]
            self.assertEqual([(check["name"], check["passed"]) for check in checks[:2]], [("shape", True), ("known", True)], checks)
        self.assertEqual(self.json("audit")["findings"], [])
        self.assertEqual(self.json("attack")["hits"], 0)

    def test_environments_are_counted_by_what_differs(self):
        told = self.json("synth", "travel", "--count", "6", "--tasks-per-environment", "1", "--difficulty", "1", "--seed", "5")
        self.assertEqual((told["domains"], told["environments"], told["structures"], told["databases"]), (1, 6, 1, 6))
        told = self.json("synth", "travel", "--count", "6", "--tasks-per-environment", "1", "--difficulty", "1", "--seed", "5", "--variant", "any")
        self.assertEqual((told["environments"], told["databases"]), (6, 6))
        self.assertTrue(1 < told["structures"] <= 6, told)

    def test_a_variant_that_cannot_be_applied_is_a_reason_in_the_funnel(self):
        message, _ = self.fails("synth", "travel", "--variant", "fine,coarse", "--count", "3")
        self.assertIn("'coarse' and 'fine' exclude each other", message)
        self.assertIn("3 candidates in, 0 certified out; lost: 3 variant_not_applicable", self.assay("synth", "travel", "--variant", "fine,coarse", "--count", "3", status=2).stdout)
        message, hint = self.fails("synth", "travel", "--variant", "flakey")
        self.assertIn("unknown variant 'flakey'", message)
        self.assertEqual(hint, "'flaky'")

    def test_a_failure_of_a_flaky_tool_is_shown_to_the_agent_who_may_call_again(self):
        self.assay("synth", "library_loans", "--archetype", "operate", "--count", "1", "--difficulty", "1", "--variant", "flaky")
        task = self.task_ids()[0]
        calls = [{"op": "reset", "task": task}] + [{"op": "call", "tool": "list_branches", "arguments": {}}] * 30
        done = self.assay("env", stdin="".join(json.dumps(call) + "\n" for call in calls))
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        tools = {tool["function"]["name"]: tool["function"]["description"] for tool in answers[0]["tools"]}
        self.assertIn("call it again", tools["list_branches"])
        self.assertNotIn("call it again", tools["finish"])
        failed = [answer for answer in answers[1:] if "nothing was done" in answer["observation"]]
        self.assertTrue(0 < len(failed) < 20, len(failed))
        again = self.assay("env", stdin="".join(json.dumps(call) + "\n" for call in calls))
        self.assertEqual(again.stdout, done.stdout)


class Domains(CliTest):
    def test_domains_are_compared_blind_to_names(self):
        told = self.json("list", "domains", "--stats")
        rows = told["domains"]
        self.assertEqual({row["domain"] for row in rows}, {row["name"] for row in self.json("list", "domains")["domains"]})
        self.assertTrue(0 < told["distinct_structures"] <= len(rows))
        self.assertIn(f"{told['distinct_structures']} distinct structures", self.assay("list", "domains", "--stats").stdout)
        self.assertIn("--stats", self.fails("list", "variants", "--stats")[0] + self.fails("list", "variants", "--stats")[1])


if __name__ == "__main__":
    unittest.main()
