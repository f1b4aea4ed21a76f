#include "synth/knowledge.h"

#include <algorithm>

namespace assay {

Knowledge::Knowledge(const std::vector<TableSpec>& schema) {
  for (const TableSpec& spec : schema) tables_.tables.push_back({spec, std::vector<std::vector<int64_t>>(spec.columns.size())});
}

Result<int64_t> Knowledge::cell(int table, int column, const Json& value) {
  const ColumnSpec& spec = tables_.tables[table].spec.columns[column];
  if (value.is_null()) return kNull;
  if (spec.is_number()) return number_from_json(value, spec.decimals);
  if (!value.is_string()) return input_error("expected a string for '" + spec.name + "'");
  const std::string& text = value.get_ref<const std::string&>();
  if (spec.type == ColumnType::kText) return tables_.texts.intern(text);
  return hear_of(tables_.table_index(spec.references), text);   // an entity heard of for the first time
}

int32_t Knowledge::row_for(int table, const std::map<int, int64_t>& cells) {
  Table& t = tables_.tables[table];
  const int scope = t.spec.scope_column();
  const auto key = std::tuple(table, cells.at(t.spec.name_column()), scope < 0 ? -1 : cells.at(scope));
  auto [it, fresh] = rows_.try_emplace(key, t.size());
  if (fresh)
    for (auto& column : t.columns) column.push_back(kUnknown);
  for (const auto& [column, value] : cells) t.columns[column][it->second] = value;
  return it->second;
}

Status Knowledge::learn_record(const Reveal& reveal, int table, const Json& arguments, const Json& record) {
  const TableSpec& spec = tables_.tables[table].spec;
  std::map<int, int64_t> cells;
  for (const auto& [column, parameter] : reveal.given) {
    ASSAY_ASSIGN(cells[spec.column_index(column)], cell(table, spec.column_index(column), arguments.value(parameter, Json())));
  }
  for (const auto& [column, member] : reveal.columns) {
    if (!member.empty() && (!record.is_object() || !record.contains(member))) continue;   // a keyword that was not asked for
    const Json& value = member.empty() ? record : record[member];
    ASSAY_ASSIGN(cells[spec.column_index(column)], cell(table, spec.column_index(column), value));
  }
  if (spec.is_entity()) {
    for (const std::string& key : spec.key)
      if (!cells.count(spec.column_index(key)))
        return input_error("a result does not identify the " + spec.label + ": '" + key + "' is missing");
    row_for(table, cells);
    return {};
  }
  add_relation_row(table, cells);
  return {};
}

// What two tools say of one row, each in part, is one row. Keys of relations are not promised to be unique: rows of one key
// that differ are told apart by all of their cells.
void Knowledge::add_relation_row(int table, const std::map<int, int64_t>& cells) {
  Table& t = tables_.tables[table];
  std::vector<int64_t> key, all(t.spec.columns.size(), kUnknown);
  for (const auto& [column, value] : cells) all[column] = value;
  for (const std::string& name : t.spec.key) key.push_back(all[t.spec.column_index(name)]);
  const bool keyed = std::find(key.begin(), key.end(), kUnknown) == key.end();
  auto [it, fresh] = relation_rows_.try_emplace({table, keyed ? std::move(key) : all}, t.size());
  const auto differs = [&](const auto& cell) { return t.cell(cell.first, it->second) != kUnknown && t.cell(cell.first, it->second) != cell.second; };
  if (!fresh && std::any_of(cells.begin(), cells.end(), differs)) std::tie(it, fresh) = relation_rows_.try_emplace({table, std::move(all)}, t.size());
  if (fresh)
    for (auto& column : t.columns) column.push_back(kUnknown);
  for (const auto& [column, value] : cells) t.columns[column][it->second] = value;
}

int32_t Knowledge::hear_of(int table, std::string_view name, int32_t scope) {
  const TableSpec& spec = tables_.tables[table].spec;
  std::map<int, int64_t> cells{{spec.name_column(), tables_.texts.intern(name)}};
  if (spec.scope_column() >= 0) cells[spec.scope_column()] = scope;
  return row_for(table, cells);
}

Status Knowledge::learn(const Reveal& reveal, const Json& arguments, const std::string& result) {
  if (!reveal.counts.empty()) return {};   // says something of no single row
  const Status taken = learn_result(reveal, tables_.table_index(reveal.table), arguments, result);
  return taken.ok() ? taken : make_error(Boundary::kTool, taken.error().what, reveal.table);
}

Status Knowledge::learn_result(const Reveal& reveal, int table, const Json& arguments, const std::string& result) {
  ASSAY_ASSIGN(const Json json, parse_json(result, "result of a tool"));
  const bool list = json.is_array();
  if (list) {
    for (const Json& record : json) ASSAY_TRY(learn_record(reveal, table, arguments, record));
  } else {
    ASSAY_TRY(learn_record(reveal, table, arguments, json));
  }
  const TableSpec& spec = tables_.tables[table].spec;
  if (spec.is_entity() || !reveal.complete) return {};
  std::vector<std::pair<int, int32_t>> given;   // (column, entity)
  for (const auto& [name, parameter] : reveal.given) {
    const int column = spec.column_index(name);
    if (spec.columns[column].type != ColumnType::kReference) return {};
    ASSAY_ASSIGN(const int64_t row, cell(table, column, arguments.value(parameter, Json())));
    given.emplace_back(column, static_cast<int32_t>(row));
  }
  if (given.size() == 1) asked_.insert(Fact::rows(table, given[0].first, given[0].second));
  if (given.size() == 2) asked_.insert(Fact::rows(table, given[0].first, given[0].second, given[1].first, given[1].second));
  return {};
}

}  // namespace assay
