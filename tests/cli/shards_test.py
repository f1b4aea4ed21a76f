"""Work that is cut into shards, or shared by processes over one store, comes to what one run comes to."""

import json
import signal
import sqlite3
import subprocess
import time

from tests.cli.driver import ASSAY, CliTest


class Shards(CliTest):
    def shards(self, count):
        return [f"{number}/{count}" for number in range(1, count + 1)]

    def test_the_shards_of_every_verb_merge_to_the_whole(self):
        synth = ["synth", "travel", "--difficulty", "1,2", "--count", "12", "--tasks-per-environment", "4"]
        play = ["rollout", "--policy", "gold,random", "--group", "2"]
        self.assay(*synth, "--store", "whole.db")
        self.assay(*play, "--store", "whole.db")
        self.assay("attack", "--store", "whole.db", status=(0, 1))
        attacked = self.json("attack", "--store", "whole.db", status=(0, 1))
        for count in (1, 3):
            made, rollouts, verified, tried = 0, 0, 0, 0
            stores = []
            for shard in self.shards(count):
                stores.append(f"{count}-{shard[0]}.db")
                made += self.json(*synth, "--shard", shard, "--store", stores[-1])["made"]
            self.assertEqual(made, 12)
            tasks = f"tasks{count}.db"
            self.assay("merge", tasks, *stores)
            self.assertEqual(sorted(self.task_ids("--store", tasks)), sorted(self.task_ids("--store", "whole.db")))
            for shard, store in zip(self.shards(count), stores):
                # Whichever shard of synth made a task: rollouts are cut by the tasks' ids.
                self.assay("merge", f"cut-{store}", tasks, "--shard", shard)
                rollouts += self.json(*play, "--shard", shard, "--store", f"cut-{store}")["played"]
                verified += self.json("verify", "--shard", shard, "--store", f"cut-{store}")["judged"]
                tried += self.json("attack", "--store", f"cut-{store}", status=(0, 1))["attacked"]
            self.assertEqual((rollouts, verified, tried), (48, 48, 12))
            out = f"out{count}.db"
            told = self.json("merge", out, *[f"cut-{store}" for store in stores])
            self.assertGreater(told["records_per_second"], 0)
            self.assertEqual(self.json("merge", out, *[f"cut-{store}" for store in stores])["copied"], 0)
            self.assert_same_store("whole.db", out)
            self.assertEqual(self.json("attack", "--store", out, status=(0, 1))["attacked_earlier"], attacked["attacked_earlier"])
            self.assertTrue(self.json("doctor", "--store", out)["ok"])

    def test_a_shard_of_one_store_is_a_part_of_its_work(self):
        self.assay("synth", "travel", "--difficulty", "1", "--count", "10")
        played = [self.json("rollout", "--policy", "random", "--shard", shard)["played"] for shard in self.shards(3)]
        self.assertEqual(sum(played), 10)
        self.assertEqual(self.json("rollout", "--policy", "random")["played"], 0)
        # The limit is of the whole, so shards of a limited run are that run.
        limited = [self.json("filter", "--policy", "greedy", "--pass-at", "1", "--limit", "6", "--shard", shard)["tasks"] for shard in self.shards(2)]
        self.assertEqual(sum(limited), 6)
        audited = [self.json("audit", "--shard", shard)["same"] for shard in self.shards(3)]
        self.assertEqual(sum(audited), 10)
        self.assertLess(max(audited), 10)

    def test_what_cannot_be_merged_or_cut_says_why(self):
        self.assay("synth", "travel", "--difficulty", "1", "--count", "2")
        for wrong in ("0/3", "4/3", "x", "1/"):
            self.assertIn("--shard", self.fails("rollout", "--policy", "random", "--shard", wrong)[0])
        self.assertIn("into itself", self.fails("merge", "assay.db", "assay.db")[0])
        self.assertIn("no such store", self.fails("merge", "out.db", "missing.db")[0])
        self.assertIn("cut into shards", self.fails("verify", "--task", self.task_ids()[0], "--python", "--shard", "1/2")[0])
        (self.folder / "stranger.db").write_text("something else that is no database at all")
        self.assertIn("stranger.db", self.fails("merge", "out.db", "assay.db", "stranger.db", status=1)[0])

    def count(self, store):
        with sqlite3.connect(f"file:{self.folder / store}?mode=ro", uri=True, timeout=10) as database:
            return database.execute("SELECT count(*) FROM rollout").fetchone()[0]

    def start(self, play):
        return subprocess.Popen([ASSAY, *play, "--store", "shared.db", "--json", "--jobs", "1"], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True)

    def test_processes_over_one_store_share_the_work_also_when_they_are_killed(self):
        self.assay("synth", "travel", "--difficulty", "1", "--count", "60", "--tasks-per-environment", "10", "--store", "whole.db")
        self.assay("merge", "shared.db", "whole.db")
        rate = self.json("rollout", "--policy", "random", "--group", "8", "--seed", "1", "--store", "whole.db")["rollouts_per_second"]
        group = max(8, int(rate * 3 / 60))   # some seconds of work
        play = ["rollout", "--policy", "random", "--group", str(group), "--seed", "5"]

        workers = [self.start(play) for _ in range(3)]
        told = [json.loads(worker.communicate(timeout=300)[0]) for worker in workers]
        self.assertEqual(sum(each["played"] for each in told), 60 * group)   # nothing twice, nothing lost
        for each in told:
            self.assertEqual(each["played"] + each["stored_earlier"], 60 * group)

        play[-1] = "6"
        before = self.count("shared.db")
        workers = [self.start(play) for _ in range(3)]
        while self.count("shared.db") == before:
            time.sleep(0.01)
        workers[0].send_signal(signal.SIGKILL)
        workers[1].send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        workers[1].send_signal(signal.SIGKILL)
        for worker in workers[:2]:
            worker.wait()
            worker.stdout.close()
        last = json.loads(workers[2].communicate(timeout=300)[0])
        self.assertEqual(last["played"] + last["stored_earlier"], 60 * group)
        self.assertEqual(self.count("shared.db"), before + 60 * group)
        for seed in ("5", "6"):
            self.assay(*play[:-1], seed, "--store", "whole.db")
        self.assay("merge", "shared.db", "whole.db")   # with the rollouts of seed 1; a conflict would be an error
        self.assert_same_records("whole.db", "shared.db")
        self.assertTrue(self.json("doctor", "--store", "shared.db")["ok"])
