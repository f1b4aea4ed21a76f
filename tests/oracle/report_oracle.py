"""Judges the report's trip-planning task, written by hand from its text; it shares no code with the program or its other judges.

Three days from Hangzhou, 1 to 3 October 2025. The answer is a JSON array of three objects with exactly the keys of KEYS, in any
order, all values strings. Anything not understood fails. An entity is a name in a city: the same name in another city is
another hotel, restaurant or attraction.
"""

import re
import sqlite3
from contextlib import closing

ORIGIN = "Hangzhou"
DATES = ["2025-10-01", "2025-10-02", "2025-10-03"]
KEYS = {"time", "city", "hotel", "afternoon_restaurant", "afternoon_attraction", "evening_restaurant"}
LIMIT_BYTES = 65536


class World:
    """What the rules read: names of cities, and (name, city) -> what is known. Money in CNY, ratings in tenths."""

    def __init__(self, cities, hotels, restaurants, attractions):
        self.cities = cities            # {name}
        self.hotels = hotels            # price of a night
        self.restaurants = restaurants  # (cost, rating)
        self.attractions = attractions  # ticket


def load(path):
    """Reads a database that `assay show environment ID --sqlite FILE` wrote. ValueError if it is not the report's world."""
    with closing(sqlite3.connect(path)) as database:
        cities = {name for (name,) in database.execute("SELECT name FROM city")}

        def table(name, *columns):
            rows = {}
            for entity, city, *cells in database.execute(f"SELECT name, city, {', '.join(columns)} FROM {name}"):
                if (entity, city) in rows or city not in cities:
                    raise ValueError(f"{name} {entity!r} in {city!r}: twice, or in no city")
                rows[entity, city] = cells
            return rows

        hotels = {key: whole(price) for key, (price,) in table("hotel", "price").items()}
        restaurants = {key: (whole(price), tenths(rating)) for key, (price, rating) in table("restaurant", "price", "rating").items()}
        attractions = {key: whole(ticket) for key, (ticket,) in table("attraction", "ticket").items()}
        return World(cities, hotels, restaurants, attractions)


def whole(cell):
    if type(cell) is not int:
        raise ValueError(f"not a whole number: {cell!r}")
    return cell


def tenths(cell):
    if type(cell) not in (int, float) or abs(cell * 10 - round(cell * 10)) > 1e-6:
        raise ValueError(f"not a number with one decimal: {cell!r}")
    return round(cell * 10)


# The only JSON that can pass is an array of three objects of six strings, so this is all the grammar there is.
STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*"'
TOKEN = re.compile(rf"[ \t\n\r]*(?:({STRING})|([\[\]{{}}:,]))[ \t\n\r]*")
DAY = "{" + ",".join(["S:S"] * 6) + "}"
SHAPE = "[" + ",".join([DAY] * 3) + "]"
ESCAPE = re.compile(r"\\(?:u(....)|(.))")
NAMED_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}


def text_of(string):
    """What a JSON string means; ValueError (UnicodeError is one) for half a surrogate pair."""
    raw = ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else NAMED_ESCAPES[m[2]], string[1:-1])
    return raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def read(answer_text):
    """The three days as dictionaries. ValueError for anything else."""
    if len(answer_text.encode("utf-8")) > LIMIT_BYTES:
        raise ValueError("too large")
    strings, shape, at = [], "", 0
    while at < len(answer_text):
        token = TOKEN.match(answer_text, at)
        if not token:
            raise ValueError("no token of such an answer")
        if token[1]:
            strings.append(text_of(token[1]))
        shape += "S" if token[1] else token[2]
        at = token.end()
    if shape != SHAPE:
        raise ValueError("not three objects of six strings")
    pairs = list(zip(strings[0::2], strings[1::2]))
    days = [dict(pairs[i:i + 6]) for i in (0, 6, 12)]
    if any(set(day) != KEYS for day in days):
        raise ValueError("keys")  # six pairs with six different keys: none is there twice
    return days


def judge(world, answer_text):
    """Whether the answer keeps every rule."""
    try:
        days = read(answer_text)
    except ValueError:
        return False
    return [day["time"] for day in days] == DATES and places_exist(world, days) and nothing_repeats(days) and day_two_holds(world, days[1])


def restaurants_of(day):
    return [(day["afternoon_restaurant"], day["city"]), (day["evening_restaurant"], day["city"])]


def places_exist(world, days):
    """Each day in a city other than the origin, and each place of the day in that city."""
    for day in days:
        city = day["city"]
        if city not in world.cities or city == ORIGIN:
            return False
        if (day["hotel"], city) not in world.hotels or (day["afternoon_attraction"], city) not in world.attractions:
            return False
        if not all(restaurant in world.restaurants for restaurant in restaurants_of(day)):
            return False
    return True


def nothing_repeats(days):
    cities = [day["city"] for day in days]
    hotels = [(day["hotel"], day["city"]) for day in days]
    attractions = [(day["afternoon_attraction"], day["city"]) for day in days]
    restaurants = [restaurant for day in days for restaurant in restaurants_of(day)]
    return all(len(set(kind)) == len(kind) for kind in (cities, hotels, attractions, restaurants))


def day_two_holds(world, day):
    """The budget that the price of the second day's hotel sets."""
    price = world.hotels[day["hotel"], day["city"]]
    ticket = world.attractions[day["afternoon_attraction"], day["city"]]
    costs, ratings = zip(*(world.restaurants[restaurant] for restaurant in restaurants_of(day)))
    if price >= 800:
        return sum(costs) < 350 and min(ratings) >= 40 and ticket < 120
    if price >= 500:
        return max(ratings) >= 40 and ticket < 180
    if price >= 200:
        return max(ratings) >= 32
    return False
