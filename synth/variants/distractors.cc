// Tools that tell the truth and do not help: how many there are, between which bounds a number may lie, which words occur.
#include <algorithm>
#include <set>

#include "synth/tool_forms.h"
#include "synth/variant.h"
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

namespace assay::variants::distractors {
namespace {

constexpr size_t kMost = 6;
constexpr size_t kMostWords = 40;

// A number whose declared range is all there is.
bool is_bounded(const ColumnSpec& column) { return column.is_number() && column.low > ColumnSpec().low && column.high < ColumnSpec().high; }

bool has_few_words(const Table& table, size_t column) {
  if (table.spec.columns[column].type != ColumnType::kText) return false;
  return std::set<int64_t>(table.columns[column].begin(), table.columns[column].end()).size() <= kMostWords;
}

// About one column of all rows: what is public, or so little that no question is answered by it. (An average might answer one.)
ToolSpec over_all(const TableSpec& table, const ColumnSpec& column) {
  ToolSpec tool;
  tool.kind = "sql";
  tool.parameters = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}, {"additionalProperties", false}};
  if (column.is_number()) {
    tool.name = "range_of_" + column.name + "_of_" + table.name;
    tool.description = "Gives the lowest and the highest " + column.label + " that " + with_article(table.label) + " may have" + (column.unit.empty() || says_unit(column) ? "." : ", in " + column.unit + ".");
    tool.body = {{"sql", "SELECT " + number_text(column.low, column.decimals) + " AS lowest, " + number_text(column.high, column.decimals) + " AS highest"}, {"returns", "record"}};
  } else {
    const std::string name = '"' + column.name + '"';
    tool.name = "values_of_" + column.name + "_of_" + table.name;
    tool.description = "Lists every " + column.label + " that occurs among the " + table.plural + ".";
    tool.body = {{"sql", "SELECT DISTINCT " + name + " FROM \"" + table.name + "\" WHERE " + name + " IS NOT NULL ORDER BY " + name}, {"returns", "values"}};
  }
  return tool;
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  size_t added = 0;
  const auto add = [&](ToolSpec tool) {
    if (added == kMost || std::any_of(tools.begin(), tools.end(), [&](const ToolSpec& other) { return other.name == tool.name; })) return;
    tools.push_back(std::move(tool));
    ++added;
  };
  std::vector<TableSpec> schema;
  for (const Table& table : tables.tables) schema.push_back(table.spec);
  for (const Table& table : tables.tables) {
    if (table.size() < 2) continue;   // the words of one row would tell what it is
    auto count = expand_tool({{"name", "count_" + table.spec.name}, {"form", "count"}, {"table", table.spec.name}}, schema, {}, "variant distractors", "$");
    if (count.ok())
      if (auto spec = tool_spec_from_json(*count, "variant distractors", "$"); spec.ok()) add(std::move(*spec));
    for (size_t c = 0; c < table.spec.columns.size(); ++c) {
      const ColumnSpec& column = table.spec.columns[c];
      const bool key = std::count(table.spec.key.begin(), table.spec.key.end(), column.name) > 0;
      if (key || (!is_bounded(column) && !has_few_words(table, c))) continue;
      add(over_all(table.spec, column));
      break;
    }
  }
  return added > 0;
}

}  // namespace

Variant make() { return {"distractors", "further tools tell the truth and do not help", 5, apply}; }

}  // namespace assay::variants::distractors
