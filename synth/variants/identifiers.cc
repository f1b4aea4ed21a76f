// The entities of one table are spoken of by number; two tools give names and numbers for each other.
#include <algorithm>

#include "synth/variant.h"
#include "verifiers/constraint.h"

namespace assay::variants::identifiers {
namespace {

constexpr int32_t kMostRows = 9000;   // numbers that there are (envs/tool_kinds/numbered.cc)

bool names(const TableSpec& table, const std::string& column, const std::string& target) {
  const ColumnSpec& spec = table.columns[static_cast<size_t>(table.column_index(column))];
  return (spec.type == ColumnType::kReference && spec.references == target) || (table.name == target && column == table.key[0]);
}

// The parameters of `tool` that are names of `target`.
std::vector<std::string> parameters_naming(const ToolSpec& tool, const std::string& target, const Tables& tables) {
  std::vector<std::string> out;
  if (tool.effect != ToolEffect::kRead || tool.reveals.size() != 1) return out;
  const Table* table = tables.find(tool.reveals[0].table);
  for (const auto& [column, parameter] : tool.reveals[0].given)
    if (table && names(table->spec, column, target)) out.push_back(parameter);
  return out;
}

// A row that a tool adds would have no number.
bool is_written(const std::string& table, const std::vector<ToolSpec>& tools) {
  return std::any_of(tools.begin(), tools.end(), [&](const ToolSpec& tool) {
    const Json writes = tool.effect == ToolEffect::kWrite ? tool.body.value("writes", Json::array()) : Json::array();
    return std::find(writes.begin(), writes.end(), Json(table)) != writes.end();
  });
}

// The table that most parameters name.
const TableSpec* chosen_table(const std::vector<ToolSpec>& tools, const Tables& tables) {
  const TableSpec* best = nullptr;
  size_t most = 0;
  for (const Table& table : tables.tables) {
    if (!table.spec.is_entity() || table.spec.key.size() != 1 || table.size() > kMostRows || is_written(table.spec.name, tools)) continue;
    size_t uses = 0;
    for (const ToolSpec& tool : tools) uses += parameters_naming(tool, table.spec.name, tables).size();
    if (uses <= most) continue;
    most = uses;
    best = &table.spec;
  }
  return best;
}

ToolSpec numbered(const ToolSpec& tool, const TableSpec& target, const Tables& tables) {
  const Reveal& reveal = tool.reveals[0];
  const TableSpec& table = tables.at(reveal.table).spec;
  Json parameters = Json::object(), members = Json::array();
  for (const std::string& parameter : parameters_naming(tool, target.name, tables)) parameters[parameter + "_number"] = parameter;
  for (const auto& [column, member] : reveal.columns)
    if (names(table, column, target.name)) members.push_back(member);
  if (parameters.empty() && members.empty()) return tool;
  ToolSpec made = made_from(tool, "numbered", {{"table", target.name}, {"parameters", parameters}, {"members", members}, {"named", table.name == target.name}});
  for (const auto& [ours, theirs] : parameters.items()) {
    made.parameters["properties"].erase(theirs.get<std::string>());
    made.parameters["properties"][ours] = {{"type", "string"}, {"description", "Number of the " + target.label + ", such as #1234"}};
    for (Json& required : made.parameters["required"])
      if (required == theirs) required = ours;
    for (auto& [column, parameter] : made.reveals[0].given)
      if (parameter == theirs) parameter = ours;
  }
  // "name (title)" gives no title any more.
  const std::string& label = target.columns[static_cast<size_t>(target.name_column())].label;
  for (const Json& member : members)
    if (const size_t at = made.description.find(member.get<std::string>() + " (" + label + ")"); at != std::string::npos)
      made.description.replace(at + member.get_ref<const std::string&>().size() + 2, label.size(), "number");
  if (!members.empty()) made.description += " Every " + target.label + " is given by its number.";
  return made;
}

ToolSpec look_up(const TableSpec& target, const std::string& gives) {
  const bool number = gives == "number";
  ToolSpec tool;
  tool.name = number ? "find_" + target.name + "_number" : "get_" + target.name + "_name";
  tool.kind = "numbered";
  tool.description = "Gives the " + gives + " of " + with_article(target.label) + " by its " + (number ? "name." : "number.");
  const std::string parameter = number ? target.name : target.name + "_number";
  tool.parameters = {{"type", "object"}, {"properties", {{parameter, {{"type", "string"}, {"description", number ? "Name of the " + target.label : "Number of the " + target.label + ", such as #1234"}}}}},
                     {"required", {parameter}}, {"additionalProperties", false}};
  tool.body = {{"table", target.name}, {"gives", gives}, {"parameter", parameter}};
  return tool;
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  const TableSpec* target = chosen_table(tools, tables);
  if (!target) return false;
  for (ToolSpec& tool : tools)
    if (tool.effect == ToolEffect::kRead && tool.reveals.size() == 1) tool = numbered(tool, *target, tables);
  tools.push_back(look_up(*target, "number"));
  tools.push_back(look_up(*target, "name"));
  return true;
}

}  // namespace

Variant make() { return {"identifiers", "entities are spoken of by number, and names must be looked up", 20, apply}; }

}  // namespace assay::variants::identifiers
