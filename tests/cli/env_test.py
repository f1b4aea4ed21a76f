"""assay env: the protocol, and the ten-line program that drives it."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from tests.cli.driver import ASSAY, CliTest

TEN_LINES = """
import json, subprocess, sys
env = subprocess.Popen([sys.argv[1], "env", "--store", sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
def ask(**request):
    print(json.dumps(request), file=env.stdin, flush=True)
    return json.loads(env.stdout.readline())
start = ask(op="reset", index=0)
cities = ask(op="call", tool="get_all_cities", arguments={})
end = ask(op="call", tool="submit_result", arguments={"answer_text": "[]"})
print(len(start["tools"]), len(json.loads(cities["observation"])), end["done"], ask(op="score")["reward"])
env.stdin.close()
"""


class Env(CliTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.TemporaryDirectory(prefix="assay-env-")
        cls.store = str(pathlib.Path(cls.shared.name) / "assay.db")
        subprocess.run([ASSAY, "synth", "travel", "--difficulty", "1", "--count", "6", "--tasks-per-environment", "2", "--store", cls.store],
                       check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.shared.cleanup()

    def start(self, *arguments):
        env = subprocess.Popen([ASSAY, "env", "--store", self.store, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        self.addCleanup(lambda: (env.kill(), env.wait(), env.stdout.close(), env.stderr.close()))
        return env

    def send(self, env, line):
        env.stdin.write(line if isinstance(line, bytes) else line.encode())
        env.stdin.write(b"\n")
        env.stdin.flush()
        return json.loads(env.stdout.readline())

    def ask(self, env, **request):
        return self.send(env, json.dumps(request))

    def end(self, env):
        env.stdin.close()
        self.assertEqual(env.wait(timeout=60), 0)

    def test_ten_lines_of_python_drive_it(self):
        self.assertLessEqual(len(TEN_LINES.strip().splitlines()), 10)
        done = subprocess.run(["python3", "-c", TEN_LINES, ASSAY, self.store], capture_output=True, text=True, timeout=120)
        tools, cities, finished, reward = done.stdout.split()
        self.assertEqual((int(tools), finished, float(reward)), (15, "True", 0.0), done.stderr)
        self.assertGreaterEqual(int(cities), 30)

    def test_an_episode_by_messages_of_the_gold_passes(self):
        env = self.start()
        listed = self.ask(env, op="list")
        self.assertEqual(listed["total"], 6)
        task = listed["tasks"][3]["task"]
        gold = self.json("show", "task", task, "--store", self.store)["task"]["gold"]
        reset = self.ask(env, op="reset", task=task, episode="mine")
        self.assertEqual((reset["episode"], reset["task"]), ("mine", task))
        self.assertNotIn(gold, json.dumps(reset))
        message = {"role": "assistant", "content": "", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "get_all_cities", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "no_such_tool", "arguments": "{"}}]}
        told = self.ask(env, op="step", episode="mine", message=message)
        self.assertEqual([m["tool_call_id"] for m in told["messages"]], ["a", "b"])
        self.assertFalse(told["done"])
        self.assertIs(self.ask(env, op="score", episode="mine")["submitted"], False)
        told = self.ask(env, op="call", episode="mine", tool="submit_result", arguments={"answer_text": gold})
        self.assertTrue(told["done"])
        score = self.ask(env, op="score", episode="mine")
        self.assertEqual((score["reward"], score["passed"], score["submitted"]), (1.0, True, True))
        self.assertTrue(all(check["passed"] for check in score["checks"]))
        self.assertEqual(self.ask(env, op="score", task=task, answer=gold)["passed"], True)
        self.assertEqual(self.ask(env, op="score", task=task, answer="")["passed"], False)
        self.assertEqual(self.ask(env, op="close", episode="mine"), {"closed": "mine"})
        self.assertIn("no open episode", self.ask(env, op="score", episode="mine")["error"]["message"])
        self.end(env)

    def test_wrong_requests_are_answered_with_an_error_and_the_process_lives_on(self):
        env = self.start()
        self.ask(env, op="reset", index=0)
        wrong = ["{", "[]", "17", "null", '{"op":"reset","index":NaN}', '{"op":"close","op":"score"}', "[" * 100_000, "\xff\xfe", "{}",
                 '{"op":7}', '{"op":"rest","index":0}', '{"op":"reset","index":6}', '{"op":"reset","index":-1}', '{"op":"reset","index":"0"}',
                 '{"op":"reset"}', '{"op":"reset","task":"abc"}', '{"op":"reset","task":"' + "0" * 64 + '"}', '{"op":"reset","index":0,"epsiode":"x"}',
                 '{"op":"call"}', '{"op":"call","tool":"get_all_cities","arguments":[1]}', '{"op":"call","tool":"x","episode":"never"}',
                 '{"op":"step"}', '{"op":"step","message":{"role":"user","content":"hi"}}', '{"op":"step","message":"hi"}',
                 '{"op":"score","answer":"x"}', '{"op":"score","answer":5,"task":"abcdef"}', '{"op":"close","episode":"never"}']
        for line in wrong:
            told = self.send(env, line.encode("latin-1"))
            self.assertEqual(list(told), ["error"], line[:80])
            self.assertTrue(told["error"]["boundary"] and told["error"]["message"], line[:80])
        long = self.send(env, b'{"op":"call","tool":"' + b"x" * (9 << 20) + b'"}')
        self.assertEqual(long["error"]["boundary"], "limit")
        self.assertIn("reset", self.send(env, '{"op":"rest"}')["error"]["message"])
        told = self.ask(env, op="call", tool="get_all_cities")
        self.assertNotIn("is_error", told)
        self.assertTrue(self.ask(env, op="call", tool="get_all_citys", arguments={})["is_error"])
        self.assertTrue(self.ask(env, op="call", tool="get_all_hotels_by_city", arguments={"city": 7})["is_error"])
        self.end(env)

    def test_many_episodes_at_a_time_up_to_a_limit_that_is_said_aloud(self):
        env = self.start()
        for i in range(4096):
            self.assertIn("prompt", self.ask(env, op="reset", index=i % 6, episode=str(i)))
        self.assertEqual(self.ask(env, op="reset", index=0, episode="one more")["error"]["boundary"], "limit")
        self.assertIn("prompt", self.ask(env, op="reset", index=1, episode="17"))
        self.assertIn("closed", self.ask(env, op="close", episode="4000"))
        self.assertIn("prompt", self.ask(env, op="reset", index=0, episode="one more"))
        for i in (0, 1, 4095):
            self.assertFalse(self.ask(env, op="call", episode=str(i), tool="get_all_cities")["done"])
        self.end(env)

    def test_only_chosen_tasks_are_served(self):
        env = self.start("--limit", "2")
        self.assertEqual(self.ask(env, op="list")["total"], 2)
        chosen = self.ask(env, op="list", offset=1, limit=5)["tasks"]
        self.assertEqual([t["index"] for t in chosen], [1])
        self.assertIn("error", self.ask(env, op="reset", index=2))
        self.end(env)

    def test_an_interrupt_ends_it_in_order(self):
        env = self.start()
        self.ask(env, op="reset", index=0)
        env.send_signal(2)
        self.assertEqual(env.wait(timeout=60), 0)


if __name__ == "__main__":
    unittest.main()
