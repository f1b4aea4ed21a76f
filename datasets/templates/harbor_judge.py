"""Judges /work/repo as the task's plan says and writes the reward to the file named on the command line.

The tests' files are put back as they were, the test patch is applied over them, the tree is built, every command is run and its JUnit
report read. The reward is 1 if every test that decides was run and passed, and every exit status agrees with its report.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
PLAN = json.loads((HERE / "plan.json").read_text())
TREE = PLAN["tree"]
PINS = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
        "SOURCE_DATE_EPOCH": "1577836800", "CI": "1", "NO_COLOR": "1"}


def run(argv, environment=None, **options):
    return subprocess.run(argv, cwd=TREE, env={**os.environ, **PINS, **(environment or {})}, check=False, **options).returncode


def ids_of(case, suites):
    """What a test may be called: runners say it in several ways."""
    name, group, file = case.get("name", ""), case.get("classname", case.get("class", "")), case.get("file", "")
    file = file.removeprefix(TREE + "/")
    ids = {name, f"{group}::{name}", " > ".join([*suites, name])}
    if file.endswith(".py"):
        parts = group.removeprefix(file[:-3].replace("/", ".")).strip(".")
        ids.add("::".join([file, *[part for part in parts.split(".") if part], name]))
    return ids | {f"{file}::{each}" for each in ids if file}


def results(element, suites, out):
    """Test id -> whether it passed, for every id that a test may have."""
    for child in element:
        if child.tag == "testsuite":
            results(child, [*suites, child.get("name")] if child.get("name") else suites, out)
        elif child.tag == "testcase":
            passed = not any(child.find(tag) is not None for tag in ("failure", "error", "skipped"))
            for each in ids_of(child, suites):
                out[each] = out.get(each, True) and passed
    return out


def run_command(command):
    """The results of one command, or None where it cannot be believed."""
    report = f"/tmp/report-{random.SystemRandom().getrandbits(64):x}.xml"
    argv = []
    for word in command["argv"]:
        argv += command["files"] if word == "{tests}" else [word.replace("{report}", report).replace("{seed}", "0")]
    status = run(argv, command["environment"], timeout=PLAN["wall_s"])
    try:
        root = xml.etree.ElementTree.parse(report).getroot()
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print("no report:", error)
        return None
    failed = any(True for tag in ("failure", "error") for _ in root.iter(tag))
    if (status != 0) != failed:
        print("the exit status", status, "and the report disagree")
        return None
    return results(root, [], {})


def judge():
    for path in PLAN["test_files"]:
        pathlib.Path(TREE, path).unlink(missing_ok=True)
        run(["git", "checkout", "-q", "HEAD", "--", path], stderr=subprocess.DEVNULL)
    if run(["git", "apply", "--whitespace=nowarn", str(HERE / "tests.patch")]) != 0:
        return False
    if PLAN["build"] and run(PLAN["build"]) != 0:
        return False
    passed = {}
    for command in PLAN["commands"]:
        found = run_command(command)
        if found is None:
            return False
        for each, good in found.items():
            passed[each] = passed.get(each, True) and good
    wrong = [each for each in PLAN["fail_to_pass"] + PLAN["pass_to_pass"] if not passed.get(each)]
    for each in wrong:
        print("did not pass:", each)
    return not wrong


if __name__ == "__main__":
    try:
        reward = int(judge())
    except subprocess.TimeoutExpired as error:
        print(error)
        reward = 0
    pathlib.Path(sys.argv[1]).write_text(str(reward))
