"""assay submit slurm on a real cluster of one node: workers are killed half-way, and the end is that of a run on one machine."""

import json
import os
import pathlib
import signal
import sqlite3
import subprocess

from tests.cli import slurm_cluster
from tests.cli.driver import ASSAY, CliTest


class Slurm(CliTest):
    def setUp(self):
        super().setUp()
        self.submit = ["submit", "slurm", "--shards", "6", "--workers", "3", "--poll-seconds", "0.2", "--folder", str(self.folder / "run")]

    def start_cluster(self):
        why = slurm_cluster.missing()
        if why:
            print(f"SKIPPED: {why}", flush=True)
            self.skipTest(why)
        self.cluster = slurm_cluster.Cluster(self.folder / "cluster")
        self.addCleanup(self.cluster.stop)
        self.cluster.start()

    def make_tasks(self):
        self.assay("synth", "travel", "--difficulty", "1", "--count", "24", "--tasks-per-environment", "8", "--store", "one.db")
        self.assay("merge", "many.db", "one.db")

    def play(self, store):
        """Arguments of a rollout that takes some seconds in all."""
        rate = self.json("rollout", "--policy", "random", "--group", "8", "--seed", "1", "--store", store)["rollouts_per_second"]
        return ["rollout", "--policy", "random", "--group", str(max(16, int(rate * 12 / 24))), "--seed", "7", "--jobs", "1"]

    def start(self, *arguments):
        out = open(self.folder / "submit.out", "w")
        self.addCleanup(out.close)
        run = subprocess.Popen([ASSAY, *self.submit, "--store", "many.db", "--json", *arguments], cwd=self.folder, env=self.cluster.environment,
                               stdout=out, stderr=subprocess.STDOUT)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        return run

    def end(self, run, status=0):
        run.wait(timeout=400)
        text = (self.folder / "submit.out").read_text()
        self.assertEqual(run.returncode, status, text + "".join(log.read_text() for log in (self.folder / "run/logs").glob("*")))
        return text, json.loads(text.splitlines()[-1])

    def rollouts(self, shard):
        try:
            with sqlite3.connect(f"file:{self.folder}/run/{shard}.db?mode=ro", uri=True, timeout=10) as database:
                return database.execute("SELECT count(*) FROM rollout WHERE seed = 7").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def wait_for_work(self, shard):
        self.cluster.wait(lambda: self.rollouts(shard) > 0)

    def worker(self, shard):
        """The process that works on a shard now."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if words[1:2] == ["rollout"] and f"{self.folder}/run/{shard}.db" in words:
                return int(folder.name)
        self.fail(f"nobody works on shard {shard}")

    def check_whole(self, play):
        self.assay("rollout", *play[1:], "--store", "one.db")
        self.json("rollout", "--policy", "random", "--group", "8", "--seed", "1", "--store", "many.db")
        self.assert_same_records("one.db", "many.db")
        self.assertTrue(self.json("doctor", "--store", "many.db")["ok"])

    def test_workers_that_are_killed_or_cancelled_lose_and_double_nothing(self):
        self.start_cluster()
        self.make_tasks()
        play = self.play("one.db")
        run = self.start("--attempts", "5", "--", *play)
        self.wait_for_work(1)
        os.kill(self.worker(1), signal.SIGKILL)     # the program; its script goes on
        self.wait_for_work(2)
        array = self.cluster.run("squeue", "--noheader", "--format=%F").split()[0]
        self.cluster.run("scancel", f"{array}_2")   # the worker, in order
        self.wait_for_work(3)
        self.cluster.run("scancel", "--signal=KILL", "--full", f"{array}_3")   # the worker, script and all
        text, told = self.end(run)
        self.assertGreater(told["submissions"], 1, text)
        self.assertIn("shard 1 stopped: killed by signal 9", text)
        self.assertIn("submitting again", text)
        self.assertEqual(len(told["shards"]), 6)
        self.check_whole(play)
        # All of it again: nothing is submitted, and nothing is new.
        text, told = self.end(self.start("--attempts", "5", "--", *play))
        self.assertEqual((told["submissions"], told["copied"]), (0, 0), text)

    def test_a_lost_node_and_a_submission_that_was_stopped(self):
        self.start_cluster()
        self.make_tasks()
        play = self.play("one.db")
        once = ["--attempts", "5", "--sbatch=--no-requeue"]   # or Slurm itself brings back what a lost node took
        run = self.start(*once, "--", *play)
        self.wait_for_work(1)
        run.send_signal(signal.SIGTERM)             # the waiting ends, the jobs go on
        text, told = self.end(run, status=1)
        self.assertTrue(told["interrupted"])
        self.assertIn("the same command waits for them again", text)
        run = self.start(*once, "--", *play)
        self.cluster.wait(lambda: "workers: " in (self.folder / "submit.out").read_text())
        self.assertNotIn("submitted job", (self.folder / "submit.out").read_text())   # it waits for those that run
        self.cluster.run("scontrol", "update", "NodeName=node1", "State=DOWN", "Reason=lost")
        self.cluster.wait(lambda: "submitting again" in (self.folder / "submit.out").read_text())
        self.cluster.run("scontrol", "update", "NodeName=node1", "State=RESUME", check=False)   # it may have come back by itself
        text, told = self.end(run)
        self.assertIn("NODE_FAIL", text)
        self.check_whole(play)

    def test_what_slurm_or_the_verb_refuses_is_said(self):
        self.start_cluster()
        self.make_tasks()
        text, told = self.end(self.start("--sbatch=--partition=nowhere", "--", "rollout", "--policy", "random"), status=2)
        self.assertIn("invalid partition specified: nowhere", text)
        text, told = self.end(self.start("--", "rollout", "--policy", "greedy"), status=2)
        self.assertIn("belongs to another run", text)
        (self.folder / "run").rename(self.folder / "run1")
        text, told = self.end(self.start("--", "rollout", "--policy", "no_such_policy"), status=2)
        self.assertIn("refused by the worker of shard", text)

    def test_without_a_cluster_the_script_can_be_read(self):
        self.assay("synth", "travel", "--difficulty", "1", "--count", "2", "--store", "many.db")
        self.submit[2:2] = ["--sbatch=--time=1:00:00", "--sbatch=--mem=4G"]
        script = self.assay(*self.submit, "--dry-run", "--store", "many.db", "--seed", "3", "--", "rollout", "--policy", "random").stdout
        for line in ("#!/bin/bash", "#SBATCH --array=1-3", "#SBATCH --time=1:00:00", "#SBATCH --mem=4G"):
            self.assertIn(line + "\n", script)
        self.assertIn("'rollout' '--policy' 'random' '--seed' '3' --store \"$at.db\" --shard \"$shard/6\" --json", script)
        self.assertFalse((self.folder / "run").exists())
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
        bare = {**os.environ, "PATH": str(self.folder)}
        for arguments, words in ((["--", "rollout"], "--policy"), (["--", "list", "tasks"], "--shard"), (["--", "rollout", "--policy", "random", "--store", "x"], "given by this command"),
                                 (["--sbatch=--array=1-9", "--", "rollout", "--policy", "random"], "set by this command"), (["--", "rollout", "--policy", "random"], "Slurm is not here")):
            done = subprocess.run([ASSAY, *self.submit, "--store", "many.db", *arguments], cwd=self.folder, env=bare, capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)
