"""The oracle of the report's task, on a small world of known numbers: every case is labelled by hand from the task's text."""

import json
import pathlib
import sqlite3
import tempfile
import unittest
from contextlib import closing

from tests.oracle.report_oracle import load, judge

HOTELS = [199, 200, 499, 500, 799, 800]            # "Hotel 199" in Beta
MEALS = [(174, 4.0), (175, 4.0), (176, 4.0), (60, 3.9), (50, 3.1), (40, 3.2)]  # "Meal 174 4.0" in Beta
TICKETS = [119, 120, 179, 180]                     # "Sight 119" in Beta


def make_world(path, price=100):
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript("CREATE TABLE city (name TEXT); CREATE TABLE hotel (name TEXT, city TEXT, price INTEGER);"
                               "CREATE TABLE restaurant (name TEXT, city TEXT, price INTEGER, rating REAL);"
                               "CREATE TABLE attraction (name TEXT, city TEXT, ticket INTEGER);")
        for city in ("Hangzhou", "Alpha", "Beta", "Gamma"):
            database.execute("INSERT INTO city VALUES (?)", (city,))
            for name in ("Inn", f"{city} Inn"):
                database.execute("INSERT INTO hotel VALUES (?, ?, ?)", (name, city, price))
            for name in ("Lǎo Hútòng", "Canteen", f"{city} Grill"):
                database.execute("INSERT INTO restaurant VALUES (?, ?, 30, 3.0)", (name, city))
            for name in ("Park", f"{city} Tower"):
                database.execute("INSERT INTO attraction VALUES (?, ?, 0)", (name, city))
        database.executemany("INSERT INTO hotel VALUES (?, 'Beta', ?)", [(f"Hotel {p}", p) for p in HOTELS])
        database.executemany("INSERT INTO restaurant VALUES (?, 'Beta', ?, ?)", [(f"Meal {p} {r}", p, r) for p, r in MEALS])
        database.executemany("INSERT INTO attraction VALUES (?, 'Beta', ?)", [(f"Sight {t}", t) for t in TICKETS])


def day(date, city, hotel, lunch, sight, dinner):
    return {"time": f"2025-10-0{date}", "city": city, "hotel": hotel, "afternoon_restaurant": lunch, "afternoon_attraction": sight,
            "evening_restaurant": dinner}


def trip(*second, first=None, third=None):
    return [first or day(1, "Alpha", "Alpha Inn", "Canteen", "Alpha Tower", "Alpha Grill"), day(2, "Beta", *second),
            third or day(3, "Gamma", "Gamma Inn", "Gamma Grill", "Gamma Tower", "Lǎo Hútòng")]


GOOD = trip("Hotel 499", "Meal 40 3.2", "Park", "Beta Grill")


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="assay-oracle-")
        cls.addClassCleanup(holder.cleanup)
        cls.folder = pathlib.Path(holder.name)
        make_world(cls.folder / "world.sqlite")
        cls.world = load(cls.folder / "world.sqlite")

    def check(self, expected, days, why=None):
        text = days if isinstance(days, str) else json.dumps(days, ensure_ascii=False)
        self.assertIs(judge(self.world, text), expected, why or text[:300])

    def test_the_price_of_the_second_hotel_decides_and_every_bound_is_where_the_text_puts_it(self):
        for expected, hotel, lunch, sight, dinner in [
                (False, 199, "Meal 174 4.0", 119, "Meal 175 4.0"), (True, 200, "Meal 40 3.2", 180, "Meal 50 3.1"),
                (False, 200, "Beta Grill", 119, "Meal 50 3.1"), (True, 499, "Beta Grill", 180, "Meal 60 3.9"),
                (False, 500, "Meal 60 3.9", 119, "Meal 40 3.2"), (True, 500, "Meal 50 3.1", 179, "Meal 176 4.0"),
                (False, 500, "Meal 174 4.0", 180, "Meal 175 4.0"), (True, 799, "Meal 175 4.0", 120, "Meal 176 4.0"),
                (True, 800, "Meal 174 4.0", 119, "Meal 175 4.0"), (False, 800, "Meal 174 4.0", 119, "Meal 176 4.0"),
                (False, 800, "Meal 176 4.0", 119, "Meal 175 4.0"), (False, 800, "Meal 174 4.0", 120, "Meal 175 4.0"),
                (False, 800, "Meal 60 3.9", 119, "Meal 175 4.0"), (False, 800, "Meal 175 4.0", 119, "Meal 60 3.9")]:
            self.check(expected, trip(f"Hotel {hotel}", lunch, f"Sight {sight}", dinner))

    def test_a_name_in_another_city_is_another_place(self):
        alpha, gamma = day(1, "Alpha", "Inn", "Canteen", "Park", "Lǎo Hútòng"), day(3, "Gamma", "Inn", "Lǎo Hútòng", "Park", "Canteen")
        self.check(True, trip("Hotel 200", "Meal 40 3.2", "Park", "Canteen", first=alpha, third=gamma))
        self.check(False, trip("Hotel 200", "Meal 40 3.2", "Park", "Canteen", first=alpha, third=dict(alpha, time="2025-10-03")))
        self.check(False, trip("Hotel 200", "Meal 40 3.2", "Park", "Meal 40 3.2"))
        for field, name in [("hotel", "Gamma Inn"), ("afternoon_restaurant", "Beta Grill"), ("evening_restaurant", "Meal 174 4.0"),
                            ("afternoon_attraction", "Gamma Tower"), ("city", "Hangzhou"), ("city", "Delta"), ("hotel", "alpha inn")]:
            self.check(False, [dict(GOOD[0], **{field: name}), *GOOD[1:]])

    def test_the_origin_is_no_place_to_stay_though_all_is_there(self):
        self.check(False, trip("Hotel 499", "Meal 40 3.2", "Park", "Beta Grill", first=day(1, "Hangzhou", "Inn", "Canteen", "Park", "Hangzhou Grill")))

    def test_dates_stand_in_order(self):
        self.check(False, [dict(GOOD[2]), GOOD[1], GOOD[0]])
        self.check(True, [dict(GOOD[2], time="2025-10-01"), GOOD[1], dict(GOOD[0], time="2025-10-03")])
        self.check(False, [dict(GOOD[0], time="2025-10-1"), *GOOD[1:]])

    def test_other_spellings_of_the_same_json_pass(self):
        self.check(True, GOOD)
        self.check(True, json.dumps(GOOD))
        self.check(True, "\r\n" + json.dumps(GOOD, indent="\t") + " \n")
        self.check(True, [dict(reversed(list(one.items()))) for one in GOOD])
        self.check(True, json.dumps(GOOD).replace("Alpha", "\\u0041lph\\u0061").replace("2025-10-01", "2025-10\\u002d01"))

    def test_all_that_is_not_understood_fails(self):
        text = json.dumps(GOOD, ensure_ascii=False)
        for bad in ["", " ", "null", "[]", "[{},{},{}]", text[:-1], text + "x", text + text, "\ufeff" + text, text.replace("}", ",}", 1), f"[{text}]",
                    text.replace('"', "'"), text.replace(": ", ":\u00a0", 1), text.replace('"Alpha"', "NaN"), text.replace('"Alpha"', "null"),
                    text.replace('"Alpha"', '["Alpha"]'), text.replace('"Alpha"', '"Alpha\\ud800"'), text.replace('"Alpha"', '"Alpha\ud800"'),
                    text.replace('"Alpha"', '"\\x41lpha"'), text.replace('"Alpha"', '"Alp\nha"'), text.replace("{", '{"city": "Alpha", ', 1),
                    text.replace('"hotel"', '"city"', 1), text.replace('"hotel"', '"Hotel"', 1), "[" * 100000, json.dumps(GOOD[:2]),
                    json.dumps(GOOD + [dict(GOOD[0], time="2025-10-04")]), json.dumps([dict(GOOD[0], note=""), *GOOD[1:]])]:
            self.check(False, bad)

    def test_the_limit_is_in_bytes(self):
        text = json.dumps(GOOD, ensure_ascii=False)
        room = 65536 - len(text.encode("utf-8"))
        self.assertLess(room, 65536 - len(text), "the text has characters of several bytes")
        self.check(True, text + " " * room)
        self.check(False, text + " " * (room + 1), "one byte too many")

    def test_a_database_that_is_not_the_reports_world_is_refused(self):
        for number, price in enumerate((None, 99.5, "dear")):
            path = self.folder / f"bad-{number}.sqlite"
            make_world(path, price)
            self.assertRaises(ValueError, load, path)


if __name__ == "__main__":
    unittest.main()
