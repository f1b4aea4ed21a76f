"""`assay rollout --policy dsa:DIR` from the outside: random weights of a tiny model, tasks of the travel domain, and what the store keeps of
their attempts. The weights have learned nothing, and nothing here passes a task. On a CUDA device where there is one (test-gpu.sh)."""

import json
import math
import re
import sqlite3

from tests.cli.driver import CliTest

POSITIONS = 32768  # the tools and the task of the travel domain take about 9,000 bytes, and the tokens are bytes
# Enough to submit: a message is brought to its end by counting bytes, and an answer's tags have about 250.
PLAY = ("--max-tokens", 320, "--limit", 1, "--context-strategy", "discard-75", "--context-tokens", POSITIONS)


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

    def roll(self, store, *more, group=8):
        """The result; what was said beside it is `told`."""
        if not (self.folder / store).exists():
            self.assay("synth", "travel", "--preset", "report", "--count", "1", "--store", store)
        done = self.assay("rollout", "--policy", "dsa:model", "--group", group, *PLAY, "--store", store, *more, "--json")
        self.told = done.stderr
        return json.loads(done.stdout)

    def counted(self, what):
        """A number of the engine's last words."""
        return int(re.search(rf"(\d+) {what}", self.told)[1])

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
        # The prompt of 10,382 tokens was computed once for all.
        self.assertLess(self.counted("prompt tokens computed"), 2 * 10_382)
        self.assertGreater(self.counted("found computed"), 7 * 10_000)
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
        # Too little room for what follows the prompt in eight conversations: some are dropped and computed again.
        self.assertEqual(self.roll("three.db", "--constrain-tools", "required", "--cache-tokens", 16_384)["failed"], 0)
        self.assertGreater(self.counted("preemptions"), 0)
        three = self.rollouts("three.db")
        for sample, rollout in one.items():
            for part in ("messages", "turns", "stop", "verdict"):
                self.assertEqual(rollout[part], three[sample][part], f"{part} of sample {sample}")
        # What is stored is not played again; other weights are another policy.
        self.assertEqual(self.roll("one.db", "--constrain-tools", "required")["played"], 0)

    def test_recorded_tokens_come_out_again_and_others_do_not(self):
        self.roll("assay.db", "--constrain-tools", "required", "--temperature", 0.75, group=2)
        audited = self.json("audit", "--tokens", "model")
        self.assertEqual((audited["audited"], audited["findings"]), (2, []))
        self.assertGreaterEqual(audited["turns"], 2)
        # In the descriptor of the policy another temperature, at which other log-probabilities would have come out.
        database = sqlite3.connect(self.folder / "assay.db")
        database.execute("UPDATE rollout SET policy = replace(policy, '=0.75', '=0.5')")
        database.commit()
        database.close()
        found = self.json("audit", "--tokens", "model", status=1)["findings"]
        self.assertEqual(len(found), 2)
        self.assertIn("turn 0: log-probabilities are others", found[0]["differences"])
        for file in (self.folder / "model").iterdir():
            file.unlink()
        self.model("model", 1)
        self.assertIn("no rollout here was sampled with these weights", self.fails("audit", "--tokens", "model")[0])

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
