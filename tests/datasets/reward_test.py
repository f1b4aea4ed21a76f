"""The reward module that exports write: what it takes for an answer, and that a broken verifier is never a reward.

A small program plays `assay env`: it passes the answer "right" and does what other answers tell it to."""

import concurrent.futures
import importlib.util
import json
import multiprocessing
import os
import pathlib
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("ASSAY_SOURCE") or pathlib.Path(__file__).parents[2])

FAKE = """#!/usr/bin/env python3
import json, os, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "starts"), "a") as starts:
    starts.write(" ".join(sys.argv[1:]) + "\\n")
for line in sys.stdin:
    request = json.loads(line)
    answer = request["answer"]
    once = os.path.join(folder, "died")
    if answer == "die" or (answer == "die once" and not os.path.exists(once)):
        open(once, "w").close()
        os._exit(3)
    if answer == "hang":
        time.sleep(600)
    if answer == "babble":
        print("not JSON", flush=True)
    elif request["op"] != "score" or not request["task"].startswith("task"):
        print(json.dumps({"error": {"boundary": "input", "message": "no task 'x'", "try": "assay list"}}), flush=True)
    else:
        passed = answer in ("right", "die once", "right for " + request["task"])
        print(json.dumps({"reward": float(passed), "passed": passed, "checks": [], "length": len(answer)}), flush=True)
"""


def load(folder):
    """The module as an export writes it into `folder`."""
    text = (SOURCE / "datasets/templates/reward.py").read_text(encoding="utf-8")
    assert text.count('"@STORE@"') == 1
    path = pathlib.Path(folder, "reward.py")
    path.write_text(text.replace('"@STORE@"', '"../store.db"'), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("reward", path)
    module = sys.modules["reward"] = importlib.util.module_from_spec(spec)  # there it can be pickled for workers
    spec.loader.exec_module(module)
    return module


class RewardCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        (self.root / "out").mkdir()
        (self.root / "store.db").touch()
        fake = self.root / "assay"
        fake.write_text(FAKE)
        fake.chmod(0o755)
        environment = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(environment)))
        os.environ["ASSAY"] = str(fake)
        os.environ.pop("ASSAY_STORE", None)
        self.reward = load(self.root / "out")
        self.addCleanup(lambda: self.reward._verifier.close())

    def starts(self):
        return (self.root / "starts").read_text().splitlines()


def call(name, arguments, **more):
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}], **more}


class Answers(RewardCase):
    def answer(self, completion):
        return self.reward.submitted_answer(completion)

    def test_text_is_the_answer_without_its_reasoning(self):
        self.assertEqual(self.answer("right"), "right")
        self.assertEqual(self.answer("<think>hm, [1]</think>\n right "), "right")
        self.assertEqual(self.answer([{"role": "assistant", "content": "right"}]), "right")
        self.assertEqual(self.answer([{"role": "assistant", "content": [{"type": "text", "text": "right"}]}]), "right")
        self.assertEqual(self.answer([{"role": "assistant", "content": "a"}, {"role": "tool", "content": "b"},
                                      {"role": "assistant", "content": "c"}]), "c")

    def test_a_submission_is_the_answer_whatever_is_said_later(self):
        later = [{"role": "tool", "content": "ok"}, {"role": "assistant", "content": "done"}]
        self.assertEqual(self.answer([call("submit_result", '{"answer_text": "right"}'), *later]), "right")
        self.assertEqual(self.answer([call("submit_result", {"answer_text": "right"}), *later]), "right")
        self.assertEqual(self.answer([call("submit_result", {"answer_text": "first"}), call("submit_result", {"answer_text": "second"})]), "first")

    def test_a_submission_written_as_text_counts(self):
        text = 'so\n<tool_call>\n{"name": "submit_result", "arguments": {"answer_text": "right"}}\n</tool_call>'
        self.assertEqual(self.answer(text), "right")
        self.assertEqual(self.answer("<think>" + text + "</think>wrong"), "wrong")

    def test_a_call_that_the_environment_would_refuse_is_no_submission(self):
        for arguments in ('{"answer_text": ', "[]", {"answer_text": ["right"]}, {"a": "x", "b": "y"}, {}, None, 7):
            self.assertEqual(self.answer([call("submit_result", arguments), {"role": "assistant", "content": "text"}]), "text")
        self.assertEqual(self.answer([call("other_tool", {"answer_text": "right"}, content="text")]), "text")
        self.assertEqual(self.answer("<tool_call>[1]</tool_call>"), "<tool_call>[1]</tool_call>")

    def test_the_tool_has_the_name_that_the_row_gives(self):
        self.assertEqual(self.reward.submitted_answer([call("hand_in", {"x": "right"})], "hand_in"), "right")

    def test_nothing_said_is_the_empty_answer(self):
        self.assertEqual(self.answer(""), "")
        self.assertEqual(self.answer([]), "")
        self.assertEqual(self.answer([{"role": "assistant", "content": None}]), "")


class Rewards(RewardCase):
    def test_trl_gets_one_float_a_completion(self):
        rewards = self.reward.reward(prompts=["p"] * 3, completions=["right", "wrong", [call("hand_in", {"x": "right for task3"})]],
                                     completion_ids=[[1]] * 3, task_id=["task1", "task2", "task3"],
                                     submit_tool=["submit_result", "submit_result", "hand_in"], difficulty=[1, 2, 3])
        self.assertEqual(rewards, [1.0, 0.0, 1.0])
        self.assertTrue(all(type(value) is float for value in rewards))
        self.assertEqual(self.starts(), [f"env --store {self.root}/out/../store.db"])

    def test_columns_of_another_length_are_an_error(self):
        with self.assertRaises(ValueError):
            self.reward.reward(prompts=["p"] * 2, completions=["right"] * 2, task_id=["task1"])

    def test_verl_gets_a_float(self):
        self.assertEqual(self.reward.compute_score("assay/travel", "right", "task1", {"index": 0}), 1.0)
        self.assertEqual(self.reward.compute_score(data_source="assay/travel", solution_str="wrong", ground_truth="task1"), 0.0)

    def test_an_answer_of_any_size_and_any_characters_is_scored(self):
        self.assertEqual(self.reward.score("task1", "x" * 10_000_000)["length"], self.reward.ANSWER_CHARACTERS)
        self.assertEqual(self.reward.compute_score("", "\ud800\x00\n", "task1"), 0.0)

    def test_threads_share_one_process_and_get_their_own_answers(self):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            jobs = [(f"task{i}", f"right for task{i if i % 3 else i + 1}") for i in range(200)]
            rewards = list(pool.map(lambda job: self.reward.compute_score("", job[1], job[0]), jobs))
        self.assertEqual(rewards, [float(i % 3 != 0) for i in range(200)])
        self.assertEqual(len(self.starts()), 1)

    def test_a_forked_worker_has_its_own_process(self):
        self.assertEqual(self.reward.compute_score("", "right", "task1"), 1.0)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            results = [pool.apply_async(self.reward.compute_score, ("", f"right for task{i}", f"task{i}")) for i in range(20)]
            self.assertEqual([result.get(60) for result in results], [1.0] * 20)
        self.assertEqual(self.reward.compute_score("", "right", "task1"), 1.0)
        self.assertGreaterEqual(len(self.starts()), 2)

    def test_the_store_can_be_named(self):
        os.environ["ASSAY_STORE"] = str(self.root / "store.db")
        self.reward.score("task1", "")
        self.assertEqual(self.starts(), [f"env --store {self.root}/store.db"])


class Failures(RewardCase):
    def check(self, expected, answer="right", task="task1"):
        with self.assertRaisesRegex(self.reward.RewardError, expected):
            self.reward.compute_score("", answer, task)

    def test_a_process_that_died_is_started_again(self):
        self.assertEqual(self.reward.compute_score("", "die once", "task1"), 1.0)
        self.assertEqual(self.reward.compute_score("", "right", "task1"), 1.0)
        self.assertEqual(len(self.starts()), 2)

    def test_a_process_that_was_killed_between_requests_is_started_again(self):
        self.reward.score("task1", "")
        self.reward._verifier._process.kill()
        self.reward._verifier._process.wait()
        self.assertEqual(self.reward.compute_score("", "right", "task1"), 1.0)

    def test_a_process_that_dies_again_and_again_raises(self):
        self.check("ended twice .exit status 3", "die")
        self.assertEqual(self.reward.compute_score("", "right", "task1"), 1.0)

    def test_an_error_names_its_boundary_and_what_to_try(self):
        self.check(r"input: no task 'x' \(try: assay list\)", task="x")

    def test_silence_raises_and_the_next_request_is_not_answered_late(self):
        self.reward.TIMEOUT_S = 0.3
        self.check("did not answer within 0.3 s", "hang")
        self.reward.TIMEOUT_S = 60.0
        self.assertEqual(self.reward.compute_score("", "right", "task1"), 1.0)

    def test_noise_raises(self):
        self.check("did not answer in JSON", "babble")
        self.assertEqual(self.reward.compute_score("", "right", "task1"), 1.0)

    def test_a_missing_program_or_store_raises(self):
        os.environ["ASSAY"], os.environ["PATH"] = "", ""
        self.check("was not found")
        os.environ["ASSAY"] = str(self.root / "no-such-program")
        self.check("ended twice|No such file")
        os.environ["ASSAY"] = str(self.root / "assay")
        (self.root / "store.db").unlink()
        self.check("no such store")


if __name__ == "__main__":
    unittest.main()
