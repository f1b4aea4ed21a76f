"""`assay rollout --policy openai:URL` from the outside: a synthesized task, a real server, and what the store keeps of it."""

import json
import os
import pathlib
import subprocess
import sys

from tests.cli.driver import CliTest

SERVER = pathlib.Path(__file__).with_name("endpoint_server.py")
KEY = "sk-test-0123456789abcdef"


class OpenAiRollout(CliTest):
    def setUp(self):
        super().setUp()
        self.log = self.folder / "server.jsonl"
        server = subprocess.Popen([sys.executable, SERVER, self.log], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        # The server ends with its standard input.
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.stdin.close)
        self.assay("synth", "travel", "--preset", "report", "--count", "2")

    def roll(self, model, *more, status=0, url=None):
        return self.json("rollout", "--policy", f"openai:{url or self.url}", "--model", model, "--key-env", "ENDPOINT_KEY", *more,
                         status=status, env={**os.environ, "ENDPOINT_KEY": KEY})

    def requests(self):
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def rollouts(self):
        return self.json("list", "rollouts")["rollouts"]

    def test_a_good_server_plays_and_is_scored(self):
        told = self.roll("good", "--group", "3")
        self.assertEqual((told["played"], told["failed"]), (6, 0))
        for row in self.rollouts():
            self.assertEqual((row["policy"], row["scored"], row["stop"]), ("openai:good", True, "submitted"))
        shown = self.json("show", "rollout", self.rollouts()[0]["rollout"])
        self.assertIn('"prompt_tokens": 360', json.dumps(shown))
        self.assertEqual(len(self.requests()), 6 * 3)
        # What is in the store is not asked for again.
        self.assertEqual(self.roll("good", "--group", "3")["played"], 0)
        self.assertEqual(len(self.requests()), 6 * 3)

    def test_the_key_goes_to_the_server_and_nowhere_else(self):
        self.roll("good")
        self.roll("status_401", status=1)
        for request in self.requests():
            self.assertEqual(request["headers"]["Authorization"], "Bearer " + KEY)
            self.assertNotIn(KEY, json.dumps(request["body"]))
        kept = [path for path in self.folder.rglob("*") if path.is_file() and path != self.log]
        self.assertTrue(kept)
        for path in kept:
            self.assertNotIn(KEY.encode(), path.read_bytes(), path)
        self.assertIn(KEY.encode(), self.log.read_bytes())  # the search would have found it

    def test_each_broken_server_is_a_failure_of_the_policy_and_not_a_reward(self):
        for model, words in {
            "html": "HTML page", "invalid_json": "not JSON", "status_400": "maximum context length", "status_500": "status 500",
            "huge": "longer than the limit", "deep": "nested deeper", "nan": "not JSON", "duplicate_keys": "occurs twice",
            "no_choices": "no choices", "hang_up": "broke off", "no_answer": "broke off", "slow": "time limit",
        }.items():
            with self.subTest(model):
                told = self.roll(model, "--retries", "0", "--timeout", "1", "--limit", "1", status=1)
                self.assertEqual((told["played"], told["failed"]), (1, 1))
                self.assertEqual(len(told["failures"]), 1)
                failure = next(iter(told["failures"]))
                self.assertTrue(failure.startswith("policy: "), failure)
                self.assertIn(words, failure)
        rows = self.rollouts()
        self.assertEqual(len(rows), 12)
        for row in rows:
            self.assertEqual((row["scored"], row["boundary"]), (False, "policy"))

    def test_an_endpoint_that_is_down_is_a_failure_that_names_itself(self):
        told = self.roll("m", "--retries", "0", status=1, url="http://127.0.0.1:1")
        self.assertEqual(told["failed"], 2)
        self.assertIn("cannot connect", next(iter(told["failures"])))

    def test_what_a_model_calls_is_the_episodes_to_judge(self):
        for model in ("unknown_tool", "wrong_types"):
            with self.subTest(model):
                self.assertEqual(self.roll(model, "--limit", "1")["failed"], 0)
        for row in self.rollouts():
            self.assertEqual((row["scored"], row["passed"], row["stop"]), (True, False, "gave_up"))
            shown = self.json("show", "rollout", row["rollout"])
            self.assertGreater(json.dumps(shown).count('"tool_call_id"'), 0)

    def test_reasoning_comes_back_while_tool_results_follow(self):
        self.assertEqual(self.roll("reasoning")["failed"], 0)
        self.assertIn("thought 1", json.dumps(self.json("show", "rollout", self.rollouts()[0]["rollout"])))

    def test_an_episode_outlives_the_models_context_under_each_strategy(self):
        told = self.roll("small_context_none", "--limit", "1", status=1)
        self.assertIn("maximum context length", next(iter(told["failures"])))
        for strategy in ("summary", "discard-75", "discard-all"):
            with self.subTest(strategy):
                told = self.roll(f"small_context_{strategy}", "--limit", "1", "--context-strategy", strategy, "--context-tokens", "2000")
                self.assertEqual((told["played"], told["failed"]), (1, 0))
                (row,) = self.json("list", "rollouts", "--policy", f"openai:small_context_{strategy}+{strategy}@2000")["rollouts"]
                self.assertEqual((row["scored"], row["stop"]), (True, "submitted"))
                rollout = self.json("show", "rollout", row["rollout"])
                context = rollout["context"]
                self.assertEqual((context["strategy"], context["window_tokens"]), (strategy, 2000))
                self.assertGreaterEqual(len(context["resets"]), 2)
                for reset in context["resets"]:
                    self.assertGreaterEqual(reset["tokens"], 1600)
                # Everything is kept, and no request held more than fits.
                self.assertGreater(len(rollout["messages"]), 2 * 16)
                sent = [request["body"] for request in self.requests() if request["body"]["model"].endswith(strategy)]
                self.assertLessEqual(max(len(body["messages"]) for body in sent), 20)
                asked = sum("tools" not in body for body in sent)
                self.assertEqual(asked, len(context["resets"]) if strategy == "summary" else 0)
                # What followed the last reset is what the record says the model saw.
                kept = rollout["messages"][context["resets"][-1]["kept_from"]:-2]
                opening = len(sent[0]["messages"])
                self.assertEqual([message["content"] for message in sent[-1]["messages"][opening:]], [message["content"] for message in kept])
        # Another strategy is another rollout; the same one is in the store.
        again = ["--limit", "1", "--context-strategy", "summary", "--context-tokens", "2000"]
        self.assertEqual(self.roll("small_context_summary", *again)["played"], 0)

    def test_a_strategy_without_a_size_is_refused_and_a_cold_start_is_sent(self):
        common = ["rollout", "--policy", f"openai:{self.url}", "--model", "good"]
        for options in (["--context-strategy", "summary"], ["--context-tokens", "100"]):
            message, hint = self.fails(*common, *options)
            self.assertIn("belong together", message)
            self.assertIn("--context-strategy discard-all --context-tokens", hint)
        self.assertIn("discard-75", self.fails(*common, "--context-strategy", "forget", "--context-tokens", "100")[0])
        self.assertIn("reasoning_with_tools", self.fails(*common, "--cold-start", "warm")[0])
        self.roll("good", "--limit", "1", "--cold-start", "reasoning_with_tools")
        first = self.requests()[0]["body"]["messages"][0]
        self.assertEqual(first["role"], "system")
        self.assertIn("at most 20 calls", first["content"])
        self.assertEqual(self.rollouts()[0]["policy"], "openai:good+reasoning_with_tools")

    def test_bad_addresses_and_a_missing_model_are_refused_before_anything_is_played(self):
        message, hint = self.fails("rollout", "--policy", "openai:localhost:8000", "--model", "m")
        self.assertIn("not an http:// or https:// address", message)
        self.assertIn("openai:http://localhost:8000/v1", hint)
        message, hint = self.fails("rollout", "--policy", f"openai:{self.url}")
        self.assertIn("--model", hint)
        self.assertEqual(self.rollouts(), [])
