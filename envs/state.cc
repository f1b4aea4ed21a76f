#include "envs/state.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace assay {
namespace {

using Row = std::vector<Json>;

Json canonical_cell(const ColumnSpec& column, const Json& value) {
  if (column.type != ColumnType::kDecimal || !value.is_number()) return value;
  const double scaled = std::round(value.get<double>() * static_cast<double>(kPowersOfTen[column.decimals]));
  return std::fabs(scaled) < 9e15 ? number_json(static_cast<int64_t>(scaled), column.decimals) : value;
}

void make_canonical(const TableSpec& spec, Row& row) {
  for (size_t c = 0; c < row.size(); ++c) row[c] = canonical_cell(spec.columns[c], row[c]);
}

Json key_of(const TableSpec& spec, const Row& row) {
  Json out = Json::object();
  for (const std::string& column : spec.key) out[column] = row[static_cast<size_t>(spec.column_index(column))];
  return out;
}

Json whole(const TableSpec& spec, const Row& row) {
  Json out = Json::object();
  for (size_t c = 0; c < row.size(); ++c) out[spec.columns[c].name] = row[c];
  return out;
}

void add(Json& change, const char* kind, Json entry) { change[kind].push_back(std::move(entry)); }

void add_difference(const TableSpec& spec, Json key, const Row& before, const Row& after, Json& change) {
  Json from = Json::object(), to = Json::object();
  for (size_t c = 0; c < before.size(); ++c) {
    if (before[c] == after[c]) continue;
    from[spec.columns[c].name] = before[c];
    to[spec.columns[c].name] = after[c];
  }
  if (!from.empty()) add(change, "changed", {{"key", std::move(key)}, {"from", std::move(from)}, {"to", std::move(to)}});
}

void sort_entries(Json& entries) {
  std::vector<std::pair<std::string, Json>> sorted;
  for (Json& entry : entries) sorted.emplace_back(canonical_json(entry), std::move(entry));
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < sorted.size(); ++i) entries[i] = std::move(sorted[i].second);
}

Json change_of(const TableSpec& spec, std::vector<std::pair<Row, Row>> rows) {
  Json change = Json::object();
  std::map<Json, const Row*> gone;   // rows that were there under a key, and are not in their place any more
  std::vector<const Row*> come;
  for (auto& [before, after] : rows) {
    make_canonical(spec, before);
    make_canonical(spec, after);
    Json key = before.empty() ? Json() : key_of(spec, before);
    if (!before.empty() && !after.empty() && key == key_of(spec, after)) {
      add_difference(spec, std::move(key), before, after, change);
      continue;
    }
    if (!before.empty()) gone[std::move(key)] = &before;
    if (!after.empty()) come.push_back(&after);
  }
  for (const Row* row : come) {
    Json key = key_of(spec, *row);
    const auto found = gone.find(key);
    if (found == gone.end()) {
      add(change, "added", whole(spec, *row));
      continue;
    }
    add_difference(spec, std::move(key), *found->second, *row, change);
    gone.erase(found);
  }
  for (const auto& [key, row] : gone) add(change, "removed", key);
  for (Json& entries : change)
    if (entries.size() > 1) sort_entries(entries);
  return change;
}

}  // namespace

Result<Json> state_change(const Tables& tables, const std::vector<TouchedRow>& touched) {
  Json out = Json::object();
  for (size_t i = 0; i < touched.size();) {
    const Table* table = tables.find(touched[i].table);
    if (!table) return make_error(Boundary::kEnvironment, "the database has a table that the environment does not", "table " + touched[i].table);
    std::vector<std::pair<Row, Row>> rows;
    for (const std::string& name = table->spec.name; i < touched.size() && touched[i].table == name; ++i)
      rows.emplace_back(touched[i].before, touched[i].after);
    Json change = change_of(table->spec, std::move(rows));
    if (!change.empty()) out[table->spec.name] = std::move(change);
  }
  return out;
}

}  // namespace assay
