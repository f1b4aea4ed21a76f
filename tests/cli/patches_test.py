"""A mined task from the other side: predictions, episodes and exports of one that these tests build."""

import json
import subprocess
import textwrap

from tests.cli.build_test import FIXED, MORE, STATS, Repository
from tests.cli.driver import ASSAY, CliTest

WRONG = STATS["stats.py"].replace("return sum(values) / len(values)", "return sum(values) / len(values) if values else 1.0")


class PatchesTest(CliTest):
    def setUp(self):
        super().setUp()
        self.repository = Repository(self.folder / "stats", STATS)
        self.repository.change("mean of an empty list fails", {"stats.py": FIXED, "tests/test_stats.py": MORE})
        self.repository.write(self.folder / "records.jsonl")
        self.assay("mine", "records.jsonl", "--clone", self.repository.path, "--repository", "example/stats", "--out", "candidates.jsonl")
        result = self.json("build", "candidates.jsonl", "--clone", self.repository.path, "--jobs", 1, "--rounds", 2, "--test-seconds", 40)
        self.assertEqual(result["reasons"], {"certified": 1}, result)
        self.task = self.task_ids()[0]

    def patch(self, text):
        self.repository.git("checkout", "-q", "HEAD", "--", ".")
        (self.repository.path / "stats.py").write_text(textwrap.dedent(text))
        done = subprocess.run(["git", "diff"], cwd=self.repository.path, capture_output=True, text=True, check=True)
        return done.stdout

    def test_a_task_is_verified_played_audited_and_exported(self):
        acceptance = self.json("show", "certificate", self.task)["acceptance"]
        cheats = {each["name"]: each["outcome"] for each in acceptance["proof"]["cheats"] if each["must_fail"]}
        self.assertEqual({cheats[name] for name in ("empty_patch", "exits_early", "fake_report")}, {"rejected"})
        self.assertNotIn("accepted", cheats.values())
        self.assertEqual((acceptance["pinned"]["environment"]["TZ"], acceptance["pinned"]["network"]), ("UTC", "none"))
        self.assertIn("the machine's", acceptance["pinned"]["clock"])
        self.assertEqual(acceptance["leaks"]["leak_count"], 0)
        self.assertGreater(acceptance["leaks"]["searched"]["objects"], 0)

        endless = self.patch(FIXED.replace("return max", "while True:\n            pass\n        return max"))
        patches = {"endless": endless, "right": self.patch(FIXED), "wrong": self.patch(WRONG), "empty": "", "misfit": self.patch(FIXED).replace("def mean", "def meal")}
        lines = [{"instance_id": "example__stats-2", "model_name_or_path": name, "model_patch": patch} for name, patch in patches.items()]
        lines.append({"instance_id": "nobody__nothing-1", "model_name_or_path": "right", "model_patch": ""})
        (self.folder / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = subprocess.run([ASSAY, "verify", "--json", "--predictions", "predictions.jsonl"], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)   # one names no task
        found = {line["model"] if line["outcome"] != "unknown" else "nobody": line for line in map(json.loads, done.stdout.splitlines())}
        self.assertEqual({name: line["outcome"] for name, line in found.items()},
                         {"right": "resolved", "wrong": "not_resolved", "empty": "not_resolved", "misfit": "not_resolved", "endless": "timed_out", "nobody": "unknown"})
        self.assertEqual([check["name"] for check in found["misfit"]["checks"]], ["patch"])
        logs = self.json("show", "log", found["wrong"]["log"])
        self.assertIn("test_mean_of_nothing", "".join(log["text"] for log in logs))

        # An agent: it mends the file with the tools, and edits tests that do not count.
        requests = [{"op": "reset", "task": self.task}, {"op": "call", "tool": "read_file", "arguments": {"path": "stats.py"}},
                    {"op": "call", "tool": "edit_file", "arguments": {"path": "stats.py", "old": "/ len(values)", "new": "/ len(values) if values else 0.0"}},
                    {"op": "call", "tool": "bash", "arguments": {"command": "rm tests/test_stats.py; git status --short"}},
                    {"op": "call", "tool": "submit", "arguments": {"summary": "done"}}, {"op": "score"}]
        done = subprocess.run([ASSAY, "env", "--task", self.task], cwd=self.folder, input="".join(json.dumps(each) + "\n" for each in requests), capture_output=True, text=True, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertIn("def mean", answers[1]["observation"], answers)
        self.assertIn(" D tests/test_stats.py", answers[3]["observation"], answers)
        self.assertEqual(answers[-1]["reward"], 1, answers[-1])

        # Gold acts the patch out; handing in the tree as it is scores nothing, and so does saying so.
        submit = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "submit", "arguments": json.dumps({"summary": "done"})}}]}
        (self.folder / "nothing.jsonl").write_text(json.dumps({"task": self.task, "messages": [submit]}) + "\n")
        (self.folder / "words.jsonl").write_text(json.dumps({"task": self.task, "messages": [{"role": "assistant", "content": "It is done."}]}) + "\n")
        played = self.json("rollout", "--policy", "gold,replay:nothing.jsonl,replay:words.jsonl")
        self.assertEqual((played["played"], played["failures"]), (3, {}))
        rewards = {rollout["policy"]: rollout["reward"] for rollout in self.json("list", "rollouts")["rollouts"]}
        self.assertEqual((rewards.pop("gold"), sorted(rewards.values())), (1, [0, 0]))
        # Nobody played it when it was certified, so nothing of that is claimed.
        row = self.json("list", "tasks")["tasks"][0]
        self.assertEqual([row[name] for name in ("chance_rate", "calls_low", "calls_high")], [None] * 3)
        self.assertRegex(self.assay("list", "tasks").stdout, r"sound +- +-")
        self.assertIn("not measured: chance rate, tool calls", self.assay("show", "task", self.task).stdout)

        self.assay("export", "--format", "swe_bench", "--out", "swe", "--train-percent", 100, "--validation-percent", 0)
        row = json.loads((self.folder / "swe/data/train.jsonl").read_text())
        self.assertEqual(row["instance_id"], "example__stats-2")
        self.assertEqual(json.loads(row["FAIL_TO_PASS"]), ["tests/test_stats.py::test_mean_of_nothing"])
        self.assay("export", "--format", "harbor", "--out", "harbor", "--train-percent", 100, "--validation-percent", 0)
        self.assertTrue((self.folder / "harbor/tasks/example__stats-2/environment/Dockerfile").exists())
        # And back: Harbor's directory names the tree and holds both patches.
        self.assertEqual(self.json("mine", "harbor/tasks", "--clone", self.repository.path, "--out", "again.jsonl")["kept"], 1)
        first, again = (json.loads((self.folder / name).read_text()) for name in ("candidates.jsonl", "again.jsonl"))
        self.assertEqual({name: first[name] for name in ("repository", "base", "pull", "gold", "tests", "language")}, {name: again[name] for name in ("repository", "base", "pull", "gold", "tests", "language")})
        self.assertIn(first["statement"], again["statement"])
        self.assertEqual(self.json("audit")["same"], 1)

        # A machine that has lost the environment says nothing about the patch.
        (self.folder / "assay.db.layers").rename(self.folder / "elsewhere")
        (self.folder / "one.json").write_text(json.dumps([lines[0]]))
        done = subprocess.run([ASSAY, "verify", "--json", "--predictions", "one.json"], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["outcome"]), (1, "infrastructure"), done.stderr)
