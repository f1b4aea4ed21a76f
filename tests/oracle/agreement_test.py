"""Three judges of the report's task agree on ten thousand answers: the program, the Python module it prints, and the oracle.

Half of the answers are about generated databases, half about one of our own, whose prices, ratings and tickets stand exactly at
every boundary. $ASSAY_SEED gives other answers. Every rule of the oracle is then broken in turn, and each time the three must
disagree: otherwise the answers would not be worth agreeing on.
"""

import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import types
import unittest
from collections import Counter, namedtuple
from contextlib import closing

from tests.oracle import report_answers, report_oracle

SEED = int(os.environ.get("ASSAY_SEED", "2025"))
GENERATED, COUNT = 2, 10_000  # databases; answers in all

HOTEL_PRICES = [199, 200, 201, 499, 500, 501, 799, 800, 801]
TICKETS = [119, 120, 121, 179, 180, 181]
RESTAURANTS = [(174, 4.0), (175, 4.0), (176, 4.0), (175, 3.9), (60, 3.1), (80, 3.2), (70, 3.9), (150, 4.1)]

# What stands in the oracle, and what stands there instead.
FAULTS = [
    ("price >= 800", "price > 800"),
    ("price >= 500", "price > 500"),
    ("price >= 200", "price > 200"),
    ("price >= 800", "price >= 799"),
    ("price >= 500", "price >= 499"),
    ("price >= 200", "price >= 199"),
    ('price = world.hotels[day["hotel"], day["city"]]', 'price = world.hotels[day["hotel"], day["city"]] + 300'),
    ("sum(costs) < 350", "sum(costs) <= 350"),
    ("sum(costs) < 350", "sum(costs) < 349"),
    ("sum(costs) < 350", "max(costs) < 350"),
    ("min(ratings) >= 40", "min(ratings) > 40"),
    ("min(ratings) >= 40", "min(ratings) >= 39"),
    ("min(ratings) >= 40", "max(ratings) >= 40"),
    ("max(ratings) >= 40", "max(ratings) > 40"),
    ("max(ratings) >= 40", "max(ratings) >= 39"),
    ("max(ratings) >= 40", "min(ratings) >= 40"),
    ("max(ratings) >= 32", "max(ratings) > 32"),
    ("max(ratings) >= 32", "max(ratings) >= 31"),
    ("max(ratings) >= 32", "min(ratings) >= 32"),
    ("ticket < 120", "ticket <= 120"),
    ("ticket < 120", "ticket < 119"),
    ("ticket < 180", "ticket <= 180"),
    ("ticket < 180", "ticket < 179"),
    ("days[1])", "days[0])"),
    (" or city == ORIGIN", ""),
    ("for kind in (cities, hotels", "for kind in (hotels"),
    ('hotels = [(day["hotel"], day["city"])', 'hotels = [day["hotel"]'),
    ('attractions = [(day["afternoon_attraction"], day["city"])', 'attractions = [day["afternoon_attraction"]'),
    ("restaurants = [restaurant for", "restaurants = [restaurant[0] for"),
    ("hotels, attractions, restaurants))", "hotels, attractions))"),
    ('[day["time"] for day in days] == DATES', '{day["time"] for day in days} == set(DATES)'),
    ("LIMIT_BYTES = 65536", "LIMIT_BYTES = 65535"),
    ("LIMIT_BYTES = 65536", "LIMIT_BYTES = 65537"),
    ('len(answer_text.encode("utf-8"))', "len(answer_text)"),
    (r'rf"[ \t\n\r]*', r'rf"\s*'),
    ("[0-9A-Fa-f]{4}", "[0-9A-F]{4}"),
]

Case = namedtuple("Case", "database answers native printed")  # answers: [(family, text)]; judgements: [(passed, failing checks)]


def disagreements(case, passed):
    """Numbers of the answers on which the program and this list of passed-or-not differ."""
    return [i for i, (ours, theirs) in enumerate(zip(case.native, passed, strict=True)) if ours[0] != theirs]


def checks_differ(case, printed):
    """Numbers of the answers for which the program and the printed module name other failing checks."""
    return [i for i, (ours, theirs) in enumerate(zip(case.native, printed, strict=True))
            if ours != theirs and case.answers[i][0] != report_answers.SURROGATES]


def oracle_from(source):
    module = types.ModuleType("oracle")
    exec(compile(source, "oracle", "exec"), module.__dict__)
    return module


def printed_judgements(source, database, answers):
    module = types.ModuleType("printed")
    exec(compile(source, "printed", "exec"), module.__dict__)
    tables = module.load(database)
    verdicts = [module.judge(text, *tables) for _, text in answers]
    return [(verdict["passed"], verdict["failed"]) for verdict in verdicts]


def put_on_boundaries(path):
    """Gives places of every city the numbers that boundaries are made of; each city starts at another one."""
    with closing(sqlite3.connect(path)) as database, database:
        for number, (city,) in enumerate(database.execute("SELECT name FROM city ORDER BY rowid").fetchall()):
            for table, columns, wanted in (("hotel", "price = ?", [(price,) for price in HOTEL_PRICES]),
                                           ("restaurant", "price = ?, rating = ?", RESTAURANTS),
                                           ("attraction", "ticket = ?", [(ticket,) for ticket in TICKETS])):
                rows = database.execute(f"SELECT rowid FROM {table} WHERE city = ? ORDER BY rowid", (city,)).fetchall()
                for i, (row,) in enumerate(rows[:len(wanted)]):
                    database.execute(f"UPDATE {table} SET {columns} WHERE rowid = ?", (*wanted[(number + i) % len(wanted)], row))


class Agreement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="assay-agreement-")
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        rng = random.Random(SEED)
        generated = cls.synth("generated.db", GENERATED)
        cls.cases = [cls.case(store, task, database, rng, COUNT // 2 // GENERATED) for store, task, database in generated]
        own = cls.folder / "own.sqlite"
        own.write_bytes(generated[0][2].read_bytes())
        put_on_boundaries(own)
        ((store, task, database),) = cls.synth("own.db", 1, "--data", own)
        cls.cases.append(cls.case(store, task, database, rng, COUNT // 2))

    @classmethod
    def assay(cls, *arguments):
        done = subprocess.run([os.environ["ASSAY"], *map(str, arguments)], cwd=cls.folder, capture_output=True, encoding="utf-8", timeout=120)
        if done.returncode != 0:
            raise AssertionError(f"assay {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    @classmethod
    def synth(cls, store, count, *options):
        """[(store, task, its database)]."""
        cls.assay("synth", "travel", "--preset", "report", "--count", count, "--seed", 7, "--store", store, *options)
        tasks = [row["task"] for row in json.loads(cls.assay("list", "tasks", "--json", "--store", store))["tasks"]]
        made = []
        for number, task in enumerate(tasks):
            shown = json.loads(cls.assay("show", "task", task, "--json", "--store", store))
            database = cls.folder / f"{store}-{number}.sqlite"
            cls.assay("show", "environment", shown["task"]["environment"], "--sqlite", database, "--store", store)
            made.append((store, task, database))
        if len(made) != count:
            raise AssertionError(f"{count} tasks were to be made: {made}")
        return made

    @classmethod
    def case(cls, store, task, database, rng, count):
        with closing(sqlite3.connect(database)) as connection:
            answers = report_answers.make_answers(report_answers.Atlas(connection, rng), rng, count)
        file = cls.folder / "answers.jsonl"
        file.write_text("".join(json.dumps({"id": i, "answer": text}) + "\n" for i, (_, text) in enumerate(answers)))
        lines = [json.loads(line) for line in cls.assay("verify", "--task", task, "--answers", file, "--json", "--store", store).splitlines()]
        if [line.get("id") for line in lines] != list(range(count)):
            raise AssertionError(f"not one verdict for each answer, in order: {[line for line in lines if 'id' not in line][:3]}")
        native = [(line["passed"], [check["name"] for check in line["checks"] if not check["passed"]]) for line in lines]
        return Case(database, answers, native, cls.assay("verify", "--python", "--task", task, "--store", store))

    def told(self, case, numbers):
        families = Counter(case.answers[i][0] for i in numbers)
        examples = [f"{case.answers[i][0]}: native {case.native[i]}: {case.answers[i][1][:1500]!r}" for i in numbers[:3]]
        return f"seed {SEED}, {len(numbers)} answers: {dict(families)}\n" + "\n".join(examples)

    def test_the_oracle_agrees(self):
        for case in self.cases:
            world = report_oracle.load(case.database)
            differ = disagreements(case, [report_oracle.judge(world, text) for _, text in case.answers])
            self.assertFalse(differ, self.told(case, differ))

    def test_the_printed_module_agrees_and_names_the_same_checks(self):
        for case in self.cases:
            printed = printed_judgements(case.printed, case.database, case.answers)
            differ = disagreements(case, [passed for passed, _ in printed])
            self.assertFalse(differ, self.told(case, differ))
            differ = checks_differ(case, printed)
            self.assertFalse(differ, f"printed {[printed[i] for i in differ[:3]]}; {self.told(case, differ)}")

    def test_the_printed_module_runs_on_its_own(self):
        case, module = self.cases[0], self.folder / "verify.py"
        module.write_text(case.printed, encoding="utf-8")
        passing = next(i for i, (passed, _) in enumerate(case.native) if passed)
        failing = next(i for i, (passed, _) in enumerate(case.native) if not passed)
        for i in (passing, failing):
            done = subprocess.run([sys.executable, "-I", module, case.database], input=case.answers[i][1].encode(), capture_output=True, check=True)
            self.assertEqual(json.loads(done.stdout), {"passed": case.native[i][0], "failed": case.native[i][1]})

    def test_there_are_enough_answers_of_every_kind(self):
        passed, failed = Counter(), Counter()
        for case in self.cases:
            for (family, _), (good, _) in zip(case.answers, case.native):
                (passed if good else failed)[family] += 1
        for family in report_answers.MAKERS:
            print(f"  {family:32} {passed[family]:4} pass {failed[family]:4} fail", file=sys.stderr)
        print(f"  {'seed ' + str(SEED):32} {passed.total():4} pass {failed.total():4} fail", file=sys.stderr)
        self.assertEqual(passed.total() + failed.total(), COUNT)
        self.assertGreaterEqual(passed.total(), 1000)
        self.assertGreaterEqual(failed.total(), 1000)
        for family in report_answers.BOUNDARY_MAKERS:
            self.assertGreaterEqual(passed[family] + failed[family], 50, family)
            self.assertGreaterEqual(min(passed[family], failed[family]), 10, f"{family}: one side of the boundary is hardly tried")
        self.assertGreater(passed["valid"], 0)
        self.assertEqual(failed["valid"], 0)

    def test_our_own_database_has_values_at_and_beside_every_boundary(self):
        with closing(sqlite3.connect(self.cases[-1].database)) as connection:
            atlas = report_answers.Atlas(connection, random.Random(SEED))
        for family in report_answers.BOUNDARIES:
            self.assertIn(family.edge - 1, atlas.near[family.name], family.name)
            self.assertIn(family.edge, atlas.near[family.name], family.name)

    def test_every_fault_planted_in_the_oracle_is_noticed(self):
        source = pathlib.Path(report_oracle.__file__).read_text(encoding="utf-8")
        for stands, instead in FAULTS:
            with self.subTest(stands=stands, instead=instead):
                self.assertEqual(source.count(stands), 1, "the fault cannot be planted")
                faulty = oracle_from(source.replace(stands, instead))
                self.assertTrue(any(self.first_disagreement(case, faulty) for case in reversed(self.cases)))

    def first_disagreement(self, case, oracle):
        world = oracle.load(case.database)
        return any(oracle.judge(world, text) != passed for (_, text), (passed, _) in zip(case.answers, case.native))

    def test_another_name_for_a_failing_check_is_noticed(self):
        case = self.cases[0]
        stands = '"passed": not failed, "failed": failed'
        self.assertEqual(case.printed.count(stands), 1, "the fault cannot be planted")
        printed = printed_judgements(case.printed.replace(stands, stands + "[1:]"), case.database, case.answers)
        self.assertEqual(disagreements(case, [passed for passed, _ in printed]), [])
        self.assertTrue(checks_differ(case, printed))


if __name__ == "__main__":
    unittest.main()
