"""`assay filter`: what is kept and stored of real policies, and of an endpoint that solves one task always, one now and then, one never."""

import http.server
import json
import math
import threading

from tests.cli.driver import CliTest
from tests.engine.endpoint_server import call, reply

ATTEMPTS = 4


def wilson(passed, attempts, z=1.96):
    """The 95% interval, as in Wilson (1927)."""
    rate, square = passed / attempts, z * z / attempts
    middle = rate + square / 2
    half = z * math.sqrt(rate * (1 - rate) / attempts + square / attempts / 4)
    return (middle - half) / (1 + square), (middle + half) / (1 + square)


class Filter(CliTest):
    def setUp(self):
        super().setUp()
        self.assay("synth", "travel", "--difficulty", "1,3", "--count", "6", "--seed", "5")

    def measured(self, task):
        return [o["value"] for o in self.json("show", "task", task)["observations"] if o["name"] == "pass_rate"]

    def exported(self, folder, *more, status=0):
        return sum(self.json("export", "--format", "grpo", "--out", folder, *more, status=status)["rows"].values())

    def test_gold_solves_everything_and_so_nothing_is_mixed(self):
        told = self.json("filter", "--policy", "gold", "--pass-at", "2")
        self.assertEqual((told["tasks"], told["kept"], told["played"], told["not_measured"]), (6, 6, 12, 0))
        self.assertEqual([(row["difficulty"], row["tasks"], row["kept"], row["never_solved"], row["always_solved"], row["passed"])
                          for row in told["by_difficulty"]], [(1, 3, 3, 0, 3, 6), (3, 3, 3, 0, 3, 6)])
        for row in told["by_difficulty"]:
            self.assertAlmostEqual(row["low"], wilson(6, 6)[0], places=9)
            self.assertAlmostEqual(row["high"], 1, places=9)
        self.assertEqual(self.exported("kept", "--kept-by", "gold"), 6)
        mixed = self.json("filter", "--policy", "gold", "--pass-at", "2", "--mixed")
        self.assertEqual((mixed["kept"], mixed["played"], mixed["stored_earlier"]), (0, 0, 12))
        # The newest measurement counts.
        self.assertIn("not kept by the filter", self.fails("export", "--format", "grpo", "--out", "none", "--kept-by", "gold")[0])

    def test_what_is_stored_is_what_the_rollouts_say_and_is_stored_once(self):
        told = self.json("filter", "--policy", "random", "--pass-at", ATTEMPTS, "--seed", "3")
        passed = {task: 0 for task in self.task_ids()}
        for row in self.json("list", "rollouts", "--policy", "random")["rollouts"]:
            passed[row["task"]] += row["passed"]
        self.assertEqual(told["kept"], sum(count > 0 for count in passed.values()))
        self.assertTrue(any(0 < count < ATTEMPTS for count in passed.values()), "this seed shows nothing")
        for task, count in passed.items():
            (rate,) = self.measured(task)
            low, high = wilson(count, ATTEMPTS)
            self.assertEqual((rate["policy"], rate["seed"], rate["attempts"], rate["passed"], rate["kept"], rate["interval"]),
                             ("random", 3, ATTEMPTS, count, count > 0, "wilson 95%"))
            self.assertAlmostEqual(rate["low"], low, places=9)
            self.assertAlmostEqual(rate["high"], high, places=9)
        again = self.json("filter", "--policy", "random", "--pass-at", ATTEMPTS, "--seed", "3", "--jobs", "3")
        self.assertEqual((again["played"], again["stored_earlier"], again["by_difficulty"]), (0, 6 * ATTEMPTS, told["by_difficulty"]))
        self.assertEqual([len(self.measured(task)) for task in passed], [1] * 6)
        mixed = self.json("filter", "--policy", "random", "--pass-at", ATTEMPTS, "--seed", "3", "--mixed")
        wanted = sum(0 < count < ATTEMPTS for count in passed.values())
        self.assertEqual((mixed["kept"], mixed["played"]), (wanted, 0))
        self.assertEqual(self.exported("mixed", "--kept-by", "random"), wanted)
        # More attempts go on from those that are there.
        more = self.json("filter", "--policy", "random", "--pass-at", ATTEMPTS + 1, "--seed", "3")
        self.assertEqual((more["played"], more["stored_earlier"]), (6, 6 * ATTEMPTS))
        self.assertIn("measure nothing", self.fails("filter", "--policy", "replay:store")[0])
        self.assertIn("never measured with that policy", self.fails("export", "--format", "grpo", "--out", "none", "--kept-by", "greedy")[0])

    def test_an_endpoint_is_measured_task_by_task(self):
        tasks = self.task_ids()[:3]
        golds = {}
        for task, solved in zip(tasks, (lambda n: True, lambda n: n % 2 == 0, lambda n: False)):
            shown = self.json("show", "task", task)["task"]
            golds[shown["prompt"]] = (shown["gold"], solved)
        asked, lock = {}, threading.Lock()

        class Server(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                prompt = request["messages"][-1]["content"]
                gold, solved = golds[prompt]
                with lock:
                    number = asked[prompt] = asked.get(prompt, -1) + 1
                broken = request["model"] == "breaks" and number == 1
                answer = gold if solved(number) else "[]"
                body = json.dumps(reply(calls=[call("submit_result", {"answer_text": answer})])).encode()
                self.send_response(500 if broken else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        common = ["filter", "--policy", f"openai:http://127.0.0.1:{server.server_port}", "--retries", "0", "--pass-at", ATTEMPTS, "--task", ",".join(tasks)]
        told = self.json(*common, "--model", "scripted")
        self.assertEqual((told["policy"], told["tasks"], told["kept"], told["played"]), ("openai:scripted", 3, 2, 3 * ATTEMPTS))
        self.assertEqual([self.measured(task)[0]["passed"] for task in tasks], [ATTEMPTS, ATTEMPTS // 2, 0])
        self.assertEqual(self.json(*common, "--model", "scripted", "--mixed")["kept"], 1)
        self.assertEqual(self.exported("one", "--kept-by", "openai:scripted"), 1)
        # One attempt of each breaks: then nothing is known, and nothing is stored.
        asked.clear()
        told = self.json(*common, "--model", "breaks", status=1)
        self.assertEqual((told["kept"], told["not_measured"]), (0, 3))
        self.assertEqual(sum(told["failures"].values()), 3)
        self.assertEqual(len(self.measured(tasks[0])), 2)
