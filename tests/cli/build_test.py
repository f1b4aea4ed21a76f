"""From issue texts to certified environments: repositories that these tests make themselves, with real git and the real runners."""

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import textwrap
import threading
import unittest

from tests.cli.driver import CliTest

ISSUE = ("The function gives a wrong result for some inputs that are quite ordinary. I would expect it to follow what its documentation says, "
         "for every input that the documentation allows. Please see the example below, which shows what comes out and what I would expect instead.")


class Repository:
    """A clone whose pull requests are told beside it, as records that `assay mine` reads."""

    def __init__(self, folder, files):
        self.path = folder
        self.records = []
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit(files, "Begin")

    def git(self, *arguments):
        env = dict(os.environ, GIT_AUTHOR_DATE="2024-05-01T12:00:00Z", GIT_COMMITTER_DATE="2024-05-01T12:00:00Z", GIT_CONFIG_GLOBAL="/dev/null")
        done = subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments], cwd=self.path, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, files, message):
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def change(self, title, files):
        """An issue, and a merged pull request that closes it; the next change starts from the same tree."""
        number = 2 * len(self.records) + 1
        base = self.git("rev-parse", "HEAD")
        head = self.commit(files, title)
        self.git("tag", f"pull-{number + 1}")
        self.git("reset", "-q", "--hard", base)
        self.records += [{"kind": "issue", "number": number, "title": title, "body": ISSUE, "author": "someone", "created": "2024-05-01T12:00:00Z"},
                         {"kind": "pull_request", "number": number + 1, "title": title, "body": f"Fixes #{number}", "author": "another", "merged": "2024-05-02T12:00:00Z", "base": base, "head": head}]

    def write(self, file):
        file.write_text("".join(json.dumps(record) + "\n" for record in self.records))


STATS = {"stats.py": """\
    def mean(values):
        return sum(values) / len(values)


    def spread(values):
        return max(values) - min(values)
    """, "tests/test_stats.py": """\
    from stats import mean, spread


    def test_mean():
        assert mean([1, 2, 3]) == 2


    def test_spread():
        assert spread([1, 4]) == 3
    """}
FIXED = STATS["stats.py"].replace("return sum(values) / len(values)", "return sum(values) / len(values) if values else 0.0")
MORE = STATS["tests/test_stats.py"] + """\


    def test_mean_of_nothing():
        assert mean([]) == 0.0
    """


class Model(http.server.BaseHTTPRequestHandler):
    """A chat-completions server that mends recipes as `replies` say: each makes a message of the recipe it was shown."""

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(request["messages"])
        shown = request["messages"][1]["content"].split("```json\n")[1].split("\n```")[0]
        text = self.server.replies[len(self.server.asked) - 1](json.loads(shown))
        body = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def has(program):
    return shutil.which(program, path="/usr/bin:/bin") is not None


class BuildTest(CliTest):
    def mine(self, repository, name="candidates.jsonl"):
        repository.write(self.folder / "records.jsonl")
        self.assay("mine", "records.jsonl", "--clone", repository.path, "--repository", "example/" + repository.path.name, "--out", name)
        count = len((self.folder / name).read_text().splitlines())
        self.assertEqual(count, len(repository.records) // 2, "every change is mined")
        return name

    def build(self, repository, *options):
        return self.json("build", self.mine(repository), "--clone", repository.path, "--jobs", 1, *options)

    def certified(self, repository, language, *options):
        """Builds the one change of a repository, which must be certified, and returns its task and certificate."""
        result = self.build(repository, *options)
        self.assertEqual(result["reasons"], {"certified": 1}, result)
        self.assertEqual(result["languages"], {language: {"candidates": 1, "certified": 1}})
        task = self.json("show", "task", self.task_ids()[0])
        return task

    def test_python_from_an_issue_to_a_certified_environment(self):
        repository = Repository(self.folder / "stats", STATS)
        repository.change("mean of an empty list fails", {"stats.py": FIXED, "tests/test_stats.py": MORE})
        shown = json.dumps(self.certified(repository, "python"))
        self.assertIn("tests/test_stats.py::test_mean_of_nothing", shown)
        self.assertIn("repair", shown)
        # Once more: the answer is in the store, nothing is run.
        again = self.json("build", "candidates.jsonl", "--clone", repository.path, "--jobs", 1)
        self.assertEqual(again["reasons"], {"certified": 1})

    def losses(self, repository, *options):
        return self.json("build", "candidates.jsonl", "--clone", repository.path, "--jobs", 1, "--rounds", 2, *options)["reasons"]

    def changed(self, repository, title, test, fixed=FIXED, tests=MORE):
        """No two golds are equal: the same change twice is mined once."""
        repository.change(title, {"stats.py": textwrap.dedent(fixed) + f"\n# {title}\n", "tests/test_stats.py": textwrap.dedent(tests) + test})

    def test_a_change_that_its_tests_do_not_tell_is_lost_for_a_reason(self):
        repository = Repository(self.folder / "stats", STATS)
        self.changed(repository, "tests that pass without the change", "\n\ndef test_more():\n    assert mean([2]) == 2\n", tests=STATS["tests/test_stats.py"])
        self.changed(repository, "a change that breaks another test", "", fixed=FIXED.replace("- min(values)", ""))
        self.changed(repository, "a test that is flaky beside a good one", "\n\ndef test_flaky(request):\n    assert request.config.getoption('--order-seed') != 2\n")
        self.mine(repository)
        # A patch that is not of this tree: what a file of candidates says is not believed.
        file = self.folder / "candidates.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        wrong = {name: value for name, value in lines[0].items() if name != "id"}
        wrong["gold"] = wrong["gold"].replace("return sum(values)", "return total(values)")
        wrong["id"] = hashlib.sha256(json.dumps(wrong, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
        file.write_text("".join(json.dumps(line) + "\n" for line in [*lines, wrong]))
        self.assertEqual(self.losses(repository), {"certified": 1, "no_fail_to_pass": 1, "pass_to_fail": 1, "gold_does_not_apply": 1})
        self.assertIn('"ignored": ["tests/test_stats.py::test_flaky"]', json.dumps(self.json("show", "task", self.task_ids()[0])))

    def test_tests_that_need_their_own_order_keep_it(self):
        # Another order than theirs ends the runner: what it ran until then tells nothing.
        order = "import os\nimport stats\n\n\ndef test_first():\n    stats.ready = True\n\n\n" + "".join(
            f"def test_then_{i}():\n    if not hasattr(stats, 'ready'):\n        os._exit(3)\n\n\n" for i in range(8))
        repository = Repository(self.folder / "stats", STATS)
        repository.change("mean of an empty list fails", {"stats.py": FIXED, "tests/test_stats.py": order + textwrap.dedent(MORE)})
        self.mine(repository)
        self.assertEqual(self.losses(repository), {"certified": 1})
        task = self.task_ids()[0]
        self.assertFalse(self.json("show", "certificate", task)["acceptance"]["shuffled"])
        self.assertNotIn("{seed}", json.dumps(self.json("show", "task", task)["task"]["tests"]))

    def test_hostile_tests_are_stopped_and_named_and_harm_nobody(self):
        repository = Repository(self.folder / "stats", STATS)
        self.changed(repository, "a test that hangs", "\n\ndef test_hang():\n    while True:\n        pass\n")
        self.changed(repository, "a test that forks", "\n\ndef test_fork():\n    import os, time\n    while True:\n        try:\n            os.fork() or time.sleep(1000)\n        except OSError:\n            time.sleep(0.1)\n")
        self.changed(repository, "a test that fills the disk", "\n\ndef test_disk():\n    for number in range(64):\n        with open(f'/tmp/full{number}', 'wb') as file:\n            for _ in range(128):\n                file.write(bytes(1 << 20))\n")
        self.changed(repository, "a test that prints without end", "\n\ndef test_print(capfd):\n    import os\n    with capfd.disabled():\n        while True:\n            os.write(1, b'x' * (1 << 16))\n")
        self.changed(repository, "a test that ends its own runner", "\n\ndef test_exit():\n    import os\n    os._exit(0)\n")
        self.changed(repository, "a sound change to end with", "\n\ndef test_mean_of_floats():\n    assert mean([0.5]) == 0.5\n")
        self.mine(repository)
        self.assertEqual(self.losses(repository, "--test-seconds", 20),
                         {"certified": 1, "gold_limit:wall": 2, "gold_limit:disk": 1, "gold_limit:output": 1, "gold_unbelievable:report": 1})

    def serve(self, *replies):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
        server.asked, server.replies = [], replies
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server, ("--policy", f"openai:http://127.0.0.1:{server.server_port}", "--model", "scripted", "--retries", 0)

    def test_a_model_mends_a_recipe_that_replays_without_it_and_never_the_tree(self):
        # Its tests need a variable of which nothing in the tree speaks to a program.
        needs = "import os\n\nif os.environ.get('SHOP') != 'open':\n    raise RuntimeError('SHOP must be open')\n"
        repository = Repository(self.folder / "stats", {**STATS, "conftest.py": needs})
        repository.change("mean of an empty list fails", {"stats.py": FIXED, "tests/test_stats.py": MORE})
        self.mine(repository)
        self.assertEqual(self.losses(repository, "--again"), {"gold_unbelievable:report": 1})

        def mended(recipe):
            recipe["commands"][0]["environment"]["SHOP"] = "open"
            # It solves the task, too, which must not last: with it no test would tell the fix from the tree.
            recipe["prepare"].append({"argv": ["sh", "-c", "printf '%s' \"$0\" > stats.py; rm tests/test_stats.py", textwrap.dedent(FIXED)], "environment": {}, "network": False})
            return "The variable is missing.\n```json\n" + json.dumps(recipe) + "\n```"

        server, policy = self.serve(lambda recipe: "Set SHOP.", lambda recipe: json.dumps(recipe), mended)
        self.assertEqual(self.losses(repository, "--again", *policy, "--recipe-turns", 2), {"gold_unbelievable:report": 1})
        said = [message["content"] for message in server.asked[1]]
        self.assertIn("SHOP must be open", said[1])
        self.assertIn("no JSON object", said[-1])
        self.assertEqual(len(server.asked), 2)
        server, policy = self.serve(mended)
        self.assertEqual(self.losses(repository, "--again", *policy, "--recipes", "recipes.jsonl"), {"certified": 1})
        self.assertEqual(len(server.asked), 1)
        recipe = self.json("show", "certificate", self.task_ids()[0])["acceptance"]["recipe"]
        self.assertEqual([json.loads(line) for line in (self.folder / "recipes.jsonl").read_text().splitlines()], [{"repository": "example/stats", "recipe": recipe}])
        self.assertEqual(self.losses(repository, "--again", "--recipes", "recipes.jsonl"), {"certified": 1})
        self.assertEqual(len((self.folder / "recipes.jsonl").read_text().splitlines()), 1)

    def test_node(self):
        repository = Repository(self.folder / "words", {
            "package.json": '{"name": "words", "scripts": {"test": "node --test"}}\n',
            "words.js": "exports.title = (text) => text[0].toUpperCase() + text.slice(1);\n",
            "test/words.test.js": "const test = require('node:test');\nconst assert = require('node:assert');\nconst { title } = require('../words.js');\n\ntest('a word', () => assert.equal(title('word'), 'Word'));\n"})
        tests = (repository.path / "test/words.test.js").read_text()
        repository.change("title of an empty text fails", {"words.js": "exports.title = (text) => text && text[0].toUpperCase() + text.slice(1);\n",
                                                           "test/words.test.js": tests + "test('an empty text', () => assert.equal(title(''), ''));\n"})
        self.assertIn("an empty text", json.dumps(self.certified(repository, "javascript")))

    def test_cmake_with_catch2(self):
        cases = '#include <catch2/catch.hpp>\n\n#include "clamp.h"\n\nTEST_CASE("between") { CHECK(clamp(5, 1, 9) == 5); }\n'
        repository = Repository(self.folder / "clamp", {
            "CMakeLists.txt": """\
                cmake_minimum_required(VERSION 3.20)
                project(clamp LANGUAGES CXX)
                find_package(Catch2 2 REQUIRED)
                include(CTest)
                include(Catch)
                add_executable(clamp_test test/main.cc test/clamp_test.cc)
                target_include_directories(clamp_test PRIVATE src)
                target_link_libraries(clamp_test PRIVATE Catch2::Catch2)
                catch_discover_tests(clamp_test)
                """,
            "src/clamp.h": "#pragma once\ninline int clamp(int x, int low, int high) { return x > high ? high : x; }\n",
            "test/main.cc": "#define CATCH_CONFIG_MAIN\n#define CATCH_CONFIG_FAST_COMPILE\n#include <catch2/catch.hpp>\n", "test/clamp_test.cc": cases})
        repository.change("clamp ignores the lower bound", {
            "src/clamp.h": "#pragma once\ninline int clamp(int x, int low, int high) { return x > high ? high : x < low ? low : x; }\n",
            "test/clamp_test.cc": cases + 'TEST_CASE("below") { CHECK(clamp(0, 1, 9) == 1); }\n'})
        self.assertIn("below", json.dumps(self.certified(repository, "cpp", "--rounds", 2)))

    CLAMP = """\
        #include <stdio.h>
        #include <stdlib.h>

        int main(int count, char **words) {
          int x = atoi(words[1]), low = atoi(words[2]), high = atoi(words[count - 1]);
          printf("%d\\n", x > high ? high : x < low - 100 ? low : x);
        }
        """
    CLAMPS = CLAMP.replace("low - 100", "low")
    BETWEEN = "test \"$(${1:-../clamp} 5 1 9)\" = 5\n"
    BELOW = "test \"$(${1:-../clamp} 0 1 9)\" = 1\n"

    def clamp(self, files, more):
        """A program in C that scripts test; the change mends it and adds one of them, in the files `more`."""
        repository = Repository(self.folder / "clamp", {"clamp.c": self.CLAMP, "test/between.sh": self.BETWEEN, **files})
        repository.change("clamp ignores the lower bound", {"clamp.c": self.CLAMPS, "test/below.sh": self.BELOW, **more})
        return json.dumps(self.certified(repository, "c", "--rounds", 2))

    @unittest.skipUnless(has("meson"), "no meson below /usr")
    def test_meson(self):
        build = "project('clamp', 'c')\nclamp = executable('clamp', 'clamp.c')\nsubdir('test')\n"
        tests = "test('between', find_program('sh'), args: [files('between.sh'), clamp])\n"
        self.assertIn("below", self.clamp({"meson.build": build, "test/meson.build": tests}, {"test/meson.build": tests + tests.replace("between", "below")}))

    @unittest.skipUnless(has("automake") and has("autoreconf"), "no autoconf and automake below /usr")
    def test_autotools(self):
        configure = "AC_INIT([clamp], [1])\nAM_INIT_AUTOMAKE([foreign])\nAC_PROG_CC\nAC_CONFIG_FILES([Makefile test/Makefile])\nAC_OUTPUT\n"
        tests = "TESTS = between.sh\nTEST_EXTENSIONS = .sh\nSH_LOG_COMPILER = sh\n"
        shown = self.clamp({"configure.ac": configure, "Makefile.am": "bin_PROGRAMS = clamp\nSUBDIRS = . test\n", "test/Makefile.am": tests}, {"test/Makefile.am": tests.replace("between.sh", "between.sh below.sh")})
        self.assertIn("test/below", shown)
        self.assertIn("test/between", shown)

    @unittest.skipUnless(has("make"), "no make below /usr")
    def test_make(self):
        build = "clamp: clamp.c\n\t$(CC) -o $@ $<\ntest: clamp\n\tsh test/between.sh ./clamp\n"
        self.assertIn('"fail_to_pass": ["test"]', self.clamp({"Makefile": build}, {"test/between.sh": self.BELOW}))

    def exiting(self, build):
        """A program that says all it says by its exit status, and includes what it tests."""
        test = '#include "clamp.c"\nint main(void) { return clamp(%s) != %s; }\n'
        clamp = "static int clamp(int x, int low, int high) { return x > high ? high : x < low%s ? low : x; }\n"
        repository = Repository(self.folder / "clamp", {**build, "clamp.c": clamp % " - 100", "test/between.c": test % ("5, 1, 9", 5)})
        repository.change("clamp ignores the lower bound", {"clamp.c": clamp % "", "test/between.c": test % ("0, 1, 9", 1)})
        return repository

    @unittest.skipUnless(has("make"), "no make below /usr")
    def test_programs_that_only_exit_can_be_ended_by_what_they_test_and_are_refused(self):
        repository = self.exiting({"Makefile": "test: between\n\t./between\nbetween: test/between.c clamp.c\n\t$(CC) -I. -o $@ $<\n"})
        self.assertEqual(self.build(repository, "--rounds", 1)["reasons"], {"unsound": 1})
        cheats = self.json("show", "certificate", self.task_ids()[0])["acceptance"]["proof"]["cheats"]
        self.assertEqual([cheat["name"] for cheat in cheats if cheat["outcome"] == "accepted" and cheat["must_fail"]], ["exits_at_start", "exits_early"])

    @unittest.skipUnless(has("cmake") and has("ninja"), "no cmake and ninja below /usr")
    def test_programs_that_only_exit_are_witnessed_where_ctest_runs_them(self):
        repository = self.exiting({"CMakeLists.txt": "cmake_minimum_required(VERSION 3.20)\nproject(clamp C)\nenable_testing()\nadd_executable(between test/between.c)\n"
                                                     "target_include_directories(between PRIVATE .)\nadd_test(NAME between COMMAND between)\n"})
        self.certified(repository, "c", "--rounds", 1)
        cheats = self.json("show", "certificate", self.task_ids()[0])["acceptance"]["proof"]["cheats"]
        outcomes = {cheat["name"]: cheat["outcome"] for cheat in cheats}
        for name in ("exits_at_start", "exits_early", "expects_failure", "prints_passed", "runner_configuration"):
            self.assertEqual(outcomes[name], "rejected", name)

    @unittest.skipUnless(has("cargo"), "no cargo below /usr")
    def test_cargo(self):
        repository = Repository(self.folder / "runs", {
            "Cargo.toml": '[package]\nname = "runs"\nversion = "0.1.0"\nedition = "2021"\n',
            "src/lib.rs": "pub fn longest(text: &str) -> usize {\n    text.split('-').map(|run| run.len()).min().unwrap()\n}\n",
            "tests/longest.rs": "#[test]\nfn of_one() {\n    assert_eq!(runs::longest(\"ab\"), 2);\n}\n"})
        repository.change("longest gives the shortest run", {
            "src/lib.rs": "pub fn longest(text: &str) -> usize {\n    text.split('-').map(|run| run.len()).max().unwrap()\n}\n",
            "tests/longest.rs": "#[test]\nfn of_one() {\n    assert_eq!(runs::longest(\"ab\"), 2);\n}\n\n#[test]\nfn of_two() {\n    assert_eq!(runs::longest(\"a-bc\"), 2);\n}\n"})
        self.assertIn("of_two", json.dumps(self.certified(repository, "rust", "--rounds", 2)))

    def test_a_toolchain_that_is_not_there_is_named(self):
        repository = Repository(self.folder / "hello", {"build.gradle": "apply plugin: 'java'\n", "src/main/java/Hello.java": "class Hello { int one() { return 2; } }\n",
                                                        "src/test/java/HelloTest.java": "class HelloTest { }\n"})
        repository.change("one is two", {"src/main/java/Hello.java": "class Hello { int one() { return 1; } }\n", "src/test/java/HelloTest.java": "class HelloTest { int x; }\n"})
        if has("gradle"):
            raise unittest.SkipTest("gradle is installed")
        self.assertEqual(self.build(repository)["reasons"], {"toolchain_missing:gradle": 1})


if __name__ == "__main__":
    unittest.main()
