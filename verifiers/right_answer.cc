#include "verifiers/right_answer.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "verifiers/constraint.h"
#include "verifiers/program_verifier.h"

namespace assay {
namespace {

std::string trimmed(const std::string& text) {
  size_t begin = 0, end = text.size();
  const auto space = [&](size_t at) { return text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'; };
  while (begin < end && space(begin)) ++begin;
  while (end > begin && space(end - 1)) --end;
  return text.substr(begin, end - begin);
}

bool same_text(const std::string& left, const std::string& right, bool fold_case) {
  const auto lower = [&](char c) { return fold_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i)
    if (lower(left[i]) != lower(right[i])) return false;
  return true;
}

// ---- Values (specification: verifiers/value_verifier.h) ----

bool is_value(const Json& spec, const Json& answer);

// Every way to pair items with answers, given up at the first contradiction.
bool is_bag(const Json& items, const Json& answer, size_t item, std::vector<char>& taken) {
  if (item == items.size()) return true;
  for (size_t i = 0; i < answer.size(); ++i) {
    if (taken[i] || !is_value(items[item], answer[i])) continue;
    taken[i] = 1;
    if (is_bag(items, answer, item + 1, taken)) return true;
    taken[i] = 0;
  }
  return false;
}

bool is_list(const Json& spec, const Json& answer) {
  const Json& items = spec.at("items");
  if (!answer.is_array() || answer.size() != items.size()) return false;
  std::vector<char> taken(answer.size(), 0);
  if (!spec.value("ordered", true)) return is_bag(items, answer, 0, taken);
  for (size_t i = 0; i < items.size(); ++i)
    if (!is_value(items[i], answer[i])) return false;
  return true;
}

bool is_object(const Json& fields, const Json& answer) {
  if (!answer.is_object() || answer.size() != fields.size()) return false;
  for (const auto& [name, field] : fields.items())
    if (!answer.contains(name) || !is_value(field, answer.at(name))) return false;
  return true;
}

bool is_value(const Json& spec, const Json& answer) {
  const std::string type = spec.at("type");
  if (type == "list") return is_list(spec, answer);
  if (type == "object") return is_object(spec.at("fields"), answer);
  const Json& value = spec.at("value");
  if (type == "boolean") return answer.is_boolean() && answer == value;
  if (type == "text") return answer.is_string() && same_text(trimmed(answer), trimmed(value), spec.value("fold_case", false));
  if (type == "integer") return answer.is_string() ? trimmed(answer) == value : answer.is_number_integer() && answer.dump() == value;
  if (!answer.is_number()) return false;
  const double wanted = value, given = answer;
  const double tolerance = std::max(spec.value("absolute", 0.0), spec.value("relative", 0.0) * std::fabs(wanted));
  return std::isfinite(given) && given >= wanted - tolerance && given <= wanted + tolerance;
}

// An integer that stands alone is its digits, however many.
bool is_alone_integer(const Json& spec, std::string_view answer) {
  return spec.at("type") == "integer" && trimmed(std::string(answer)) == spec.at("value");
}

// ---- Entities under constraints ----

int32_t row_named(const Tables& tables, int table, const std::string& name, int32_t scope) {
  const Table& rows = tables.tables[static_cast<size_t>(table)];
  int32_t anywhere = -1;
  for (int32_t row = 0; row < rows.size(); ++row) {
    if (tables.entity_name(table, row) != name) continue;
    if (scope >= 0 && rows.cell(rows.spec.scope_column(), row) == scope) return row;
    if (anywhere < 0) anywhere = row;
  }
  return anywhere;
}

// The row that `field` of `group` names; scopes are read first.
int32_t row_of(const Task& task, const Tables& tables, const Json& group, const AnswerField& field) {
  if (!group.at(field.name).is_string()) return -1;
  int32_t scope = -1;
  if (const int index = task.answer.field_index(field.scope); index >= 0)
    scope = row_of(task, tables, group, task.answer.fields[static_cast<size_t>(index)]);
  return row_named(tables, tables.table_index(field.table), group.at(field.name), scope);
}

bool read_group(const Task& task, const Tables& tables, const Json& group, size_t number, Assignment& rows) {
  if (!group.is_object() || group.size() != task.answer.fields.size()) return false;
  for (const AnswerField& field : task.answer.fields)
    if (!group.contains(field.name)) return false;
  for (const AnswerField& field : task.answer.fields) {
    if (!field.is_entity() && group.at(field.name) != field.literals[number]) return false;
    if (field.is_entity()) rows.push_back(row_of(task, tables, group, field));
    if (field.is_entity() && rows.back() < 0) return false;
  }
  return true;
}

bool satisfies(const Task& task, const Tables& tables, const Json& answer) {
  if (!answer.is_array() || answer.size() != static_cast<size_t>(task.answer.groups)) return false;
  Assignment rows;
  for (size_t group = 0; group < answer.size(); ++group)
    if (!read_group(task, tables, answer[group], group, rows)) return false;
  const auto constraints = compile_constraints(task.constraints, {task.answer, tables}, "task " + task.id);
  if (!constraints.ok()) return false;
  for (const auto& constraint : *constraints)
    if (!constraint->holds(rows.data())) return false;
  return true;
}

// ---- States (envs/state.h) ----

std::vector<std::string> listed(const std::string& text, Equality equality) {
  std::vector<std::string> items;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (std::string item = trimmed(text.substr(begin, end - begin)); !item.empty()) items.push_back(std::move(item));
    begin = end + 1;
  }
  if (equality != Equality::kSequence) std::stable_sort(items.begin(), items.end());
  if (equality == Equality::kSet) items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

bool is_cell(const ColumnSpec& column, const Json& wanted, const Json& given) {
  if (wanted == given || column.equality == Equality::kIgnored) return true;
  if (column.equality == Equality::kTolerance)
    return wanted.is_number() && given.is_number() && std::fabs(wanted.get<double>() - given.get<double>()) < column.tolerance * (1 + 1e-6) + 1e-12;
  const bool lists = column.equality == Equality::kSet || column.equality == Equality::kBag || column.equality == Equality::kSequence;
  return lists && wanted.is_string() && given.is_string() && listed(wanted, column.equality) == listed(given, column.equality);
}

// What a row becomes, of the columns that count; a column that is not there stays as it was.
Json outcome_of(const TableSpec& spec, const Json& row) {
  Json out = Json::object();
  for (const ColumnSpec& column : spec.columns)
    if (column.equality != Equality::kIgnored && row.contains(column.name)) out[column.name] = row[column.name];
  return out;
}

bool is_row(const TableSpec& spec, const Json& wanted, const Json& given) {
  if (wanted.size() != given.size()) return false;
  for (const ColumnSpec& column : spec.columns)
    if (wanted.contains(column.name) != given.contains(column.name) ||
        (wanted.contains(column.name) && !is_cell(column, wanted[column.name], given[column.name])))
      return false;
  return true;
}

bool are_rows(const TableSpec& spec, const Json& wanted, const Json& given, size_t row, std::vector<char>& taken) {
  if (row == wanted.size()) return wanted.size() == given.size();
  for (size_t i = 0; i < given.size(); ++i) {
    if (taken[i] || !is_row(spec, outcome_of(spec, wanted[row]), outcome_of(spec, given[i]))) continue;
    taken[i] = 1;
    if (are_rows(spec, wanted, given, row + 1, taken)) return true;
    taken[i] = 0;
  }
  return false;
}

// Each changed row as its key and what became of it, without what only looks changed. What it was before is the goal's to say.
Json changes_of(const TableSpec& spec, const Json& change, const Json& goal) {
  Json before = Json::object();
  for (const Json& entry : goal.value("changed", Json::array())) before[entry.at("key").dump()] = entry.at("from");
  Json out = Json::object();
  for (const Json& entry : change.value("changed", Json::array())) {
    const std::string key = entry.at("key").dump();
    Json to = outcome_of(spec, entry.at("to")), from = entry.at("from");
    from.update(before.value(key, Json::object()));
    for (const ColumnSpec& column : spec.columns)
      if (to.contains(column.name) && is_cell(column, from.at(column.name), to[column.name])) to.erase(column.name);
    if (!to.empty()) out[key] = std::move(to);
  }
  return out;
}

bool is_change(const TableSpec& spec, const Json& wanted, const Json& given) {
  const Json none = Json::array(), wanted_changes = changes_of(spec, wanted, wanted), changes = changes_of(spec, given, wanted);
  Json wanted_gone = wanted.value("removed", none), gone = given.value("removed", none);
  std::sort(wanted_gone.begin(), wanted_gone.end());
  std::sort(gone.begin(), gone.end());
  if (wanted_gone != gone || wanted_changes.size() != changes.size()) return false;
  for (const auto& [key, row] : wanted_changes.items())
    if (!changes.contains(key) || !is_row(spec, row, changes[key])) return false;
  const Json rows = given.value("added", none);
  std::vector<char> taken(rows.size(), 0);
  return are_rows(spec, wanted.value("added", none), rows, 0, taken);
}

bool is_state(const Json& goal, const Tables& tables, const Json& state) {
  size_t known = 0;
  for (const Table& table : tables.tables) {
    const std::string& name = table.spec.name;
    known += state.contains(name);
    if (!is_change(table.spec, goal.value(name, Json::object()), state.value(name, Json::object()))) return false;
  }
  return known == state.size();
}

// What has not the form of a state, at whatever depth, is none.
bool is_read_as_state(const Json& goal, const Tables& tables, const Json& state) {
  try {
    return state.is_object() && is_state(goal, tables, state);
  } catch (const Json::exception&) {
    return false;
  }
}

}  // namespace

bool is_right_answer(const Task& task, const Environment& environment, std::string_view answer) {
  if (task.goal.is_null() && answer.size() > static_cast<size_t>(task.limits.answer_bytes)) return false;
  const bool by_program = is_program(task.expected);
  if (!by_program && !task.expected.is_null() && is_alone_integer(task.expected, answer)) return true;
  const Result<Json> parsed = parse_json(answer, "the answer");
  if (!parsed.ok()) return false;
  if (!task.goal.is_null()) return is_read_as_state(task.goal, environment.tables, *parsed);
  if (by_program) {
    // A program cannot be read a second time; its tasks have one right answer, as their certificates try to prove.
    const Result<Json> gold = parse_json(task.gold, "the gold");
    return gold.ok() && canonical_json(*gold) == canonical_json(*parsed);
  }
  return task.expected.is_null() ? satisfies(task, environment.tables, *parsed) : is_value(task.expected, *parsed);
}

}  // namespace assay
