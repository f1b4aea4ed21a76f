"""`assay synth DOMAIN --escalate` from the outside: made, kept, audited, attacked, shown."""

from tests.cli.driver import CliTest


class Lineages(CliTest):
    def test_lineages_are_stored_audited_and_shown_and_not_made_twice(self):
        told = self.json("synth", "travel", "--escalate", "--count", "2", "--difficulty", "1,2,3")
        self.assertEqual((told["requested"], told["made"], told["lost"]), (6, 6, {}))
        self.assertEqual(told["calibration"], [{"difficulty": difficulty, "asked": 2, "in_band": 2} for difficulty in (1, 2, 3)])
        again = self.json("synth", "travel", "--escalate", "--count", "2", "--difficulty", "1,2,3")
        self.assertEqual((again["made"], again["stored_earlier"], again["environments"]), (0, 6, told["environments"]))
        audited = self.json("audit")
        self.assertEqual((audited["same"], audited["different"], audited["failed"]), (6, 0, 0))
        rows = [row for row in self.json("list", "tasks")["tasks"] if row["index"] == 1]
        for row in rows:   # from wherever one looks
            steps = self.json("show", "lineage", row["task"])["lineage"]
            self.assertEqual([step["task"] for step in steps], [row["task"] for row in sorted(rows, key=lambda row: row["difficulty"])])
            self.assertTrue(all(step["asked_anew"] for step in steps))
        self.assertTrue(steps[0]["tools_added"])
        text = self.assay("show", "lineage", rows[0]["task"]).stdout
        self.assertIn("step 2: task ", text)
        self.assertRegex(self.assay("show", "task", steps[2]["task"]).stdout, rf"made harder from +{steps[1]['task']} \(step 2 of its lineage\)")
        played = self.json("rollout", "--policy", "gold")
        self.assertEqual((played["played"], played["failed"]), (6, 0))
        self.assertEqual(sum(row["passed"] for row in played["pass_rates"]), 6)

    def test_plain_tasks_and_lineages_stand_side_by_side(self):
        self.json("synth", "library_loans", "--count", "3", "--difficulty", "1")
        told = self.json("synth", "library_loans", "--escalate", "--count", "1", "--difficulty", "1,2")
        self.assertEqual((told["made"], told["stored_earlier"]), (2, 0))
        self.assertEqual(self.json("audit")["same"], 5)

    def test_a_lineage_that_stops_says_where_and_why(self):
        told = self.json("synth", "travel", "--archetype", "query", "--escalate", "--count", "3", "--difficulty", "1,2,3", status=1)
        self.assertEqual(set(told["lost"]), {"no_candidate"})
        self.assertIn("the lineage stops before difficulty", told["errors"][0])
        self.assertEqual(told["made"] + told["failed"], told["requested"])
        self.assertEqual(sum(told["lost"].values()), told["failed"])
        self.assertEqual(self.json("audit")["same"], told["made"])

    def test_what_makes_no_sense_is_refused(self):
        self.assertIn("one difficulty at a time", self.fails("synth", "travel", "--escalate", "--difficulty", "1,3")[0])
        self.assertIn("do not grow out of each other", self.fails("synth", "compute", "--escalate", "--count", "1")[0])
        self.assertIn("which lineage?", self.fails("show", "lineage")[0])
