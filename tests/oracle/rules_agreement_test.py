"""The program and a slow judge written apart from it agree on ten thousand schedules and ten thousand choices, check by check.

Answers are golds, near misses found for the certificates, and what comes of both by moving a start, exchanging a choice, or putting
one activity right after another. Every rule of the slow judge is then broken in turn, and each time the two must disagree.
"""

import json
import os
import pathlib
import random
import sqlite3
import types
import unittest
from collections import namedtuple
from contextlib import closing

from tests.cli.driver import CliTest
from tests.oracle import rules_oracle

SEED = int(os.environ.get("ASSAY_SEED", "2026"))
TASKS, ANSWERS = 20, 10_000   # tasks of each domain; answers in all, of each archetype

SCHEDULE_DOMAINS = ["meetings", "workshop", "home_care"]
SCHEDULE_FAULTS = [
    ("opens <= minute < closes", "opens <= minute"),
    ("opens <= minute < closes", "minute < closes"),
    ("opens <= minute < closes", "opens < minute < closes"),
    ("opens <= minute < closes", "opens <= minute <= closes - 2"),
    ("start <= minute < end for", "start + 15 <= minute < end for"),
    ("start <= minute < end for", "start <= minute <= end for"),
    ("start <= minute < end for", "start == minute for"),
    ("minute + ahead for", "minute - ahead for"),
    ('local = [minute % 1440 for minute in local]', "pass"),
    ('if "sharing" in rule and not', 'if "sharing" in rule and'),
    ('if "sharing" in rule and not', "if False and not"),
    ('return rule.get("gap", 0)', "return 0"),
    ("lasting.stop + gap)", "lasting.stop + gap + 1)"),
    ("lasting.stop + gap)", "lasting.stop + gap - 15)"),
    ("if here == there:\n        return 0", "if here == there:\n        return 60"),
    ("SELECT min(", "SELECT sum("),
    ("*(here, there)", "*(there, here)"),
    ("begin < end + wait", "begin <= end + wait"),
    ("begin < end + wait", "begin < end"),
    ("begin < end + wait", "begin > end + wait"),
]

SELECT_DOMAINS = ["hut_trek", "synthesis_route", "sensor_network", "bond_portfolio", "film_festival", "observing"]
SELECT_FAULTS = [
    ("and here != before", ""),
    ("        before = here\n", "        before = before or here\n"),
    ('= ? AND "{rule["to"]}" = ?', '= ? OR "{rule["to"]}" = ?'),
    ("passes(test, exact(cell)) for test", "True for test"),
    ('exact(tier["from"]) <= value and', "True and"),
    ('or value < exact(tier["below"])', 'or value <= exact(tier["below"]) + 1000'),
    ("            return all(globals()[then", "            return True or all(globals()[then"),
    ("return False\n\n\ndef order", "return True\n\n\ndef order"),
    ('passing >= rule.get("at_least", 0)', 'passing > rule.get("at_least", 0)'),
    ('passing <= rule.get("at_most", 99)', 'passing < rule.get("at_most", 99)'),
    ('"min": min, "max": max', '"min": max, "max": min'),
    ("Fraction(sum(numbers)) / len(numbers)", "sum(numbers)"),
    ('!= group[rule["field"]]', '== group[rule["field"]]'),
    ("if scope and owner == group[scope]), rows[0][0])", "if scope), rows[0][0])"),
    ("return len(set(values)) == len(values)", "return True"),
    ('("rising", True): lt', '("rising", True): le'),
    ('("rising", False): le', '("rising", False): lt'),
    ('"at_most": le', '"at_most": lt'),
    ('"at_least": ge', '"at_least": gt'),
]


def oracle_from(source):
    module = types.ModuleType("oracle")
    exec(compile(source, "oracle", "exec"), module.__dict__)
    return module


def schema_of(domain):
    source = json.loads((pathlib.Path(os.environ["ASSAY_SOURCE"]) / "envs" / "domains" / f"{domain}.json").read_text())
    return {table["name"]: ({column["name"]: column["references"] for column in table["columns"] if "references" in column}, table["key"][0])
            for table in source["tables"]}


Case = namedtuple("Case", "task database schema answers native")   # native: the names of the failing checks of each answer


class Agreement:
    """What both archetypes are tried by: `archetype`, `domains`, `faults`, and the `operators` that must occur."""

    def right_after(self, rng, database, schema, task, groups):
        """One group in the places of another, which ends just before."""
        rule = next((rule for rule in task["constraints"] if "length" in rule), None)
        if rule is None:
            return
        plan = rules_oracle.Plan(database, schema, task, groups)
        first, second = rng.sample(range(len(groups)), 2)
        for field in task["answer"]["fields"]:
            if "literals" not in field:
                groups[second][field["name"]] = groups[first][field["name"]]
        field, end = rule["start"]["field"], plan.minutes(rule, groups[first]).stop + rng.choice([-15, 0, 0, 15, 30, 45, 60])
        minutes = database.execute(f'SELECT "{plan.named[plan.tables[field]]}", "{rule["start"]["get"]}" FROM "{plan.tables[field]}"').fetchall()
        groups[second][field] = min(minutes, key=lambda row: abs(row[1] - end))[0]

    def changed(self, rng, database, schema, task, names, answers, count):
        """So many answers made of those there are."""
        chosen = [field for field in task["answer"]["fields"] if "literals" not in field]
        out = list(answers)
        while len(out) < count:
            groups, other = json.loads(rng.choice(answers)), json.loads(rng.choice(answers))
            if rng.random() < 0.3:
                self.right_after(rng, database, schema, task, groups)
            for _ in range(rng.choice([0, 1, 1, 2])):
                group, field = rng.randrange(len(groups)), rng.choice(chosen)
                known = names[field["table"]]
                if rng.random() < 0.3:
                    groups[group][field["name"]] = other[rng.randrange(len(other))][field["name"]]
                elif rng.random() < 0.02:
                    groups[group][field["name"]] += "?"
                elif groups[group][field["name"]] in known:   # a neighbour, which of times is the next one
                    step = rng.choice([-2, -1, 1, 2])
                    groups[group][field["name"]] = known[(known.index(groups[group][field["name"]]) + step) % len(known)]
            out.append(json.dumps(groups))
        return out

    def make_cases(self):
        self.cases = []
        rng = random.Random(SEED)
        for domain in self.domains:
            store, schema = f"{domain}.db", schema_of(domain)
            self.assay("synth", domain, "--archetype", self.archetype, "--count", TASKS, "--seed", SEED, "--store", store)
            for task in self.task_ids("--store", store):
                shown = self.json("show", "task", task, "--store", store)
                path = self.folder / f"{shown['task']['environment'][:16]}.sqlite"
                if not path.exists():
                    self.assay("show", "environment", shown["task"]["environment"], "--sqlite", path, "--store", store)
                with closing(sqlite3.connect(path)) as database:
                    names = {field["table"]: [name for (name,) in database.execute(f'SELECT "{schema[field["table"]][1]}" FROM "{field["table"]}" ORDER BY rowid')]
                             for field in shown["task"]["answer"]["fields"] if "table" in field}
                    known = [shown["task"]["gold"]] + [mutant["answer"] for mutant in shown["certificate"]["mutants"] if mutant["answer"]]
                    answers = self.changed(rng, database, schema, shown["task"], names, known, ANSWERS // (TASKS * len(self.domains)) + 1)
                (self.folder / "answers.jsonl").write_text("".join(json.dumps({"answer": text}) + "\n" for text in answers))
                lines = self.assay("verify", "--task", task, "--answers", "answers.jsonl", "--json", "--store", store).stdout.splitlines()
                native = [[check["name"] for check in json.loads(line)["checks"] if not check["passed"]] for line in lines]
                self.cases.append(Case(shown["task"], path, schema, answers, native))

    def disagreements(self, case, oracle):
        with closing(sqlite3.connect(case.database)) as database:
            for answer, native in zip(case.answers, case.native, strict=True):
                found = oracle.judge(database, case.schema, case.task, answer)
                if found != native:
                    yield answer, native, found

    def test_the_judges_agree_and_every_planted_fault_is_noticed(self):
        self.make_cases()
        total, passing, operators = 0, 0, set()
        for case in self.cases:
            self.assertEqual(case.native[0], [])
            for answer, native, found in self.disagreements(case, rules_oracle):
                self.fail(f"seed {SEED}, task {case.task['id']}\n{answer}\nnative {native}, oracle {found}")
            total += len(case.answers)
            passing += sum(not native for native in case.native)
            operators |= {rule["op"] for rule in case.task["constraints"]}
        print(f"{total} answers, {passing} of them pass, the same for both judges")
        self.assertGreaterEqual(total, ANSWERS)
        self.assertGreater(passing, ANSWERS // 50)
        self.assertLessEqual(self.operators, operators)
        source = pathlib.Path(rules_oracle.__file__).read_text(encoding="utf-8")
        for stands, instead in self.faults:
            with self.subTest(stands=stands, instead=instead):
                self.assertEqual(source.count(stands), 1, "the fault cannot be planted")
                faulty = oracle_from(source.replace(stands, instead))
                self.assertTrue(any(True for case in self.cases for _ in self.disagreements(case, faulty)), "nobody notices")


class Schedules(Agreement, CliTest):
    archetype, domains, faults = "schedule", SCHEDULE_DOMAINS, SCHEDULE_FAULTS
    operators = {"fits", "no_overlap", "precedes"}


class Choices(Agreement, CliTest):
    archetype, domains, faults = "select", SELECT_DOMAINS, SELECT_FAULTS
    operators = {"aggregate", "all_different", "belongs", "compare", "connected", "count", "order", "tiers"}


if __name__ == "__main__":
    unittest.main()
