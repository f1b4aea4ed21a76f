// Tools that tell the truth and do not help: counts, averages, values that occur.
#include <algorithm>

#include "synth/tool_forms.h"
#include "synth/variant.h"

namespace assay::variants::distractors {
namespace {

constexpr size_t kMost = 6;

ToolSpec over_all(const TableSpec& table, const ColumnSpec& column) {
  ToolSpec tool;
  tool.kind = "sql";
  tool.parameters = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}, {"additionalProperties", false}};
  const std::string name = '"' + column.name + '"', from = " FROM \"" + table.name + '"';
  if (column.is_number()) {
    tool.name = "average_" + column.name + "_of_" + table.name;
    tool.description = "Gives the average " + column.label + " of all " + table.plural + (column.unit.empty() ? "." : ", in " + column.unit + ".");
    tool.body = {{"sql", "SELECT round(avg(" + name + "), 2) AS average" + from}, {"returns", "record"}};
  } else {
    tool.name = "values_of_" + column.name + "_of_" + table.name;
    tool.description = "Lists every " + column.label + " that a " + table.label + " may have.";
    tool.body = {{"sql", "SELECT DISTINCT " + name + from + " ORDER BY " + name}, {"returns", "values"}};
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
    if (table.size() < 2) continue;   // the average of one row would tell what it is
    auto count = expand_tool({{"name", "count_" + table.spec.name}, {"form", "count"}, {"table", table.spec.name}}, schema, "variant distractors", "$");
    if (count.ok())
      if (auto spec = tool_spec_from_json(*count, "variant distractors", "$"); spec.ok()) add(std::move(*spec));
    const auto plain = std::find_if(table.spec.columns.begin(), table.spec.columns.end(), [&](const ColumnSpec& column) {
      return column.type != ColumnType::kReference && std::count(table.spec.key.begin(), table.spec.key.end(), column.name) == 0;
    });
    if (plain != table.spec.columns.end()) add(over_all(table.spec, *plain));
  }
  return added > 0;
}

}  // namespace

Variant make() { return {"distractors", "further tools tell the truth and do not help", 5, "", apply, nullptr}; }

}  // namespace assay::variants::distractors
