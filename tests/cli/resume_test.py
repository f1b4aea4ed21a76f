"""Any number of threads gives the same bytes; a run that was stopped anywhere goes on to the same result."""

import signal
import sqlite3
import subprocess
import time

from tests.cli.driver import ASSAY, CliTest

RUN_SECONDS = 4  # of the runs that are stopped on the way; the store commits every half second


class Resume(CliTest):
    def rows(self, store, table):
        try:
            with sqlite3.connect(f"file:{self.folder / store}?mode=ro", uri=True, timeout=10) as database:
                return database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def stop(self, arguments, store, table, how):
        """Starts a run and stops it as soon as it has committed something new; returns it."""
        before = self.rows(store, table)
        with open(self.folder / "output.txt", "w+") as output:
            run = subprocess.Popen([ASSAY, *arguments, "--store", store], cwd=self.folder, stdout=output, stderr=output)
            while run.poll() is None and self.rows(store, table) == before:
                time.sleep(0.01)
            self.assertIsNone(run.poll(), "the run ended before it could be stopped")
            run.send_signal(how)
            run.wait(timeout=60)
            output.seek(0)
            run.output = output.read()
        self.assertGreater(self.rows(store, table), before)
        return run

    def synth(self):
        """Arguments of a synth that runs for about RUN_SECONDS, and its number of tasks."""
        rate = self.json("synth", "travel", "--difficulty", "1", "--count", "20", "--store", "rate.db")["tasks_per_second"]
        count = max(100, int(rate * RUN_SECONDS))
        return ["synth", "travel", "--difficulty", "1", "--count", str(count), "--tasks-per-environment", "16"], count

    def rollout(self, store):
        rate = self.json("rollout", "--policy", "random,greedy", "--group", "4", "--store", "rate.db")["rollouts_per_second"]
        tasks = self.rows(store, "task")
        group = max(2, int(rate * RUN_SECONDS / (2 * tasks)))
        return ["rollout", "--policy", "random,greedy", "--group", str(group), "--seed", "9"], 2 * group * tasks

    def test_one_thread_and_several_give_the_same_bytes(self):
        for store, jobs in (("one.db", 1), ("two.db", 2), ("five.db", 5)):
            self.assay("synth", "travel", "--difficulty", "1,2,3", "--count", "18", "--tasks-per-environment", "4", "--store", store, "--jobs", jobs)
            self.assay("rollout", "--policy", "gold,random,greedy", "--group", "2", "--store", store, "--jobs", jobs)
        self.assert_same_store("one.db", "two.db")
        self.assert_same_records("one.db", "five.db")

    def test_tasks_do_not_depend_on_what_was_made_before(self):
        self.assay("synth", "travel", "--difficulty", "1,2", "--count", "12", "--store", "all.db")
        self.assay("synth", "travel", "--difficulty", "1,2", "--count", "3", "--store", "parts.db")
        self.assertEqual(self.json("synth", "travel", "--difficulty", "1,2", "--count", "12", "--store", "parts.db")["stored_earlier"], 3)
        self.assert_same_store("all.db", "parts.db")

    def test_other_tasks_of_the_same_index_are_not_taken_for_these(self):
        self.assay("synth", "travel", "--count", "4", "--difficulty", "1")
        self.assertEqual(self.json("synth", "travel", "--count", "4", "--difficulty", "2")["made"], 4)
        self.assertEqual(self.json("synth", "travel", "--count", "4", "--difficulty", "1", "--tasks-per-environment", "2")["stored_earlier"], 2)
        self.assertEqual(len(self.task_ids()), 10)

    def test_killed_runs_go_on_to_the_same_store(self):
        synth, count = self.synth()
        for _ in range(2):
            self.assertEqual(self.stop(synth, "killed.db", "certificate", signal.SIGKILL).returncode, -signal.SIGKILL)
        told = self.json(*synth, "--store", "killed.db")
        self.assertEqual(told["made"] + told["stored_earlier"], count)
        self.assertGreater(told["stored_earlier"], 0)
        self.json(*synth, "--store", "whole.db")

        rollout, total = self.rollout("whole.db")
        for _ in range(2):
            self.stop(rollout, "killed.db", "rollout", signal.SIGKILL)
        told = self.json(*rollout, "--store", "killed.db")
        self.assertEqual(told["played"] + told["stored_earlier"], total)
        self.assertGreater(told["stored_earlier"], 0)
        self.json(*rollout, "--store", "whole.db")
        self.assert_same_records("killed.db", "whole.db")
        self.assertTrue(self.json("doctor", "--store", "killed.db")["ok"])

    def test_an_interrupt_flushes_says_so_and_can_be_gone_on_from(self):
        synth, count = self.synth()
        run = self.stop(synth, "stopped.db", "certificate", signal.SIGINT)
        self.assertEqual(run.returncode, 1, run.output)
        self.assertIn("interrupted after", run.output)
        self.assertIn("goes on from there", run.output)
        self.assertEqual(self.rows("stopped.db", "task"), self.rows("stopped.db", "certificate"))
        self.assertTrue(self.json("doctor", "--store", "stopped.db")["ok"])
        told = self.json(*synth, "--store", "stopped.db")
        self.assertEqual(told["made"] + told["stored_earlier"], count)

        rollout, total = self.rollout("stopped.db")
        run = self.stop(rollout, "stopped.db", "rollout", signal.SIGINT)
        self.assertEqual(run.returncode, 1, run.output)
        self.assertIn("interrupted", run.output)
        told = self.json(*rollout, "--store", "stopped.db")
        self.assertEqual(told["played"] + told["stored_earlier"], total)
        self.assertEqual(self.rows("stopped.db", "rollout"), total)
        self.assertEqual(self.json("verify", "--store", "stopped.db")["disagreements"], [])
