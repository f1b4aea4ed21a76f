#include "synth/fill_plan.h"

#include <algorithm>
#include <numeric>

namespace assay {
namespace {

void clip(const ColumnSpec& spec, std::vector<int64_t>& cells) {
  if (!spec.is_number()) return;
  for (int64_t& cell : cells)
    if (cell != kNull) cell = std::clamp(cell, spec.low, spec.high);
}

bool keys_repeat(const Table& table) {
  if (table.spec.is_entity()) return false;
  std::vector<std::vector<int64_t>> keys(table.size());
  for (const std::string& name : table.spec.key)
    for (int32_t row = 0; row < table.size(); ++row) keys[row].push_back(table.cell(table.spec.column_index(name), row));
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

}  // namespace

Status FillPlan::add(const std::vector<TableSpec>& tables, const Json& vocabularies, const Json& rows,
                     const std::vector<Json>& fills, const std::string& file, const std::string& path) {
  Step step;
  FillSite site{tables, vocabularies, {}, -1};
  ASSAY_ASSIGN(step.rows, compile_row_fill(site, rows, file, path + ".rows"));
  const std::vector<int> made = step.rows->columns();
  site.filled.insert(made.begin(), made.end());
  for (int column = 0; column < static_cast<int>(fills.size()); ++column) {
    const std::string where = path + ".columns[" + std::to_string(column) + "]";
    const bool by_rows = std::find(made.begin(), made.end(), column) != made.end();
    if (by_rows && !fills[column].is_null()) return input_error("\"rows\" fills this column already", file + ": " + where + ".fill");
    if (by_rows) continue;
    if (fills[column].is_null())
      return input_error("missing; nothing fills the column '" + site.table().columns[column].name + "'",
                         file + ": " + where + ".fill", "\"fill\":{\"kind\":…}");
    site.column = column;
    ASSAY_ASSIGN(auto fill, compile_column_fill(site, fills[column], file, where + ".fill"));
    step.columns.emplace_back(column, std::move(fill));
    site.filled.insert(column);
  }
  steps_.push_back(std::move(step));
  return {};
}

Result<Tables> FillPlan::fill(const std::vector<TableSpec>& specs, uint64_t seed) const {
  Tables tables;
  int64_t cell_count = 0;
  tables.tables.reserve(specs.size());
  for (size_t t = 0; t < specs.size(); ++t) {
    tables.tables.push_back({specs[t], {}});
    ASSAY_TRY(fill_last(tables, steps_[t], seed));
    const Table& table = tables.tables.back();
    cell_count += table.size() * static_cast<int64_t>(specs[t].columns.size());
    if (cell_count > kCellLimit) return input_error("the tables have more than " + std::to_string(kCellLimit) + " cells", specs[t].name, "fewer rows");
  }
  return tables;
}

// Chance may draw a relation's key twice; then the whole table is drawn again.
Status FillPlan::fill_last(Tables& tables, const Step& step, uint64_t seed) {
  Table& table = tables.tables.back();
  int32_t texts_seen = tables.texts.size();
  for (int draw = 0; draw < kTableDraws; ++draw) {
    const std::string prefix = table.spec.name + (draw == 0 ? "/" : "/" + std::to_string(draw) + "/");
    table.columns.assign(table.spec.columns.size(), {});
    FillRun run{tables, seed, stream_of(prefix + "rows"), -1};
    ASSAY_ASSIGN(const int32_t count, step.rows->run(run));
    std::vector<int32_t> rows(count);
    std::iota(rows.begin(), rows.end(), 0);
    for (auto& cells : table.columns) cells.resize(count, kNull);
    for (const auto& [column, fill] : step.columns) {
      run.column = column;
      run.stream = stream_of(prefix + table.spec.columns[column].name);
      fill->run(run, rows);
      clip(table.spec.columns[column], run.cells());
      for (; texts_seen < tables.texts.size(); ++texts_seen)
        if (tables.texts.text(texts_seen).size() > kTextBytes)
          return input_error("a text is longer than " + std::to_string(kTextBytes) + " bytes", table.spec.name + "." + table.spec.columns[column].name);
    }
    if (!keys_repeat(table)) return {};
  }
  return input_error("two generated rows have the same key, " + std::to_string(kTableDraws) + " times over", table.spec.name, "let the fills of the key columns differ more");
}

}  // namespace assay
