#include "verifiers/constraint_verifier.h"

namespace assay {
namespace {

// What the printed expressions use. It shares nothing with the program but this text's meaning.
constexpr const char* kPrelude = R"PY("""Judges one answer of one task; made by assay, standard library only.

    python3 verify.py DATABASE.sqlite < answer.json
"""
import json
import sqlite3
import sys


class Unjudged(Exception):
    """A slot without an entity, or a cell without a value: the constraint that reads it fails."""


class Malformed(Exception):
    pass


def load(path):
    tables, by_name, by_key = {}, {}, {}
    connection = sqlite3.connect(path)
    for table, spec in TABLES.items():
        rows = []
        for number, cells in enumerate(connection.execute('SELECT %s FROM "%s" ORDER BY rowid' % (
                ", ".join('"%s"' % c for c, _ in spec["columns"]), table))):
            row = {"": number}
            for (column, decimals), cell in zip(spec["columns"], cells):
                row[column] = int(round(cell * 10 ** decimals)) if decimals and cell is not None else cell
            rows.append(row)
            if spec["name"]:
                by_name.setdefault((table, row[spec["name"]]), row)
                if spec["scope"]:
                    by_key[(table, row[spec["name"]], row[spec["scope"]])] = row
        tables[table] = rows
    return tables, by_name, by_key


def pairs_once(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise Malformed("duplicate key")
    return dict(pairs)


def refuse(value):
    raise Malformed(value)


def read(answer_text):
    if isinstance(answer_text, bytes):
        answer_text = answer_text.decode("utf-8")
    if len(answer_text.encode("utf-8")) > LIMIT_BYTES:
        raise Malformed("too large")
    groups = json.loads(answer_text, object_pairs_hook=pairs_once, parse_constant=refuse)
    if not isinstance(groups, list) or len(groups) != GROUPS:
        raise Malformed("not an array of %d objects" % GROUPS)
    for number, group in enumerate(groups):
        if not isinstance(group, dict) or set(group) != {f["name"] for f in FIELDS}:
            raise Malformed("keys")
        for field in FIELDS:
            if not isinstance(group[field["name"]], str):
                raise Malformed("not a string")
            if "literals" in field and group[field["name"]] != field["literals"][number]:
                raise Malformed("literal")
    return groups


def resolve(groups, by_name, by_key):
    slots = []
    for group in groups:
        chosen = {}
        for field in sorted((f for f in FIELDS if "table" in f), key=lambda f: "scope" in f):
            table, written = field["table"], group[field["name"]]
            row = None
            if "scope" in field and chosen[field["scope"]] is not None:
                owner = chosen[field["scope"]]
                row = by_key.get((table, written, owner[TABLES[field["scope_table"]]["name"]]))
            chosen[field["name"]] = row or by_name.get((table, written))
        slots += [chosen[f["name"]] for f in FIELDS if "table" in f]
    return slots


def distinct(values):
    return len(set(values)) == len(values)


def every(values):
    return all(values)


def tiers(value, ranges):
    for low, high, then in ranges:
        if value >= low and (high is None or value < high):
            return all(check() for check in then)
    return False


def verify(answer_text, database_path):
    """{"passed": bool, "failed": [names of the checks that fail]}"""
    return judge(answer_text, *load(database_path))


def judge(answer_text, tables, by_name, by_key):
    try:
        groups = read(answer_text)
    except (Malformed, ValueError, RecursionError, UnicodeError):
        return {"passed": False, "failed": ["shape", "known"] + CHECKS}
    slots = resolve(groups, by_name, by_key)

    def slot(number):
        if slots[number] is None:
            raise Unjudged()
        return slots[number]

    def row(number):
        return slot(number)[""]

    def name(number):
        return v(number, TABLES[SLOT_TABLES[number]]["name"])

    def v(number, column):
        cell = slot(number)[column]
        if cell is None:
            raise Unjudged()
        return cell

    def connected(stops, table, start, end, good):
        links = INDEX.setdefault((id(tables), table, start, end), {})
        if not links:
            for r in tables[table]:
                links.setdefault((r[start], r[end]), []).append(r)
        return all(a == b or any(good(r) for r in links.get((a, b), [])) for a, b in zip(stops, stops[1:]))

    def span(start, start_column, length, length_column):
        return v(start, start_column), v(start, start_column) + v(length, length_column)

    def joined(number, table, start, end):
        return {r[end] for r in tables[table] if r[start] == name(number)}

    def follow(entity, path):
        for table, column in path:
            entity = by_name[table, entity][column]
            if entity is None:
                raise Unjudged()
        return entity

    def local(when, owner, offset):
        ahead = follow(owner, offset) if offset else 0
        return when[0] + ahead, when[1] + ahead

    def within(when, owners, offset, opens, closes, daily):
        for owner in owners:
            begin, end = local(when, owner, offset)
            day = begin // 1440 * 1440 if daily else 0
            if begin < day + follow(owner, opens) or end > day + follow(owner, closes):
                return False
        return True

    def clear(when, owners, offset, table, column, start, end):
        for owner in owners:
            begin, finish = local(when, owner, offset)
            for r in tables[table]:
                if r[column] == owner and (r[start] is None or r[end] is None or r[start] < finish and begin < r[end]):
                    return False
        return True

    def apart(spans, owners, gap):
        for i in range(len(spans)):
            for j in range(i):
                if owners[i] & owners[j] and spans[i][1] + gap(i, j) > spans[j][0] and spans[j][1] + gap(j, i) > spans[i][0]:
                    return False
        return True

    def travel(places, table, start, end, column):
        def minutes(i, j):
            (here,), (there,) = places[i], places[j]
            ways = [r[column] for r in tables[table] if r[start] == here and r[end] == there and r[column] is not None]
            return 0 if here == there else min(ways, default=float("inf"))
        return minutes

    def in_order(spans, names, table, before, after, lag):
        at = dict(zip(names, spans))
        for r in tables[table]:
            if r[before] in at and r[after] in at:
                if lag and r[lag] is None or at[r[before]][1] + (r[lag] if lag else 0) > at[r[after]][0]:
                    return False
        return True

    checks = [
%CHECKS%
    ]
    failed = [] if all(s is not None for s in slots) else ["known"]
    for label, check in checks:
        try:
            held = check()
        except Unjudged:
            held = False
        if not held:
            failed.append(label)
    return {"passed": not failed, "failed": failed}


INDEX = {}
)PY";

Json table_description(const Table& table) {
  Json columns = Json::array();
  for (const ColumnSpec& column : table.spec.columns) columns.push_back({column.name, column.decimals});
  const bool entity = table.spec.is_entity();
  Json out = {{"columns", std::move(columns)}, {"name", entity ? table.spec.key[0] : ""}, {"scope", entity && table.spec.key.size() > 1 ? table.spec.key[1] : ""}};
  return out;
}

}  // namespace

Result<std::string> python_verifier(const Task& task, const Environment& environment) {
  ASSAY_ASSIGN(Constraints constraints, compile_constraints(task.constraints, {task.answer, environment.tables}, "task " + task.id));
  std::string checks;
  Json names = Json::array(), tables = Json::object(), fields = Json::array(), slot_tables = Json::array();
  for (size_t i = 0; i < constraints.size(); ++i) {
    const std::string name = constraint_name(task.constraints, i);
    names.push_back(name);
    checks += "        (" + python_text(name) + ", lambda: " + constraints[i]->python() + "),\n";
  }
  for (const Table& table : environment.tables.tables) tables[table.spec.name] = table_description(table);
  for (const AnswerField& field : task.answer.fields) {
    Json json = {{"name", field.name}};
    if (field.is_given()) json["literals"] = field.literals;
    if (field.is_entity()) json["table"] = field.table;
    if (!field.scope.empty()) {
      json["scope"] = field.scope;
      json["scope_table"] = task.answer.fields[task.answer.field_index(field.scope)].table;
    }
    fields.push_back(std::move(json));
  }
  for (int slot = 0; slot < task.answer.slots(); ++slot) slot_tables.push_back(task.answer.fields[task.answer.field_of_slot(slot)].table);
  std::string text = kPrelude;
  text.replace(text.find("%CHECKS%\n"), 9, checks);
  text += "LIMIT_BYTES = " + std::to_string(task.limits.answer_bytes) + "\nGROUPS = " + std::to_string(task.answer.groups) +
          "\nFIELDS = " + fields.dump(-1, ' ', true) + "\nTABLES = " + tables.dump(-1, ' ', true) + "\nSLOT_TABLES = " + slot_tables.dump() +
          "\nCHECKS = " + names.dump() +
          "\n\nif __name__ == \"__main__\":\n    print(json.dumps(verify(sys.stdin.buffer.read(), sys.argv[1])))\n";
  return text;
}

}  // namespace assay
