#include "synth/knowledge.h"

namespace assay {

Knowledge::Knowledge(const std::vector<TableSpec>& schema) {
  for (const TableSpec& spec : schema) tables_.tables.push_back({spec, std::vector<std::vector<int64_t>>(spec.columns.size())});
}

Result<int64_t> Knowledge::cell(int table, int column, const Json& value) {
  const ColumnSpec& spec = tables_.tables[table].spec.columns[column];
  if (value.is_null()) return kNull;
  if (spec.is_number()) return number_from_json(value, spec.decimals);
  if (!value.is_string()) return input_error("expected a string for '" + spec.name + "'");
  const int64_t id = tables_.texts.intern(value.get_ref<const std::string&>());
  if (spec.type == ColumnType::kText) return id;
  const int target = tables_.table_index(spec.references);
  return row_for(target, {{tables_.tables[target].spec.name_column(), id}});  // an entity heard of for the first time
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
        return make_error(Boundary::kTool, "a result does not identify the " + spec.label + ": '" + key + "' is missing", reveal.table);
    row_for(table, cells);
    return {};
  }
  std::vector<int64_t> row(spec.columns.size(), kUnknown);
  for (const auto& [column, value] : cells) row[column] = value;
  if (!relation_rows_.insert({table, row}).second) return {};
  for (size_t c = 0; c < row.size(); ++c) tables_.tables[table].columns[c].push_back(row[c]);
  return {};
}

Status Knowledge::learn(const Reveal& reveal, const Json& arguments, const std::string& result) {
  const int table = tables_.table_index(reveal.table);
  ASSAY_ASSIGN(const Json json, parse_json(result, "result of a tool"));
  const bool list = json.is_array();
  if (list) {
    for (const Json& record : json) ASSAY_TRY(learn_record(reveal, table, arguments, record));
  } else {
    ASSAY_TRY(learn_record(reveal, table, arguments, json));
  }
  const TableSpec& spec = tables_.tables[table].spec;
  if (spec.is_entity() || !reveal.complete || reveal.given.size() != 2) return {};
  std::vector<int32_t> pair;   // in the order of the relation's columns
  for (const ColumnSpec& column : spec.columns)
    if (auto it = reveal.given.find(column.name); it != reveal.given.end()) {
      ASSAY_ASSIGN(const int64_t row, cell(table, spec.column_index(column.name), arguments.value(it->second, Json())));
      pair.push_back(static_cast<int32_t>(row));
    }
  asked_pairs_.insert({table, pair[0], pair[1]});
  return {};
}

}  // namespace assay
