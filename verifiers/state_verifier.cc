#include "verifiers/state_verifier.h"

#include <algorithm>
#include <cmath>

#include "verifiers/bag.h"

namespace assay {
namespace {

constexpr size_t kShown = 200;
const Json kNothing = Json::object(), kNone = Json::array();

std::string shown(const Json& value) {
  std::string text = canonical_json(value);
  if (text.size() <= kShown) return text;
  size_t end = kShown;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

const Json& member(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() ? kNone : *it;
}

std::vector<std::string> items_of(const std::string& text) {
  constexpr const char* kSpace = " \t\r\n";
  std::vector<std::string> out;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const size_t first = text.find_first_not_of(kSpace, at);
    if (first < end) out.push_back(text.substr(first, text.find_last_not_of(kSpace, end - 1) - first + 1));
    at = end + 1;
  }
  return out;
}

bool same_list(Equality equality, const std::string& left, const std::string& right) {
  std::vector<std::string> a = items_of(left), b = items_of(right);
  if (equality != Equality::kSequence) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
  }
  if (equality == Equality::kSet) {
    a.erase(std::unique(a.begin(), a.end()), a.end());
    b.erase(std::unique(b.begin(), b.end()), b.end());
  }
  return a == b;
}

bool same_row(const TableSpec& spec, const Json& left, const Json& right) {
  return std::all_of(spec.columns.begin(), spec.columns.end(), [&](const ColumnSpec& column) {
    if (column.equality == Equality::kIgnored) return true;
    const auto a = left.find(column.name), b = right.find(column.name);
    return a != left.end() && b != right.end() && same_cell(column, *a, *b);
  });
}

// Whether a changed row comes out the same as in `other`, an entry of the same key, or null: then it stayed as it was.
bool same_result(const TableSpec& spec, const Json& entry, const Json* other) {
  for (const auto& [name, value] : entry.at("to").items()) {
    const ColumnSpec& column = spec.columns[static_cast<size_t>(spec.column_index(name))];
    if (column.equality == Equality::kIgnored) continue;
    const Json* there = nullptr;
    if (other) {
      const auto it = other->at("to").find(name);
      if (it != other->at("to").end()) there = &*it;
    }
    if (!same_cell(column, value, there ? *there : entry.at("from").at(name))) return false;
  }
  return true;
}

const Json* with_key(const Json& entries, const Json& key) {
  for (const Json& entry : entries)
    if (entry.at("key") == key) return &entry;
  return nullptr;
}

// ---- The form of a change, from outside or from a file ----

bool has_columns(const TableSpec& spec, const Json& row, bool all) {
  if (!row.is_object() || row.empty() || (all && row.size() != spec.columns.size())) return false;
  for (const auto& [name, value] : row.items())
    if (spec.column_index(name) < 0 || value.is_structured()) return false;
  return true;
}

bool is_key(const TableSpec& spec, const Json& key) {
  return key.is_object() && key.size() == spec.key.size() &&
         std::all_of(spec.key.begin(), spec.key.end(), [&](const std::string& name) { return key.contains(name) && !key[name].is_structured(); });
}

bool is_difference(const TableSpec& spec, const Json& entry) {
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("key") || !entry.contains("from") || !entry.contains("to")) return false;
  const Json &from = entry["from"], &to = entry["to"];
  if (!is_key(spec, entry["key"]) || !has_columns(spec, from, false) || !has_columns(spec, to, false) || from.size() != to.size()) return false;
  return std::all_of(to.items().begin(), to.items().end(), [&](const auto& item) { return from.contains(item.key()); });
}

// Whether a row stands among the entries twice; `key` is the member that names it, null where the entry itself does.
bool has_repeats(const Json& entries, const char* key) {
  std::vector<Json> rows;
  for (const Json& entry : entries) rows.push_back(key ? entry[key] : entry);
  std::sort(rows.begin(), rows.end());
  return std::adjacent_find(rows.begin(), rows.end()) != rows.end();
}

bool is_change(const TableSpec& spec, const Json& change) {
  if (!change.is_object()) return false;
  for (const auto& [kind, entries] : change.items()) {
    if (!entries.is_array() || (kind != "added" && kind != "removed" && kind != "changed")) return false;
    for (const Json& entry : entries)
      if (!(kind == "added" ? has_columns(spec, entry, true) : kind == "removed" ? is_key(spec, entry) : is_difference(spec, entry))) return false;
    if (entries.size() > 1 && kind != "added" && has_repeats(entries, kind == "changed" ? "key" : nullptr)) return false;
  }
  return true;
}

}  // namespace

bool same_cell(const ColumnSpec& column, const Json& left, const Json& right) {
  switch (column.equality) {
    case Equality::kExact: return left == right;
    case Equality::kIgnored: return true;
    case Equality::kTolerance:
      if (!left.is_number() || !right.is_number()) return left == right;
      // A hair more than the tolerance: 0.3 and 0.2 are 0.1 apart.
      return std::fabs(left.get<double>() - right.get<double>()) <= column.tolerance * (1 + 1e-9) + 1e-12;
    default:
      if (!left.is_string() || !right.is_string()) return left == right;
      return same_list(column.equality, left.get_ref<const std::string&>(), right.get_ref<const std::string&>());
  }
}

std::string StateVerifier::difference(const TableSpec& spec, const Json& goal, const Json& change) {
  if (goal.empty() && change.empty()) return "";
  const Json &wanted_gone = member(goal, "removed"), &gone = member(change, "removed");
  for (const Json& key : gone)
    if (std::find(wanted_gone.begin(), wanted_gone.end(), key) == wanted_gone.end()) return "was removed and should not have been: " + shown(key);
  if (gone.size() != wanted_gone.size()) return "a row should have been removed and was not";

  const Json &wanted = member(goal, "changed"), &changed = member(change, "changed");
  for (const Json& entry : changed)
    if (!same_result(spec, entry, with_key(wanted, entry.at("key")))) return "should not have become what it is: " + shown(entry);
  for (const Json& entry : wanted)
    if (!same_result(spec, entry, with_key(changed, entry.at("key")))) return "a row should have been changed and was not, or not enough";

  const Json &wanted_rows = member(goal, "added"), &rows = member(change, "added");
  if (rows.size() < wanted_rows.size()) return "a row should have been added and was not";
  const auto same = [&](size_t i, size_t j) { return same_row(spec, wanted_rows[i], rows[j]); };
  if (rows.size() == wanted_rows.size() && same_bag(rows.size(), same)) return "";
  for (size_t j = 0; j < rows.size(); ++j) {
    bool expected = false;
    for (size_t i = 0; i < wanted_rows.size(); ++i) expected |= same(i, j);
    if (!expected) return "was added and should not have been: " + shown(rows[j]);
  }
  return rows.size() == wanted_rows.size() ? "not the rows that should have been added" : "was added too often: " + shown(rows.back());
}

Result<std::unique_ptr<StateVerifier>> StateVerifier::create(const Json& goal, const Tables& tables, const std::string& where) {
  auto verifier = std::unique_ptr<StateVerifier>(new StateVerifier());
  if (!goal.is_object()) return input_error("a goal is an object of tables", where + ": $.goal");
  for (const Table& table : tables.tables) {
    const auto it = goal.find(table.spec.name);
    if (it != goal.end() && !is_change(table.spec, *it)) return input_error("not the form of a change of this table", where + ": $.goal." + table.spec.name);
    verifier->tables_.push_back({table.spec, it == goal.end() ? kNothing : *it});
  }
  for (const auto& [name, change] : goal.items())
    if (!tables.find(name)) return input_error("no table is named '" + name + "'", where + ": $.goal");
  return verifier;
}

bool StateVerifier::holds(const Json& state) const {
  if (!state.is_object()) return false;
  size_t known = 0;
  for (const TableGoal& table : tables_) {
    const auto it = state.find(table.spec.name);
    if (it == state.end() && table.change.empty()) continue;
    const Json& change = it == state.end() ? kNothing : *it;
    known += it != state.end();
    if (!is_change(table.spec, change) || !difference(table.spec, table.change, change).empty()) return false;
  }
  return known == state.size();
}

Verdict StateVerifier::judge(const Outcome& outcome) const {
  Verdict verdict;
  verdict.verifier = kStateVerifierName;
  verdict.passed = true;
  const auto add = [&](std::string name, std::string problem) {
    verdict.passed &= problem.empty();
    verdict.checks.push_back({std::move(name), problem.empty(), std::move(problem)});
  };
  const Json& state = outcome.state.is_object() ? outcome.state : kNothing;
  std::string unreadable = outcome.state.is_object() ? "" : "there is no state to judge", collateral;
  size_t known = 0;
  for (const TableGoal& table : tables_) {
    const auto it = state.find(table.spec.name);
    known += it != state.end();
    if (it != state.end() && !is_change(table.spec, *it)) unreadable = "not the form of a change: " + table.spec.name;
  }
  if (known != state.size()) unreadable = "it has tables that are not the environment's";
  const bool readable = unreadable.empty();
  add("state", std::move(unreadable));
  for (const TableGoal& table : tables_) {
    const auto it = state.find(table.spec.name);
    if (it == state.end() && table.change.empty()) continue;
    std::string problem = readable ? difference(table.spec, table.change, it == state.end() ? kNothing : *it) : "not judged: the state cannot be read";
    if (!table.change.empty()) add("state." + table.spec.name, std::move(problem));
    else if (collateral.empty() && !problem.empty()) collateral = table.spec.name + ": " + problem;
  }
  add("collateral", std::move(collateral));
  verdict.reward = verdict.passed ? 1 : 0;
  return verdict;
}

}  // namespace assay
