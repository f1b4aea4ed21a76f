"""Mining, end to end: repositories made with git, a server that speaks GitHub's API, and files."""

import json
import os
import pathlib
import subprocess
import unittest

from tests.cli.driver import CliTest
from tests.cli.github_server import GitHub

STATEMENT = ("The parser takes a trailing comma for another item, so that a list which ends with a comma has one item too many and the count is wrong. "
             "It should be ignored, as every other reader of such files does.")


class MineTest(CliTest):
    def setUp(self):
        super().setUp()
        self.repository = self.folder / "repository"
        self.repository.mkdir()
        self.git("init", "-q", "-b", "main", ".")

    def git(self, *arguments, stdin=None, date="1700000000 +0000"):
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com",
               "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com", "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        return subprocess.run(["git", *arguments], cwd=self.repository, env=env, input=stdin, check=True, capture_output=True).stdout.decode().strip()

    def put(self, **files):
        for name, text in files.items():
            path = self.repository / name.replace("__", "/").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, message):
        self.git("add", "-A", ".")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def change(self, number, message="Ignore a trailing comma", body=STATEMENT, **files):
        self.put(**(files or {"lib__parse_py": f"value = {number}\n", "tests__test_parse_py": f"assert {number}\n"}))
        return self.commit(f"{message} (#{number})\n\n{body}")

    def base(self):
        self.put(lib__parse_py="value = 0\n", tests__test_parse_py="assert 0\n", LICENSE="ISC License\n\nPermission to use, copy, modify, and/or distribute this software for any purpose with or "
                 "without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.\n")
        return self.commit("Begin")

    def mine(self, *arguments, status=0, env=None):
        result = self.json("mine", *arguments, "--out", "out.jsonl", status=status, env=env)
        with open(self.folder / "out.jsonl", encoding="utf-8") as file:
            return result, [json.loads(line) for line in file]


class Clones(MineTest):
    def test_squashes_become_candidates_with_their_two_patches(self):
        base = self.base()
        head = self.change(1, body=STATEMENT + "\n\nFixes #7\n\nSigned-off-by: Ada <ada@example.com>")
        result, candidates = self.mine(self.repository, "--statements", "commit", "--repository", "ada/engine")
        self.assertEqual((result["changes"], result["kept"], result["lost"]), (1, 1, {}))
        (candidate,) = candidates
        self.assertEqual((candidate["base"], candidate["head"], candidate["pull"]), (base, head, 1))
        self.assertEqual((candidate["repository"], candidate["language"], candidate["licence"]), ("ada/engine", "python", "ISC"))
        self.assertEqual((candidate["title"], candidate["statement_from"]), ("Ignore a trailing comma", "commit"))
        self.assertEqual([issue["number"] for issue in candidate["issues"]], [7])
        self.assertNotIn("Signed-off-by", candidate["statement"])
        self.assertIn("lib/parse.py", candidate["gold"])
        self.assertNotIn("tests/", candidate["gold"])
        self.assertIn("tests/test_parse.py", candidate["tests"])
        # Both patches are git's.
        self.git("checkout", "-q", base)
        for patch in ("gold", "tests"):
            self.git("apply", "--index", stdin=candidate[patch].encode())
        self.assertEqual(self.git("write-tree"), self.git("rev-parse", f"{head}^{{tree}}"))

    def test_statements_of_commits_must_be_asked_for(self):
        self.base()
        self.change(1)
        result, candidates = self.mine(self.repository)
        self.assertEqual((result["lost"], candidates), ({"not_linked": 1}, []))
        self.assertIn("--statements commit", self.assay("mine", self.repository, "--out", "out.jsonl").stdout)

    def test_what_was_merged_before_a_day_can_be_left_out(self):
        self.base()
        self.change(1)   # in November 2023
        self.assertEqual(self.mine(self.repository, "--statements", "commit", "--since", "2023-12-01")[0]["lost"], {"too_old": 1})
        self.assertEqual(self.mine(self.repository, "--statements", "commit", "--since", "2023-11-01")[0]["kept"], 1)
        self.assay("mine", self.repository, "--since", "yesterday", status=2)

    def test_the_newest_are_those_merged_last(self):
        self.base()
        for number, day in ((5, 3), (6, 1), (7, 2), (8, 3)):
            self.put(lib__parse_py=f"value = {number}\n", tests__test_parse_py=f"assert {number}\n")
            self.git("add", "-A")
            self.git("commit", "-q", "-m", f"A change (#{number})\n\n{STATEMENT}", date=f"2024-01-0{day}T00:00:00Z")
        for newest, kept in {0: [5, 6, 7, 8], 1: [5], 2: [5, 8], 3: [5, 7, 8], 9: [5, 6, 7, 8]}.items():
            result, candidates = self.mine(self.repository, "--statements", "commit", "--newest", str(newest))
            self.assertEqual([candidate["pull"] for candidate in candidates], kept)
            self.assertEqual(result["lost"].get("older", 0), 4 - len(kept))

    def test_the_settings_for_real_repositories_are_ones_that_mining_knows(self):
        settings = json.loads((pathlib.Path(os.environ["ASSAY_SOURCE"]) / "tests/mine/repositories.json").read_text())
        self.base()
        self.change(1)
        result, _ = self.mine(self.repository, *[part for name, value in settings["filters"].items() for part in (f"--{name}", str(value))])
        self.assertEqual(result["kept"], 1)
        self.assertGreaterEqual(len({language for repository in settings["repositories"] for language in repository["languages"]}), 4)

    def test_every_loss_has_its_reason(self):
        self.base()
        self.change(1)
        self.change(2, message="Revert a thing")
        self.change(3, message="Bump x from 1 to 2")
        self.change(4, body="Short.")
        self.change(5, lib__parse_py="no tests\n")
        self.change(6, tests__test_parse_py="only tests\n")
        self.change(7, body=STATEMENT + "\n\n" + "line_of_the_solution_number_one = 1\nline_of_the_solution_number_two = 2",
                    lib__parse_py="line_of_the_solution_number_one = 1\nline_of_the_solution_number_two = 2\n", tests__test_parse_py="7\n")
        self.change(8, lib__parse_py="x\n" * 2000, tests__test_parse_py="8\n")
        self.change(9, lib__parse_py="x\n", tests__test_parse_py="9\n", lib__data="version https://git-lfs.github.com/spec/v1\n")
        self.git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",module")
        self.git("commit", "-q", "-m", f"A module (#10)\n\n{STATEMENT}")
        self.git("reset", "-q", "--hard")
        os.symlink("../outside", self.repository / "link")
        self.change(11, lib__parse_py="y\n", tests__test_parse_py="11\n")
        self.put(lib__parse_py="bot\n", tests__test_parse_py="12\n")
        self.git("add", "-A")
        self.git("commit", "-q", "--author", "dependabot[bot] <x@y>", "-m", f"A change (#12)\n\n{STATEMENT}")
        self.change(13, lib__parse_py="z = 'caf\\xe9'\n".encode(), tests__test_parse_py="13\n".encode() + b"\xe9\n")
        result, candidates = self.mine(self.repository, "--statements", "commit")
        self.assertEqual(result["lost"], {"bot": 1, "revert": 1, "bump": 1, "statement_too_short": 1, "submodule": 1, "lfs_pointer": 1, "symlink_leaves_tree": 1, "no_tests": 1, "no_source": 1,
                                          "gold_too_large": 1, "tells_solution": 1})
        self.assertEqual([candidate["pull"] for candidate in candidates], [1, 13])
        self.assertIn("GIT binary patch", candidates[1]["tests"])  # not UTF-8
        self.assertEqual(result["changes"], result["kept"] + sum(result["lost"].values()))

    def test_a_broken_object_costs_its_own_changes_only(self):
        self.base()
        self.change(1)
        self.change(2)
        self.change(3)
        blob = self.git("rev-parse", "HEAD~1:lib/parse.py")
        os.remove(self.repository / ".git/objects" / blob[:2] / blob[2:])
        result, candidates = self.mine(self.repository, "--statements", "commit")
        self.assertEqual((result["lost"], [candidate["pull"] for candidate in candidates]), ({"missing_object": 2}, [1]))

    def test_any_number_of_threads_gives_the_same_file(self):
        self.base()
        for number in range(1, 30):
            self.change(number)
        self.mine(self.repository, "--statements", "commit", "--jobs", "1")
        one = (self.folder / "out.jsonl").read_bytes()
        self.mine(self.repository, "--statements", "commit", "--jobs", "4")
        self.assertEqual(one, (self.folder / "out.jsonl").read_bytes())

    def test_what_cannot_be_mined_is_named(self):
        self.assertIn("not a git repository", self.fails("mine", self.folder / ".")[0])
        self.assertIn("nothing to mine from", self.fails("mine", "nowhere")[0])
        self.assertIn("github:OWNER/NAME", self.fails("mine", "github:x")[1])


class Files(MineTest):
    def write(self, name, *records):
        (self.folder / name).write_text("".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records))
        return name

    def test_issues_and_pull_requests_are_joined_by_links(self):
        base, head = self.base(), self.change(2)
        file = self.write("records.jsonl", {"kind": "pull_request", "number": 2, "title": "Ignore it", "body": "Closes: #1, o/r#5 <!-- fixes #3 -->", "merged": "2024-01-02T00:00:00Z", "head": head, "repository": "o/r"},
                          {"kind": "issue", "number": 1, "title": "Trailing comma", "body": STATEMENT}, {"kind": "issue", "number": 3, "title": "Other", "body": STATEMENT},
                          "not json", {"kind": "issue", "number": "x", "title": ""}, {"kind": "pull_request", "number": 4, "title": "Open", "merged": ""}, {"kind": "pull_request", "number": 6})
        result, (candidate,) = self.mine(file, "--clone", self.repository)
        self.assertEqual((candidate["base"], candidate["statement_from"], candidate["statement"]), (base, "issue", "Trailing comma\n\n" + STATEMENT))
        self.assertEqual([issue["number"] for issue in candidate["issues"]], [1, 5])
        self.assertEqual(result["lost"], {"unreadable": 2, "not_merged": 1})
        self.assertEqual(len(result["notes"]), 1)

    def test_a_file_of_candidates_is_a_source_as_well(self):
        self.base()
        for number in (1, 2):
            self.change(number)
        _, candidates = self.mine(self.repository, "--statements", "commit")
        os.rename(self.folder / "out.jsonl", self.folder / "first.jsonl")
        result, again = self.mine("first.jsonl", "--statements", "commit")
        self.assertEqual(candidates, again)
        changed = {**candidates[0], "title": "Another"}
        result, again = self.mine(self.write("second.jsonl", changed, candidates[1]), "--statements", "commit")
        self.assertEqual((result["lost"], again), ({"unreadable": 1}, [candidates[1]]))

    def test_instances_of_swe_bench_are_read_from_both_forms(self):
        patch = "diff --git a/lib/a.py b/lib/a.py\n--- a/lib/a.py\n+++ b/lib/a.py\n@@ -1 +1 @@\n-1\n+2\n"
        instance = {"repo": "o/r", "instance_id": "o__r-12", "base_commit": "a" * 40, "patch": patch, "test_patch": patch.replace("lib/a", "tests/test_a"), "problem_statement": "A title\n" + STATEMENT,
                    "created_at": "2024-01-02T00:00:00Z", "FAIL_TO_PASS": "[]", "version": "1"}
        for text in (json.dumps([instance, {"instance_id": 1}]), json.dumps(instance) + "\n{}\n"):
            (self.folder / "instances").write_text(text)
            result, (candidate,) = self.mine("instances")
            self.assertEqual({name: candidate[name] for name in ("repository", "base", "pull", "source", "gold", "tests", "title", "statement", "statement_from", "merged")},
                             {"repository": "o/r", "base": "a" * 40, "pull": 12, "source": "swe_bench", "gold": patch, "tests": instance["test_patch"], "title": "A title",
                              "statement": "A title\n" + STATEMENT, "statement_from": "issue", "merged": "2024-01-02T00:00:00Z"})
            self.assertEqual(result["lost"], {"unreadable": 1})

    def test_task_directories_of_harbor_give_their_patches_or_need_a_container(self):
        patch = "diff --git a/lib/a.py b/lib/a.py\n--- a/lib/a.py\n+++ b/lib/a.py\n@@ -1 +1 @@\n-1\n+2\n"
        tests = patch.replace("lib/a", "tests/test_a")

        def task(name, **files):
            files = {"task.toml": "version = \"1.0\"\n", "instruction.md": "<!-- a canary: x -->\nA title\n" + STATEMENT,
                     "environment/Dockerfile": f"FROM debian\nRUN git clone https://github.com/o/r.git . && git checkout {'a' * 40}\n",
                     "solution/gold.patch": patch, "tests/test.sh": f"cd /r\ngit apply - <<'END_1'\n{tests}END_1\npytest\n", **files}
            for file, text in files.items():
                if text is not None:
                    path = self.folder / "tasks/part" / name / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)

        task("o__r-12")
        task("image", **{"environment/Dockerfile": "FROM a/image@sha256:" + "b" * 64 + "\n"})
        task("unsolved", **{"solution/gold.patch": None})
        task("checked", **{"tests/test.sh": "test -e /r/done\n"})
        result, (candidate,) = self.mine("tasks")
        self.assertEqual(result["lost"], {"needs_container": 1, "no_source": 1, "no_tests": 1})
        self.assertEqual((candidate["repository"], candidate["base"], candidate["pull"], candidate["source"]), ("o/r", "a" * 40, 12, "harbor"))
        self.assertEqual((candidate["statement"], candidate["gold"], candidate["tests"]), ("A title\n" + STATEMENT, patch, tests))

    def test_patches_that_are_none_are_named(self):
        record = {"kind": "pull_request", "title": "A title", "body": STATEMENT, "merged": "2024-01-02T00:00:00Z", "base": "a" * 40}
        good = "diff --git a/lib/a.py b/lib/a.py\n--- a/lib/a.py\n+++ b/lib/a.py\n@@ -1 +1 @@\n-1\n+2\ndiff --git a/tests/test_a.py b/tests/test_a.py\n--- a/tests/test_a.py\n+++ b/tests/test_a.py\n@@ -1 +1 @@\n-1\n+2\n"
        file = self.write("records.jsonl", {**record, "number": 1, "patch": good}, {**record, "number": 2, "patch": good.replace("lib/a", "../a")}, {**record, "number": 3, "patch": good[:-3]},
                          {**record, "number": 4, "patch": good + "diff --git a/x.png b/x.png\nBinary files a/x.png and b/x.png differ\n"}, {**record, "number": 5})
        result, (candidate,) = self.mine(file, "--statements", "pull_request")
        self.assertEqual(candidate["pull"], 1)
        self.assertEqual(result["lost"], {"malformed_patch": 2, "binary_missing": 1, "no_clone": 1})


class Api(MineTest):
    def setUp(self):
        super().setUp()
        self.base()
        self.pulls, self.issues, self.patches = {}, {100: {"title": "Trailing comma", "body": STATEMENT}, 101: {"title": "A second one", "body": STATEMENT}}, {}

    def pull(self, number, body="", closes=(), **more):
        parent = self.git("rev-parse", "HEAD")
        head = self.change(number)
        self.pulls[number] = {"title": "Ignore it", "body": body, "author": "ada", "merged": "2024-01-02T00:00:00Z", "commit": head, "parents": [parent], "subject": f"Ignore it (#{number})",
                              "authored": "2024-01-02T00:00:00Z", "commits": [["wip", "2024-01-01T00:00:00Z"]], "closes": list(closes), **more}
        self.patches[parent, head] = self.git("diff", parent, head) + "\n"
        return parent, head

    def serve(self):
        server = GitHub(self.pulls, self.issues, self.patches)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def ask(self, server, *arguments, token="secret", status=0):
        env = {name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"}
        if token:
            env["GITHUB_TOKEN"] = token
        return self.mine("github:o/r", "--api", server.url, *arguments, status=status, env=env)

    def test_graphql_gives_links_of_the_sidebar_and_all_pages(self):
        parent, head = self.pull(1, closes=(100, 101))
        self.pull(2, body="Fixes #100 and closes #55")
        self.pull(3, body="nothing linked")
        self.pull(4, closes=(100,), bot=True)
        self.pull(5, body="fixes https://github.com/o/r/issues/100")   # another host's
        self.issues[55] = {"title": "A pull request", "body": STATEMENT, "pull": True}
        server = self.serve()
        result, candidates = self.ask(server)
        self.assertEqual([candidate["pull"] for candidate in candidates], [1, 2])
        self.assertEqual((candidates[0]["base"], candidates[0]["head"], candidates[0]["licence"]), (parent, head, "MIT"))
        self.assertEqual([[issue["number"] for issue in candidate["issues"]] for candidate in candidates], [[100, 101], [100]])
        self.assertIn("A second one", candidates[0]["statement"])
        self.assertEqual(result["lost"], {"bot": 1, "not_linked": 2})
        self.assertIn("+value = 1", candidates[0]["gold"])

    def test_without_a_token_rest_does_what_it_can(self):
        self.pull(1, body="Fixes #100")
        self.pull(2, body="Fixes #100", merged=None)
        self.pull(3, closes=(100,))
        self.pull(4, body="Fixes #404")
        server = self.serve()
        result, (candidate,) = self.ask(server, token=None)
        self.assertEqual(candidate["pull"], 1)
        self.assertEqual(result["lost"], {"not_merged": 1, "not_linked": 2})
        self.assertFalse([path for path in server.asked if "graphql" in path])

    def test_rebases_begin_where_their_first_commit_does(self):
        parent, _ = self.pull(1, closes=(100,))
        self.pull(2, closes=(100,), subject="second", authored="2024-01-01T00:00:00Z", commits=[["first", "x"], ["second", "2024-01-01T00:00:00Z"]])
        server = self.serve()
        _, candidates = self.ask(server, "--clone", self.repository)
        self.assertEqual(candidates[1]["base"], parent)
        self.assertIn("+value = 2", candidates[1]["gold"])
        self.assertIn("-value = 0", candidates[1]["gold"])

    def test_a_second_run_asks_only_for_what_may_have_changed(self):
        for number in range(1, 6):
            self.pull(number, body="Fixes #100")
        server = self.serve()
        _, first = self.ask(server, "--clone", self.repository)
        asked = len(server.asked)
        result, second = self.ask(server, "--clone", self.repository)
        self.assertEqual(first, second)
        self.assertEqual(len(server.asked) - asked, 2)   # the last page, and the issue: unchanged
        self.assertIn("304", server.log)

    def test_a_run_that_broke_off_goes_on(self):
        for number in range(1, 8):
            self.pull(number, closes=(100,))
        server = self.serve()
        whole = self.ask(server, "--clone", self.repository, "--no-cache")[1]
        server.asked.clear()
        self.ask(server, "--clone", self.repository, "--limit", "2")   # one page
        self.assertEqual(len(server.asked), 1)
        server.faults["long_limit"] = 1
        result, part = self.ask(server, "--clone", self.repository, status=1)
        self.assertIn("rate limit is used up", result["error"]["message"])
        self.assertEqual(part, whole[:2])
        server.asked.clear()
        self.assertEqual(self.ask(server, "--clone", self.repository)[1], whole)
        self.assertEqual(len(server.asked), 3)   # not the first page again

    def test_limits_and_failures_that_pass_are_waited_for(self):
        self.pull(1, body="Fixes #100")
        for fault in ("limit", "secondary", "graphql_limit", "down"):
            with self.subTest(fault=fault):
                server = self.serve()
                server.faults[fault] = 1
                _, candidates = self.ask(server, "--no-cache")
                self.assertEqual(len(candidates), 1)
                self.assertEqual(server.faults[fault], 0)
                self.assertNotIn("early", server.log)

    def test_answers_that_are_not_as_documented_are_named(self):
        self.pull(1, closes=(100,))
        self.pull(2, closes=(100,), odd=True)
        self.pull(3, closes=(100,))
        self.pull(4, closes=(100,))
        server = self.serve()
        for token in ("secret", None):
            with self.subTest(token=token):
                result, candidates = self.ask(server, "--statements", "issue,pull_request", "--words", "0", token=token)
                self.assertEqual(result["lost"], {"api_malformed": 1})
                self.assertEqual([candidate["pull"] for candidate in candidates], [1, 3, 4])
        # What is had before the server goes wrong is kept.
        for fault, words in {"html": "not JSON but text/html", "endless": "nothing new and is not the last", "same_page": "the next page is the same page"}.items():
            with self.subTest(fault=fault):
                server = self.serve()
                server.faults[fault] = 10**9
                if fault == "html":
                    message = self.fails_with(server)
                else:
                    result, candidates = self.ask(server, "--no-cache", status=1)
                    message = result["error"]["message"]
                    self.assertEqual(candidates[0]["pull"], 1)
                self.assertIn(words, message)

    def fails_with(self, server, token="secret"):
        env = {**os.environ, "GITHUB_TOKEN": token}
        return self.assay("mine", "github:o/r", "--api", server.url, "--no-cache", status=2, env=env).stderr

    def test_a_total_that_is_not_true_is_noted(self):
        self.pull(1, closes=(100,))
        server = self.serve()
        server.faults["lying_total"] = 1
        result, candidates = self.ask(server)
        self.assertEqual(len(candidates), 1)
        self.assertTrue([note for note in result["notes"] if "announced 6" in note], result["notes"])

    def test_a_token_that_is_not_accepted_is_not_shown(self):
        message = self.fails_with(self.serve(), token="a-wrong-token")
        self.assertIn("token is not accepted", message)
        self.assertNotIn("a-wrong-token", message)

    def test_a_repository_that_is_not_there_is_named(self):
        server = self.serve()
        env = {**os.environ, "GITHUB_TOKEN": "secret"}
        self.assertIn("no such repository", self.assay("mine", "github:o/other", "--api", server.url, status=2, env=env).stderr)


if __name__ == "__main__":
    unittest.main()
