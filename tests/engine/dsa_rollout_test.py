"""`assay rollout --policy dsa:DIR` from the outside: random weights of a tiny model, tasks of the travel domain, and what the store keeps of
their attempts. The weights have learned nothing, and nothing here passes a task."""

import json
import math

from tests.cli.driver import CliTest

POSITIONS = 32768  # the tools and the task of the travel domain take about 9,000 bytes, and the tokens are bytes
# Enough to submit: a message is brought to its end by counting bytes, and an answer's tags have about 250.
PLAY = ("--group", 8, "--max-tokens", 320, "--limit", 1, "--context-strategy", "discard-75", "--context-tokens", POSITIONS)


class DsaRollout(CliTest):
    def setUp(self):
        super().setUp()
        self.assay("synth", "travel", "--preset", "report", "--count", "1")
        self.model("model", 0)

    def model(self, name, seed):
        self.assay("model", "make", "--out", "base", "--preset", "tiny")
        config = json.loads((self.folder / "base" / "config.json").read_text(encoding="utf-8"))
        config["max_position_embeddings"] = POSITIONS
        (self.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        self.assay("model", "make", "--out", name, "--config", "config.json", "--seed", seed)
        for file in (self.folder / "base").iterdir():
            file.unlink()

    def roll(self, store, *more, status=0):
        if not (self.folder / store).exists():
            self.assay("synth", "travel", "--preset", "report", "--count", "1", "--store", store)
        return self.json("rollout", "--policy", "dsa:model", *PLAY, "--store", store, *more, status=status)

    def rollouts(self, store):
        rows = self.json("list", "rollouts", "--store", store)["rollouts"]
        shown = [self.json("show", "rollout", row["rollout"], "--full", "--store", store) for row in rows]
        return {rollout["sample"]: rollout for rollout in shown}

    def check_records(self, rollout):
        answers = [message for message in rollout["messages"] if message["role"] == "assistant"]
        self.assertEqual(len(rollout["turns"]), len(answers))
        before = 0
        for turn in rollout["turns"]:
            self.assertLessEqual(turn["shared"], before)
            before = turn["shared"] + len(turn["prompt"]) + len(turn["sampled"])
            for name in ("log_probabilities", "full_log_probabilities", "kept"):
                self.assertEqual(len(turn[name]), len(turn["sampled"]))
            for acted, full in zip(turn["log_probabilities"], turn["full_log_probabilities"]):
                self.assertTrue(math.isfinite(acted) and math.isfinite(full) and full <= acted + 1e-5 and acted <= 0)
            self.assertEqual(turn["policy_version"][:16], rollout["policy"].removeprefix("dsa:")[:16])

    def test_a_group_is_played_recorded_and_played_again_bit_for_bit(self):
        told = self.roll("one.db", "--constrain-tools", "required")
        self.assertEqual((told["played"], told["failed"]), (8, 0))
        one = self.rollouts("one.db")
        self.assertEqual(sorted(one), list(range(8)))
        calls = sum(rollout["calls"] for rollout in one.values())
        failed = sum(rollout["failed_calls"] for rollout in one.values())
        self.assertGreater(calls, failed)
        self.assertGreater(failed, 0)
        for rollout in one.values():
            self.check_records(rollout)
            self.assertFalse(rollout["verdict"]["passed"])
        # Another number of threads, and one episode after the other.
        self.roll("two.db", "--constrain-tools", "required", "--jobs", 1, "--in-flight", 1)
        two = self.rollouts("two.db")
        for sample, rollout in one.items():
            for part in ("messages", "turns", "stop", "verdict"):
                self.assertEqual(rollout[part], two[sample][part], f"{part} of sample {sample}")
        # What is stored is not played again; other weights are another policy.
        self.assertEqual(self.roll("one.db", "--constrain-tools", "required")["played"], 0)

    def test_free_calls_of_random_weights_are_given_up(self):
        self.assertEqual(self.roll("free.db")["played"], 8)
        for rollout in self.rollouts("free.db").values():
            self.assertEqual((rollout["stop"], rollout["calls"]), ("gave_up", 0))
            self.check_records(rollout)

    def test_other_weights_are_another_policy(self):
        self.roll("assay.db")
        for file in (self.folder / "model").iterdir():
            file.unlink()
        self.model("model", 1)
        self.assertEqual(self.roll("assay.db")["played"], 8)
        rows = self.json("list", "rollouts")["rollouts"]
        self.assertEqual(len({row["policy"] for row in rows}), 2)

    def test_a_directory_that_cannot_be_served_is_named(self):
        self.assertIn("nowhere", self.fails("rollout", "--policy", "dsa:nowhere")[0])
        self.assertIn("assay model make", self.fails("rollout", "--policy", "dsa:")[1])
        (self.folder / "model" / "tokenizer.json").unlink()
        self.assertIn("tokenizer.json", self.fails("rollout", "--policy", "dsa:model")[0])
