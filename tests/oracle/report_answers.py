"""Answers to the report's task for judges to disagree about: random, valid, near misses at every boundary, malformed.

A maker is a function (atlas, rng) -> text; everything it draws comes from the random.Random it is given.
"""

import json
import unicodedata
from collections import defaultdict, namedtuple

ORIGIN = "Hangzhou"
DATES = ["2025-10-01", "2025-10-02", "2025-10-03"]
FIELDS = ["time", "city", "hotel", "afternoon_restaurant", "afternoon_attraction", "evening_restaurant"]
TABLES = {"hotel": "hotel", "afternoon_restaurant": "restaurant", "evening_restaurant": "restaurant", "afternoon_attraction": "attraction"}
LIMIT_BYTES = 65536

# The days on which `others` holds and `measure` is one of the values nearest to `edge`, by what the budget reads: h price of the
# hotel, c costs and r ratings (tenths) of the restaurants, t ticket.
Family = namedtuple("Family", "name edge measure others")
BOUNDARIES = [
    Family("hotel at 200", 200, lambda h, c, r, t: h, lambda h, c, r, t: max(r) >= 32),
    Family("hotel at 500", 500, lambda h, c, r, t: h, lambda h, c, r, t: True),
    Family("hotel at 500, good restaurant", 500, lambda h, c, r, t: h, lambda h, c, r, t: max(r) >= 40),
    Family("hotel at 800", 800, lambda h, c, r, t: h, lambda h, c, r, t: max(r) >= 40 and t < 180),
    Family("meals at 350", 350, lambda h, c, r, t: sum(c), lambda h, c, r, t: h >= 800 and min(r) >= 40 and t < 120),
    Family("worse meal at 4.0", 40, lambda h, c, r, t: min(r), lambda h, c, r, t: h >= 800 and sum(c) < 350 and t < 120),
    Family("ticket at 120", 120, lambda h, c, r, t: t, lambda h, c, r, t: h >= 800 and sum(c) < 350 and min(r) >= 40),
    Family("better meal at 4.0", 40, lambda h, c, r, t: max(r), lambda h, c, r, t: 500 <= h < 800 and t < 180),
    Family("ticket at 180", 180, lambda h, c, r, t: t, lambda h, c, r, t: 500 <= h < 800 and max(r) >= 40),
    Family("better meal at 3.2", 32, lambda h, c, r, t: max(r), lambda h, c, r, t: 200 <= h < 500),
]


class Atlas:
    """What is where, read straight from the tables, and days near every boundary."""

    def __init__(self, database, rng):
        self.numbers = {}  # (table, city, name): its price or ticket, and the rating of a restaurant in tenths
        self.names = {table: defaultdict(list) for table in ("hotel", "restaurant", "attraction")}
        for table, columns in (("hotel", "price"), ("restaurant", "price, round(rating * 10)"), ("attraction", "ticket")):
            for city, name, *cells in database.execute(f"SELECT city, name, {columns} FROM {table} ORDER BY rowid"):
                self.names[table][city].append(name)
                self.numbers[table, city, name] = [int(cell) for cell in cells]
        self.cities = [city for (city,) in database.execute("SELECT name FROM city ORDER BY rowid")]
        self.stays = [city for city in self.cities if city != ORIGIN]
        self.chains = {table: self.chains_of(table) for table in self.names}
        sample = [self.day(rng, city) for city in self.stays for _ in range(1500)]
        figures = [self.figures(day) for day in sample]
        self.near = {family.name: nearest_days(family, sample, figures) for family in BOUNDARIES}

    def chains_of(self, table):
        """[(name, cities)] of the names that several cities have."""
        cities = defaultdict(list)
        for city in self.stays:
            for name in self.names[table][city]:
                cities[name].append(city)
        return [(name, found) for name, found in cities.items() if len(found) > 1]

    def day(self, rng, city):
        """A random day in the city, all places being there; without its date."""
        meals = rng.sample(self.names["restaurant"][city], 2)
        return {"city": city, "hotel": rng.choice(self.names["hotel"][city]), "afternoon_restaurant": meals[0],
                "afternoon_attraction": rng.choice(self.names["attraction"][city]), "evening_restaurant": meals[1]}

    def figures(self, day):
        city = day["city"]
        costs, ratings = zip(*(self.numbers["restaurant", city, day[field]] for field in ("afternoon_restaurant", "evening_restaurant")))
        return self.numbers["hotel", city, day["hotel"]][0], costs, ratings, self.numbers["attraction", city, day["afternoon_attraction"]][0]

    def trip(self, rng, second=None):
        """Three random days in three cities, with this second day."""
        second = second or self.day(rng, rng.choice(self.stays))
        first, third = rng.sample([city for city in self.stays if city != second["city"]], 2)
        days = [self.day(rng, first), second, self.day(rng, third)]
        return [{"time": date, **day} for date, day in zip(DATES, days)]

    def easy_trip(self, rng):
        """A trip with a second day that keeps every rule of its tier: what is wrong with an answer made of it was put there."""
        return self.trip(rng, self.near_day(rng, "better meal at 3.2", lambda value: value >= 32))

    def near_day(self, rng, family, wanted=lambda value: True):
        days = self.near[family]
        return dict(rng.choice(days[rng.choice([value for value in days if wanted(value)])]))


def nearest_days(family, sample, figures):
    """{value of the measure: days} for the two values nearest below the edge, the edge itself, and the two nearest above."""
    found = defaultdict(list)
    for day, numbers in zip(sample, figures):
        if family.others(*numbers):
            found[family.measure(*numbers)].append(day)
    values = sorted(found)
    below = [value for value in values if value < family.edge][-2:]
    above = [value for value in values if value > family.edge][:2]
    return {value: found[value] for value in values if value in below or value in above or value == family.edge}


# ---- Sound in form ----

def dump(days):
    return json.dumps(days, ensure_ascii=False)


def near(family):
    return lambda atlas, rng: dump(atlas.trip(rng, atlas.near_day(rng, family)))


def changed(change):
    """A maker: `change` gets (atlas, rng, days) of a trip that is valid before, and changes it in place or returns another."""
    def make(atlas, rng):
        days = atlas.easy_trip(rng)
        return dump(change(atlas, rng, days) or days)
    return make


def any_cities(atlas, rng):
    return dump([{"time": date, **atlas.day(rng, rng.choice(atlas.cities))} for date in DATES])


def second_day_in(low, high):
    """A valid trip often enough, of one tier."""
    def make(atlas, rng):
        for _ in range(200):
            day = atlas.day(rng, rng.choice(atlas.stays))
            if low <= atlas.figures(day)[0] < high:
                break
        return dump(atlas.trip(rng, day))
    return make


def at_the_origin(atlas, rng, days):
    i = rng.randrange(3)
    days[i] = {"time": DATES[i], **atlas.day(rng, ORIGIN)}


def city_repeated(atlas, rng, days):
    i, j = rng.sample(range(3), 2)
    if i == 1:
        i, j = j, i  # the second day stays as it is: the cities are the only fault, now and then a hotel too
    days[i] = {"time": DATES[i], **atlas.day(rng, days[j]["city"])}


def days_swapped(atlas, rng, days):
    i, j = rng.sample(range(3), 2)
    days[i], days[j] = days[j], days[i]
    if rng.random() < 0.7:
        days[i]["time"], days[j]["time"] = DATES[i], DATES[j]


def restaurant_twice_a_day(atlas, rng, days):
    day = days[rng.randrange(3)]
    day["afternoon_restaurant"] = day["evening_restaurant"]


def meals_swapped(atlas, rng, days):
    for day in days:
        day["afternoon_restaurant"], day["evening_restaurant"] = day["evening_restaurant"], day["afternoon_restaurant"]


def restaurant_of_another_day(atlas, rng, days):
    i, j = rng.sample(range(3), 2)
    days[i][rng.choice(["afternoon_restaurant", "evening_restaurant"])] = days[j]["evening_restaurant"]


def place_of_another_city(atlas, rng, days):
    field = rng.choice(list(TABLES))
    days[rng.randrange(3)][field] = rng.choice(atlas.names[TABLES[field]][rng.choice(atlas.cities)])


def place_of_another_kind(atlas, rng, days):
    day, field = days[rng.randrange(3)], rng.choice(list(TABLES))
    day[field] = day[rng.choice([other for other in ["city", *TABLES] if TABLES.get(other) != TABLES[field]])]


def day_moved(atlas, rng, days):
    """All is there but the city is another one."""
    days[rng.randrange(3)]["city"] = rng.choice(atlas.cities + ["Atlantis", "", "hangzhou"])


def with_chain(atlas, rng, field, where):
    """The first and the last day in two cities which have this name, in `where` or not."""
    name, cities = rng.choice(atlas.chains[TABLES[field]])
    days = atlas.easy_trip(rng)
    others = where([city for city in atlas.stays if city != days[1]["city"]], cities)
    if len(others) < 2:
        return dump(days)
    for i, city in zip((0, 2), rng.sample(others, 2)):
        days[i] = {"time": DATES[i], **atlas.day(rng, city), field: name}
    return dump(days)


def chain_in_two_cities(atlas, rng):
    """Two entities of one name: valid, unless the day has it twice."""
    return with_chain(atlas, rng, rng.choice(list(TABLES)), lambda others, cities: [city for city in others if city in cities])


def chain_where_it_is_not(atlas, rng):
    return with_chain(atlas, rng, rng.choice(list(TABLES)), lambda others, cities: [city for city in others if city not in cities])


def chain_on_the_second_day(atlas, rng):
    """A budget must read the branch of that city, not the first of that name."""
    field = rng.choice(list(TABLES))
    name, cities = rng.choice(atlas.chains[TABLES[field]])
    return dump(atlas.trip(rng, {**atlas.day(rng, rng.choice(cities)), field: name}))


def respelled(rng, name):
    i = rng.randrange(len(name))
    return rng.choice([
        name.lower(), name.upper(), name.swapcase(), name + " ", " " + name, name.replace(" ", "  "), name.replace(" ", "\u00a0"),
        name[:i] + name[i + 1:], name[:i] + name[i] + name[i:], name[::-1], unicodedata.normalize("NFD", name), name + "\u200b",
        name.replace("'", "\u2019"), name.replace("a", "\u0430"), name + "\0", name + "\n", "", f"{name}, Hangzhou", f'"{name}"',
        name.encode("ascii", "ignore").decode(), name.replace("e", "\u00e9"), name + "\U0001f3e8", "The " + name])


def near_spelling(atlas, rng, days):
    day, field = days[rng.randrange(3)], rng.choice(FIELDS[1:])
    day[field] = respelled(rng, day[field])


def wrong_date(atlas, rng, days):
    days[rng.randrange(3)]["time"] = rng.choice(["2025-10-01", "2025-10-02", "2025-10-03", "2025-10-04", "2025-10-1", "2024-10-01", "2025/10/02",
                                                 "2025-10-02 ", "", "day 1", "01-10-2025", "２０２５-10-01"])


# ---- Form ----

def number_of_days(atlas, rng, days):
    return rng.choice([days[:2], days[:1], [], days + [dict(days[2])], days + [dict(days[2], time="2025-10-04")], [days], {"days": days},
                       days[0], days + [None], days[:2] + [None], days[:2] + [[]], days[:2] + [{}], None, True, 7, dump(days), [dump(d) for d in days]])


def key_missing(atlas, rng, days):
    del days[rng.randrange(3)][rng.choice(FIELDS)]


def key_extra(atlas, rng, days):
    days[rng.randrange(3)][rng.choice(["note", "Time", "city ", "", "hotels", "lunch", "\0"])] = rng.choice(["", None, "x", 1, {}])


def key_renamed(atlas, rng, days):
    day, key = days[rng.randrange(3)], rng.choice(FIELDS)
    day[rng.choice([key.upper(), key + " ", key.replace("_", " "), key[:-1], key.title()]) + rng.choice(["", "x"])] = day.pop(key)


def not_a_string(atlas, rng, days):
    day, field = days[rng.randrange(3)], rng.choice(FIELDS)
    day[field] = rng.choice([None, 0, 1.5, True, False, [], {}, [day[field]], {"name": day[field]}, 10 ** 30, -0.0])


def duplicate_key(atlas, rng):
    """The same or another value a second time, the key written plainly or with an escape."""
    days = atlas.easy_trip(rng)
    field = rng.choice(FIELDS)
    key = json.dumps(field) if rng.random() < 0.7 else '"' + "".join(f"\\u{ord(c):04x}" for c in field) + '"'
    value = json.dumps(rng.choice([days[0][field], days[1][field], "x"]))
    text = dump(days)
    return text.replace("{", "{" + f"{key}: {value}, ", 1) if rng.random() < 0.5 else text.replace("}", f", {key}: {value}" + "}", 1)


def keys_in_another_order(atlas, rng, days):
    return [dict(rng.sample(list(day.items()), len(day))) for day in days]


def white_space(atlas, rng):
    text = json.dumps(atlas.easy_trip(rng), ensure_ascii=False, indent=rng.choice([0, 1, "\t", " \t "]), separators=rng.choice([(",", ":"), (" , ", " : ")]))
    return rng.choice(["", " ", "\n", "\r\n\t"]) + text.replace("\n", rng.choice(["\n", "\r\n", "\r", " "])) + rng.choice(["", " ", "\n\n", "\t\r"])


def wrong_white_space(atlas, rng):
    space = rng.choice(["\u00a0", "\u2003", "\f", "\v", "\0", "\ufeff", "\u2028", "\x1a", "\x85"])
    text = dump(atlas.easy_trip(rng))
    return rng.choice([space + text, text + space, text.replace(", ", "," + space, 1), text.replace("[", "[" + space, 1)])


def escaped(atlas, rng):
    """The same text with some characters written as escapes, those beyond 16 bits as pairs."""
    def write(c):
        if c == '"' or c == "\\" or rng.random() < 0.5:
            return json.dumps(c, ensure_ascii=False)[1:-1]
        codes = c.encode("utf-16-be")
        return "".join(("\\u%04x" if rng.random() < 0.5 else "\\u%04X") % int.from_bytes(codes[i:i + 2], "big") for i in range(0, len(codes), 2))
    days = atlas.easy_trip(rng)
    if rng.random() < 0.2:
        days[0]["hotel"] += "\U0001f3e8"
    return "[" + ",".join("{" + ",".join('"%s":"%s"' % tuple("".join(map(write, text)) for text in pair) for pair in day.items()) + "}"
                          for day in days) + "]"


def in_a_string(atlas, rng, insertions):
    """Puts one of `insertions` inside a random string, a key or a value."""
    text = dump(atlas.easy_trip(rng))
    quotes = [i for i, c in enumerate(text) if c == '"' and (i == 0 or text[i - 1] != "\\")]
    start = rng.randrange(len(quotes) // 2) * 2
    at = rng.randint(quotes[start] + 1, quotes[start + 1])
    return text[:at] + rng.choice(insertions) + text[at:]


def lone_surrogate(atlas, rng):
    return in_a_string(atlas, rng, ["\\ud800", "\\udfff", "\\uD83C", "\\udc00\\ud800", "\\ud800\\ud800", "\\ud83c\\u0041", "\\udbff\\\\udfff"])


def bad_escape(atlas, rng):
    return in_a_string(atlas, rng, ["\\x41", "\\u12", "\\u12g4", "\\", "\\'", "\\0", "\\U00000041", "\\u 041", "\\u+041", "\n", "\t", "\0", "\x1f", '"'])


def not_json(atlas, rng):
    text = dump(atlas.easy_trip(rng))
    cut = rng.randrange(len(text))
    return rng.choice([
        text[:-1] + ",]", text.replace("}", ",}", 1), text.replace('"', "'"), text.replace(":", "=", 1), text + "]", text + text, text + "\n[]", text + "x",
        "// plan\n" + text, text.replace("{", "{/* day */", 1), "```json\n" + text + "\n```", "My plan: " + text, text[:cut], text[:cut] + text[cut + 1:],
        text.replace('"time"', "time", 1), text.replace(", ", " ", 1), text.replace(", ", ",, ", 1), "\ufeff" + text, text.replace("[", "(").replace("]", ")"),
        text[1:-1], "\n".join(text[1:-1].replace("}, ", "}\n").split("\n")), "[" + text, text.replace("}", "]", 1), "data:" + text])


def no_number(atlas, rng):
    days = atlas.easy_trip(rng)
    day, field = days[rng.randrange(3)], rng.choice(FIELDS)
    day[field] = "@@"
    return dump(days).replace('"@@"', rng.choice(["NaN", "Infinity", "-Infinity", "nan", "01", "+1", ".5", "1.", "0x10", "1e999", "-", "undefined", "None", "True",
                                                  "9" * 400, "tru"]))


def nested(atlas, rng):
    depth = rng.choice([1, 2, 5, 63, 64, 65, 500, 1023, 1024, 1025, 5000, 30000])
    text = dump(atlas.easy_trip(rng)) if rng.random() < 0.5 else ""
    if rng.random() < 0.3:
        return '{"a":' * depth + (text or "1") + "}" * depth
    return "[" * depth + text + "]" * (depth if rng.random() < 0.8 else depth - 1)


def no_answer(atlas, rng):
    return rng.choice(["", " ", "\n", "null", "[]", "{}", '""', "[{},{},{}]", "[null,null,null]", "0", "true", "[[],[],[]]", "I could not find a trip.", '"', "[", "\0",
                       json.dumps([dict.fromkeys(FIELDS, "")] * 3), json.dumps([{"time": date, **dict.fromkeys(FIELDS[1:], "")} for date in DATES])])


def at_the_limit(atlas, rng):
    """Padded to the limit in bytes, one less, one more, or far beyond; half of them with fewer characters than bytes."""
    days = atlas.easy_trip(rng)
    wide = [(name, city) for name, cities in atlas.chains["restaurant"] for city in cities
            if not name.isascii() and city not in (days[1]["city"], days[2]["city"])]
    if wide and rng.random() < 0.5:
        name, city = rng.choice(wide)
        days[0] = {"time": DATES[0], **atlas.day(rng, city), "evening_restaurant": name}
    text = dump(days)
    padding = LIMIT_BYTES + rng.choice([-1, 0, 0, 1, 1, 4000]) - len(text.encode())
    if rng.random() < 0.2:
        return text.replace('"hotel": "', '"hotel": "' + "x" * padding, 1)
    at = rng.choice([0, 1, len(text)])
    return text[:at] + " " * padding + text[at:]


BOUNDARY_MAKERS = {family.name: near(family.name) for family in BOUNDARIES}
SURROGATES = "lone surrogate"  # Python's json takes one for text: its judge then names other checks
MAKERS = {
    **BOUNDARY_MAKERS,
    "random": lambda atlas, rng: dump(atlas.trip(rng)),
    "random, any cities": any_cities,
    "valid": lambda atlas, rng: dump(atlas.easy_trip(rng)),
    "second day under 200": second_day_in(0, 200),
    "second day from 200": second_day_in(200, 500),
    "second day from 500": second_day_in(500, 800),
    "second day from 800": second_day_in(800, 10 ** 9),
    "at the origin": changed(at_the_origin),
    "city repeated": changed(city_repeated),
    "days swapped": changed(days_swapped),
    "restaurant twice a day": changed(restaurant_twice_a_day),
    "meals swapped": changed(meals_swapped),
    "restaurant of another day": changed(restaurant_of_another_day),
    "place of another city": changed(place_of_another_city),
    "place of another kind": changed(place_of_another_kind),
    "day moved": changed(day_moved),
    "chain in two cities": chain_in_two_cities,
    "chain where it is not": chain_where_it_is_not,
    "chain on the second day": chain_on_the_second_day,
    "near spelling": changed(near_spelling),
    "wrong date": changed(wrong_date),
    "number of days": changed(number_of_days),
    "key missing": changed(key_missing),
    "key extra": changed(key_extra),
    "key renamed": changed(key_renamed),
    "duplicate key": duplicate_key,
    "not a string": changed(not_a_string),
    "keys in another order": changed(keys_in_another_order),
    "white space": white_space,
    "wrong white space": wrong_white_space,
    "escapes": escaped,
    SURROGATES: lone_surrogate,
    "bad escape": bad_escape,
    "not JSON": not_json,
    "no number": no_number,
    "nested": nested,
    "no answer": no_answer,
    "at the size limit": at_the_limit,
}


def make_answers(atlas, rng, count):
    """[(family, text)], the families in turn."""
    names = list(MAKERS)
    return [(names[i % len(names)], MAKERS[names[i % len(names)]](atlas, rng)) for i in range(count)]
