"""A slow judge of choices and schedules: what the rules say, row by row and minute by minute, over the plain database.

It shares nothing with the program but the meaning of a task's constraints. Answers are well-formed JSON of the right shape.
"""

import json
from functools import lru_cache
from fractions import Fraction
from itertools import combinations
from operator import eq, ge, gt, le, lt, ne

RELATIONS = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
BOUNDS = {"at_least": ge, "more_than": gt, "at_most": le, "below": lt}


class NoValue(Exception):
    """A rule needs what the data does not have: it counts as broken."""


@lru_cache(maxsize=None)
def rows_of(database, sql, *parameters):
    return database.execute(sql, parameters).fetchall()


class Plan:
    """An answer over a database: its groups, and the cells of what they name."""

    def __init__(self, database, schema, task, groups):
        self.database, self.groups = database, groups
        self.references = {table: columns for table, (columns, _) in schema.items()}
        self.named = {table: name for table, (_, name) in schema.items()}
        self.tables = {field["name"]: field["table"] for field in task["answer"]["fields"] if "table" in field}
        self.scopes = {field["name"]: field["scope"] for field in task["answer"]["fields"] if field.get("scope")}

    def cell(self, table, name, column):
        rows = rows_of(self.database, f'SELECT "{column}" FROM "{table}" WHERE "{self.named[table]}" = ?', name)
        if len(rows) != 1 or rows[0][0] is None:
            raise NoValue(name)
        return rows[0][0]

    def row(self, group, field):
        """The row that a field names: the one within its scope, or if there is none any other of that name."""
        table, scope = self.tables[field], self.scopes.get(field)
        within = next((column for column, target in self.references[table].items() if scope and target == self.tables[scope]), self.named[table])
        rows = rows_of(self.database, f'SELECT rowid, "{within}" FROM "{table}" WHERE "{self.named[table]}" = ? ORDER BY rowid', group[field])
        if not rows:
            raise NoValue(group[field])
        return next((row for row, owner in rows if scope and owner == group[scope]), rows[0][0])

    def get(self, group, field, column):
        ((value,),) = rows_of(self.database, f'SELECT "{column}" FROM "{self.tables[field]}" WHERE rowid = ?', self.row(group, field))
        if value is None:
            raise NoValue(group[field])
        return exact(value)

    def along(self, table, name, path):
        """The cell at the end of "office.opens", from the row `name` of `table`."""
        *steps, column = path.split(".")
        for step in steps:
            table, name = self.references[table][step], self.cell(table, name, step)
        return self.cell(table, name, column)

    def minutes(self, rule, group):
        """Every minute that the group lasts."""
        start = self.get(group, rule["start"]["field"], rule["start"]["get"])
        return range(start, start + self.get(group, rule["length"]["field"], rule["length"]["get"]))

    def owners(self, choice, group):
        """The table and the names of what a group has to do with."""
        field = choice["field"]
        table, name = self.tables[field], group[field]
        if "through" in choice:
            via = choice["through"]
            found = rows_of(self.database, f'SELECT "{via["to"]}" FROM "{via["table"]}" WHERE "{via["from"]}" = ?', name)
            return self.references[via["table"]][via["to"]], {owner for (owner,) in found}
        if "get" in choice:
            return self.references[table][choice["get"]], {self.cell(table, name, choice["get"])}
        return table, {self.cell(table, name, self.named[table])}


def exact(value):
    """Decimals as they are written."""
    return Fraction(str(value)) if isinstance(value, float) else value


def passes(test, value):
    if test["cmp"] == "in":
        return value in map(exact, test["values"])
    return RELATIONS[test["cmp"]](value, exact(test["value"]))


def chosen(plan, slots):
    """[(group, field)]"""
    numbers = slots.get("groups", range(1, len(plan.groups) + 1))
    return [(plan.groups[number - 1], field) for number in numbers for field in slots["fields"]]


def fits(plan, rule):
    for group in plan.groups:
        table, owners = plan.owners(rule["of"], group)
        for owner in owners:
            ahead = plan.along(table, owner, rule["offset"]) if "offset" in rule else 0
            local = [minute + ahead for minute in plan.minutes(rule, group)]
            if "window" in rule:
                opens, closes = (plan.along(table, owner, rule["window"][end]) for end in ("from", "to"))
                if rule["window"].get("daily"):
                    if len({minute // 1440 for minute in local}) > 1:
                        return False
                    local = [minute % 1440 for minute in local]
                if not all(opens <= minute < closes for minute in local):
                    return False
            else:
                busy = rule["busy"]
                taken = rows_of(plan.database, f'SELECT "{busy["from"]}", "{busy["to"]}" FROM "{busy["table"]}" WHERE "{busy["owner"]}" = ?', owner)
                if any(start <= minute < end for start, end in taken for minute in local):
                    return False
    return True


def gap_between(plan, rule, first, second):
    if "travel" not in rule:
        return rule.get("gap", 0)
    travel = rule["travel"]
    (here,), (there,) = (plan.owners(travel["between"], group)[1] for group in (first, second))
    if here == there:
        return 0
    return rows_of(plan.database, f'SELECT min("{travel["get"]}") FROM "{travel["table"]}" WHERE "{travel["from"]}" = ? AND "{travel["to"]}" = ?',
                   *(here, there))[0][0]


def no_overlap(plan, rule):
    for group in plan.groups:   # each must have a time and an owner, whether it shares it or not
        plan.minutes(rule, group)
        if "sharing" in rule:
            plan.owners(rule["sharing"], group)
    for pair in combinations(plan.groups, 2):
        if "sharing" in rule and not plan.owners(rule["sharing"], pair[0])[1] & plan.owners(rule["sharing"], pair[1])[1]:
            continue
        first, second = sorted(pair, key=lambda group: plan.minutes(rule, group).start)
        gap = gap_between(plan, rule, first, second)
        lasting = plan.minutes(rule, first)
        if gap is None or set(range(lasting.start, lasting.stop + gap)) & set(plan.minutes(rule, second)):
            return False
    return True


def precedes(plan, rule):
    at = {group[rule["length"]["field"]]: group for group in plan.groups}
    lag = f'"{rule["lag"]}"' if "lag" in rule else "0"
    for before, after, wait in rows_of(plan.database, f'SELECT "{rule["before"]}", "{rule["after"]}", {lag} FROM "{rule["table"]}"'):
        if before in at and after in at:
            end, begin = plan.minutes(rule, at[before]).stop, plan.minutes(rule, at[after]).start
            if wait is None or begin < end + wait:
                return False
    return True


def compare(plan, rule):
    for group, field in chosen(plan, rule["slots"]):
        value = plan.get(group, field, rule["get"])
        if "than" in rule:
            held = RELATIONS[rule["cmp"]](value, plan.get(group, rule["than"]["field"], rule["than"]["get"]))
        else:
            held = passes(rule, value)
        if not held:
            return False
    return True


def count(plan, rule):
    passing = sum(passes(rule, plan.get(group, field, rule["get"])) for group, field in chosen(plan, rule["slots"]))
    return passing >= rule.get("at_least", 0) and passing <= rule.get("at_most", 99) and passing == rule.get("exactly", passing)


def aggregate(plan, rule):
    cells = [plan.get(group, field, term["get"]) for term in rule["terms"] for group, field in chosen(plan, term["slots"])]
    value = {"sum": sum, "min": min, "max": max, "average": lambda numbers: Fraction(sum(numbers)) / len(numbers)}[rule["how"]](cells)
    return all(relation(value, exact(rule[bound])) for bound, relation in BOUNDS.items() if bound in rule)


def belongs(plan, rule):
    for group, field in chosen(plan, rule["slots"]):
        plan.row(group, rule["field"])
        if plan.get(group, field, rule["get"]) != group[rule["field"]]:
            return False
    return True


def connected(plan, rule):
    before = rule.get("start")
    for group in plan.groups:
        plan.row(group, rule["field"])
        here = group[rule["field"]]
        if before is not None and here != before:
            tests = rule.get("where", [])
            columns = ", ".join(f'"{test["get"]}"' for test in tests) or "1"
            ways = rows_of(plan.database, f'SELECT {columns} FROM "{rule["table"]}" WHERE "{rule["from"]}" = ? AND "{rule["to"]}" = ?', before, here)
            if not any(all(cell is not None and passes(test, exact(cell)) for test, cell in zip(tests, way)) for way in ways):
                return False
        before = here
    return True


def tiers(plan, rule):
    value = plan.get(plan.groups[rule["on"]["group"] - 1], rule["on"]["field"], rule["on"]["get"])
    for tier in rule["tiers"]:
        if exact(tier["from"]) <= value and ("below" not in tier or value < exact(tier["below"])):
            return all(globals()[then["op"]](plan, then) for then in tier["then"])
    return False


def order(plan, rule):
    cells = [plan.get(group, field, rule["get"]) for group, field in chosen(plan, rule["slots"])]
    relation = {("rising", True): lt, ("rising", False): le, ("falling", True): gt, ("falling", False): ge}[rule["direction"], rule["strict"]]
    return all(relation(a, b) for a, b in zip(cells, cells[1:]))


def all_different(plan, rule):
    values = [plan.get(group, field, rule["by"]) if "by" in rule else plan.row(group, field) for group, field in chosen(plan, rule["slots"])]
    return len(set(values)) == len(values)


def judge(database, schema, task, text):
    """Names of the checks that fail; `schema` is {table: ({column: table referred to}, column of names)}."""
    plan = Plan(database, schema, task, json.loads(text))
    failed = []
    for group in plan.groups:
        for field, table in plan.tables.items():
            if rows_of(database, f'SELECT count(*) FROM "{table}" WHERE "{plan.named[table]}" = ?', group[field]) == [(0,)]:
                failed = ["known"]
    for number, rule in enumerate(task["constraints"]):
        try:
            held = globals()[rule["op"]](plan, rule)
        except NoValue:
            held = False
        if not held:
            failed.append(f"c{number}.{rule['op']}")
    return failed
