"""Every verb on a small store, for people and with --json; bad usage and bad input."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from tests.cli.driver import ASSAY, CliTest


class Program(CliTest):
    def test_version_names_version_commit_and_components(self):
        text = self.assay("--version").stdout
        self.assertRegex(text, r"^assay \d+\.\d+\.\d+\n")
        told = self.json("--version")
        self.assertIn(told["commit"], text)
        for component in told["components"]:
            self.assertIn(component, text)
        self.assertTrue(any(c.startswith("SQLite") for c in told["components"]))

    def test_without_a_verb_it_shows_the_verbs_and_says_that_this_is_not_enough(self):
        done = self.assay(status=2)
        self.assertEqual(done.stdout, "")
        for verb in ("synth", "rollout", "filter", "audit", "attack", "verify", "env", "export", "show", "list", "doctor", "bench"):
            self.assertRegex(done.stderr, rf"(?m)^  {verb} ")
            self.assertIn("--store", self.assay(verb, "--help").stdout)

    def test_unknown_names_list_the_known_ones(self):
        for arguments, known in [(("sinth", "travel"), "synth"), (("list", "task"), "tasks"), (("show", "taks", "abcdef"), "task"),
                                 (("bench", "nothing-like-it"), "known:"), (("synth", "travle"), "travel"),
                                 (("synth", "travel", "--preset", "raport"), "report")]:
            message, _ = self.fails(*arguments)
            self.assertIn(known, message, arguments)
            self.assertIn("unknown", message, arguments)

    def test_usage_errors_name_the_verb_and_point_to_its_help(self):
        for arguments in [("synth",), ("synth", "travel", "--count", "many"), ("synth", "travel", "--difficulty", "9"),
                          ("rollout",), ("synth", "travel", "--nonsense"), ("synth", "travel", "--seed", "-1"),
                          ("export", "--format", "openai_chat", "--out", "x", "--passed", "--all")]:
            message, hint = self.fails(*arguments)
            self.assertTrue(message.startswith(arguments[0] + ": "), message)
            self.assertEqual(hint, f"assay {arguments[0]} --help")

    def test_a_misspelt_option_is_told_its_neighbour(self):
        for arguments, near in [(("synth", "travel", "--cout=3"), "--count"), (("rollout", "--polcy", "random"), "--policy"),
                                (("model", "make", "--presett", "20m"), "--preset"), (("list", "tasks", "--sotre", "x.db"), "--store")]:
            self.assertEqual(self.fails(*arguments)[1], near)

    def test_a_verb_that_needs_a_store_says_how_to_make_one(self):
        for arguments in [("rollout", "--policy", "random"), ("filter", "--policy", "random"), ("audit",), ("attack",), ("verify",), ("env",), ("list", "tasks"),
                          ("show", "store"), ("export", "--format", "openai_chat", "--out", "x")]:
            message, hint = self.fails(*arguments)
            self.assertIn("assay.db", message)
            self.assertIn("assay synth", hint)
            self.assertFalse((self.folder / "assay.db").exists(), arguments)

    def test_errors_are_an_object_with_json(self):
        done = self.assay("synth", "travle", "--json", status=2)
        self.assertEqual(json.loads(done.stdout)["error"]["boundary"], "input")
        self.assertIn("travel", done.stderr)

    def test_a_file_that_is_no_store_is_left_alone(self):
        other = self.folder / "assay.db"
        other.write_text("my diary\n" * 1000)
        self.assay("synth", "travel", "--count", "1", status=1)
        self.assertEqual(other.read_text(), "my diary\n" * 1000)

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([ASSAY, "list", "policies"], cwd=self.folder, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("standard output", done.stderr)

    def test_doctor_finds_a_folder_that_cannot_be_written(self):
        self.assertTrue(self.json("doctor")["ok"])
        told = self.json("doctor", "--store", "/proc/assay.db", status=1)
        broken = [finding["what"] for finding in told["findings"] if finding["state"] == "BROKEN"]
        self.assertEqual(broken, ["store folder"])


class SmallStore(CliTest):
    """Twelve tasks, three policies; each test works on its own copy."""

    @classmethod
    def setUpClass(cls):
        cls.original = pathlib.Path(tempfile.mkdtemp(prefix="assay-small-"))
        cls.addClassCleanup(shutil.rmtree, cls.original, ignore_errors=True)
        run = lambda *arguments: json.loads(subprocess.run([ASSAY, *arguments, "--json"], cwd=cls.original, capture_output=True).stdout)
        cls.synth = run("synth", "travel", "--count", "10", "--seed", "5")
        cls.report = run("synth", "travel", "--preset", "report", "--count", "2", "--seed", "5")
        cls.rollout = run("rollout", "--policy", "gold,random,greedy", "--group", "2", "--seed", "3")

    def setUp(self):
        super().setUp()
        shutil.copytree(self.original, self.folder, dirs_exist_ok=True)

    def test_synth_and_rollout_report_what_they_did(self):
        self.assertEqual((self.synth["made"], self.synth["unsound"], self.synth["failed"]), (10, 0, 0))
        self.assertEqual([(g["difficulty"], g["tasks"], g["sound"]) for g in self.synth["by_difficulty"]], [(d, 2, 2) for d in range(1, 6)])
        self.assertEqual(self.synth["calibration"], [{"difficulty": d, "asked": 2, "in_band": 2} for d in range(1, 6)])
        self.assertEqual(self.report["calibration"], [])
        self.assertEqual((self.rollout["played"], self.rollout["failed"]), (12 * 2 * 3, 0))
        passed = {}
        for row in self.rollout["pass_rates"]:
            passed[row["policy"]] = passed.get(row["policy"], 0) + row["passed"]
        self.assertEqual(passed["gold"], 24)
        self.assertLess(passed["random"], 24)
        again = self.json("rollout", "--policy", "gold,random,greedy", "--group", "2", "--seed", "3")
        self.assertEqual((again["played"], again["stored_earlier"]), (0, 72))
        self.assertEqual(again["pass_rates"], self.rollout["pass_rates"])
        more = self.json("rollout", "--policy", "random", "--group", "3", "--seed", "3")
        self.assertEqual((more["played"], more["stored_earlier"]), (12, 24))
        self.assertEqual(self.json("synth", "travel", "--count", "10", "--seed", "5")["stored_earlier"], 10)

    def test_what_is_measured_lies_in_the_bands_of_the_difficulty_asked_for(self):
        source = json.loads((pathlib.Path(os.environ["ASSAY_SOURCE"]) / "envs/domains/travel.json").read_text())
        levels = source["archetypes"]["select"]["levels"]
        for row in self.json("list", "tasks", "--preset", "difficulty")["tasks"]:
            level = levels[str(row["difficulty"])]
            certificate = self.json("show", "task", row["task"])["certificate"]
            for band, value in (("chance", row["chance_rate"]), ("calls", row["calls_high"]), ("interacting", certificate["interacting"])):
                self.assertTrue(level[band][0] <= value < level[band][1], (row, band, value))

    def test_selection_by_difficulty_preset_id_and_limit(self):
        self.assertEqual(len(self.task_ids("--difficulty", "1,2")), 4)
        self.assertEqual(len(self.task_ids("--preset", "report")), 2)
        self.assertEqual(len(self.task_ids("--limit", "3")), 3)
        task = self.task_ids()[0]
        self.assertEqual(self.task_ids("--task", task[:10]), [task])
        self.assertIn("too short", self.fails("list", "tasks", "--task", "abc")[0])
        self.assertIn("no task", self.fails("list", "tasks", "--task", "0" * 20)[0])
        self.assertIn("no task in the store fits", self.fails("rollout", "--policy", "random", "--domain", "chess")[0])

    def test_tables_are_aligned_and_say_what_json_says(self):
        lines = self.assay("list", "tasks").stdout.splitlines()
        tasks = self.json("list", "tasks")["tasks"]
        self.assertEqual(len(lines), 1 + len(tasks))
        column = lines[0].index("domain")
        for line, task in zip(lines[1:], tasks):
            self.assertTrue(task["task"].startswith(line.split()[0]))
            self.assertEqual(line[column:column + 6], "travel")

    def test_show_speaks_of_each_kind_of_thing(self):
        task = self.task_ids()[0]
        text = self.assay("show", "task", task[:8]).stdout
        told = self.json("show", "task", task)
        self.assertEqual(told["task"]["id"], task)
        self.assertTrue(told["certificate"]["sound"])
        for constraint in told["constraints"]:
            self.assertIn(constraint["sentence"], text)
        self.assertNotIn("NO   ", text)
        self.assertNotIn("\ngold\n", text)
        self.assertIn("\ngold\n", self.assay("show", "task", task, "--full").stdout)

        rollout = self.json("list", "rollouts", "--policy", "gold", "--limit", "1")["rollouts"][0]["rollout"]
        text = self.assay("show", "rollout", rollout[:12]).stdout
        self.assertIn("[assistant]", text)
        self.assertRegex(text, r"-> submit_result ")
        self.assertRegex(text, r"\d+ more bytes|checks")
        self.assertLessEqual(len(text), len(self.assay("show", "rollout", rollout, "--full").stdout))

        certificate = self.assay("show", "certificate", task).stdout
        self.assertIn("chance rate", certificate)
        store = self.assay("show", "store").stdout
        for word in ("greedy", "difficulty 5", "proved sound", "a second", "assay.db"):
            self.assertIn(word, store)

    def test_the_written_database_has_the_rows_that_show_counts(self):
        environment = self.json("list", "environments")["environments"][0]["environment"]
        told = self.json("show", "environment", environment, "--sqlite", "world.sqlite")
        self.assertEqual(len([t for t in told["tools"]]), 15)
        with sqlite3.connect(self.folder / "world.sqlite") as database:
            for table in told["tables"]:
                self.assertEqual(database.execute(f'SELECT count(*) FROM "{table["name"]}"').fetchone()[0], table["rows"])
        self.assertIn("only an environment", self.fails("show", "store", "--sqlite", "x")[0])

    def test_verify_finds_all_verdicts_the_same_and_audit_all_certificates(self):
        verified = self.json("verify")
        self.assertEqual((verified["judged"], verified["same"], verified["disagreements"]), (72, 72, []))
        audited = self.json("audit")
        self.assertEqual((audited["audited"], audited["same"], audited["findings"]), (12, 12, []))

    def test_answers_are_judged_line_by_line(self):
        task = self.task_ids("--preset", "report")[0]
        gold = self.json("show", "task", task)["task"]["gold"]
        broken = json.loads(gold)
        broken[0]["city"] = broken[1]["city"]
        lines = [json.dumps({"answer": gold, "id": "text"}), json.dumps({"answer": json.loads(gold), "id": 7}), gold, json.dumps(gold),
                 json.dumps(broken), "", "{", '{"answer": NaN}', '{"answer": 1, "answer": 2}', "[" * 5000, "17", '{"reply": ""}',
                 '{"answer": ""}', "x" * (9 << 20)]
        (self.folder / "answers.jsonl").write_text("\n".join(lines))
        done = self.assay("verify", "--task", task, "--answers", "answers.jsonl", "--json", status=1)
        told = {line["line"]: line for line in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(sorted(told), [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14])
        self.assertEqual([n for n in sorted(told) if told[n].get("passed")], [1, 2, 3, 4])
        self.assertEqual((told[1]["id"], told[2]["id"]), ("text", 7))
        self.assertTrue([c for c in told[5]["checks"] if not c["passed"] and c["evidence"]])
        self.assertEqual([n for n in sorted(told) if "error" in told[n]], [7, 8, 9, 10, 11, 12, 14])
        for line in (7, 8, 9, 10, 11, 12, 14):
            self.assertIn(f"answers.jsonl:{line}", told[line]["error"]["message"])
        self.assertIn("4 passed, 2 failed, 7 malformed", done.stderr)
        good = self.assay("verify", "--task", task, "--answers", "-", stdin=gold + "\n").stdout
        self.assertIn("line 1: passed", good)
        self.assertIn("no.jsonl", self.fails("verify", "--task", task, "--answers", "no.jsonl")[0])
        self.assertIn("which task", self.fails("verify", "--answers", "answers.jsonl")[0])

    def test_the_printed_verifier_agrees(self):
        task = self.task_ids("--preset", "report")[0]
        told = self.json("show", "task", task)["task"]
        self.assay("show", "environment", told["environment"], "--sqlite", "world.sqlite")
        (self.folder / "verifier.py").write_text(self.assay("verify", "--task", task, "--python").stdout)
        (self.folder / "gold.txt").write_text(told["gold"])
        program = ("import verifier; gold = open('gold.txt').read(); "
                   "print(verifier.verify(gold, 'world.sqlite')['passed'], verifier.verify('[]', 'world.sqlite')['passed'])")
        done = subprocess.run([sys.executable, "-c", program], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.stdout.split(), ["True", "False"], done.stderr)

    def test_attack_finds_nothing_at_certified_tasks_and_goes_on_where_it_was(self):
        told = self.json("attack", "--limit", "5")
        self.assertEqual((told["attacked"], told["attacked_earlier"], told["hits"], told["findings"]), (5, 0, 0, []))
        told = self.json("attack", "--jobs", "2")
        self.assertEqual((told["attacked"], told["attacked_earlier"], told["hits"], told["failed"]), (7, 5, 0, 0))
        tried = {row["category"]: row["tried"] for row in told["categories"]}
        self.assertTrue(all(count > 0 for count in tried.values()), tried)
        for category in ("no_op", "other_gold", "unicode", "duplicate_keys", "hostile_sql"):
            self.assertIn(category, tried)
        self.assertEqual(self.json("attack", "--again", "--jobs", "1")["attacked"], 12)
        text = self.assay("attack").stdout
        self.assertRegex(text, r"(?m)^category +tried +right after all +hits")
        self.assertEqual(self.json("export", "--format", "grpo", "--out", "clean")["never_attacked"], 0)

    def test_a_hit_is_shown_and_blocks_export(self):
        exported = sum(self.json("export", "--format", "grpo", "--out", "before")["rows"].values())
        hit, other = self.task_ids()[:2]
        report = {"format": "assay-attack/1", "catalogue": "attacks 1", "tried": 9, "right": 0, "hits": {"no_op": 1},
                  "examples": [{"category": "no_op", "attempt": "nothing", "answer": "[]"}]}
        with sqlite3.connect(self.folder / "assay.db") as database:
            database.execute("INSERT INTO observation(subject, name, value, unix_ms) VALUES (?, 'attack', ?, 1)", (hit, json.dumps(report)))
        done = self.assay("attack", "--task", f"{hit},{other}", status=1)
        self.assertIn(f"HIT task {hit[:12]}, no_op, nothing: []", done.stdout)
        self.assertIn("    no_op, nothing: []", self.assay("show", "task", hit).stdout)
        self.assertIn("never attacked", self.assay("show", "task", self.task_ids()[2]).stdout)
        told = self.json("export", "--format", "grpo", "--out", "after")
        self.assertEqual((sum(told["rows"].values()), told["funnel"]["tasks"]["lost"]), (exported - 1, {"attacked": 1}))
        self.assertEqual(self.json("attack", "--task", hit, "--again")["hits"], 0)
        self.assertEqual(self.json("export", "--format", "grpo", "--out", "later")["funnel"]["tasks"]["lost"], {})

    def test_replay_acts_out_what_is_stored(self):
        told = self.json("rollout", "--policy", "replay:store", "--from", "random", "--group", "2")
        self.assertEqual((told["played"], told["failed"]), (24, 0))
        for old, new in zip(self.json("list", "rollouts", "--policy", "random")["rollouts"],
                            self.json("list", "rollouts", "--policy", "replay:store:random")["rollouts"]):
            self.assertEqual([old[k] for k in ("task", "sample", "passed", "calls")], [new[k] for k in ("task", "sample", "passed", "calls")])
        missing = self.json("rollout", "--policy", "replay:store", "--from", "greedy", "--group", "3", "--limit", "1", status=1)
        self.assertEqual(missing["failed"], 1)
        self.assertTrue(all(what.startswith("policy: ") for what in missing["failures"]))
        self.assertIn("--from", self.fails("rollout", "--policy", "replay:store")[1])

    def test_a_key_that_is_asked_for_and_missing_is_an_error(self):
        message, hint = self.fails("rollout", "--policy", "random", "--key-env", "ASSAY_TEST_NO_SUCH_KEY")
        self.assertIn("ASSAY_TEST_NO_SUCH_KEY", message)
        self.assertIn("export ASSAY_TEST_NO_SUCH_KEY", hint)

    def test_export_writes_what_it_reports_and_knows_its_formats(self):
        for format_ in [f["name"] for f in self.json("list", "formats")["formats"]]:
            if format_ in ("harbor", "swe_bench"):  # of tasks that ask for a patch
                self.assertIn("the format cannot hold it", self.fails("export", "--format", format_, "--out", format_)[0])
                continue
            told = self.json("export", "--format", format_, "--out", format_)
            self.assertGreater(sum(told["rows"].values()), 0)
            for file in told["files"]:
                self.assertTrue((self.folder / format_ / file).exists() or (self.folder / file).exists(), file)
        self.assertIn("openai_chat", self.fails("export", "--format", "openai_chatt", "--out", "x")[0])

    def test_an_endpoint_that_is_down_fails_rollouts_not_the_store(self):
        env = dict(os.environ, OPENAI_API_KEY="sk-never-stored")
        told = self.json("rollout", "--policy", "openai:http://127.0.0.1:9/v1", "--model", "m", "--retries", "0", "--limit", "2",
                         status=1, env=env)
        self.assertEqual((told["played"], told["failed"]), (2, 2))
        self.assertTrue(all(what.startswith("policy: ") for what in told["failures"]), told["failures"])
        self.assertTrue(self.json("doctor")["ok"])
        for file in self.folder.rglob("*"):
            if file.is_file():
                self.assertNotIn(b"sk-never-stored", file.read_bytes(), file)
