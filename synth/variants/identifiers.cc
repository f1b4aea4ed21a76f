// The entities of one table are spoken of by number; two tools give names and numbers for each other.
#include <map>

#include "synth/variant.h"

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

// The table that most parameters name.
const TableSpec* chosen_table(const std::vector<ToolSpec>& tools, const Tables& tables) {
  const TableSpec* best = nullptr;
  size_t most = 0;
  for (const Table& table : tables.tables) {
    if (!table.spec.is_entity() || table.spec.key.size() != 1 || table.size() > kMostRows) continue;
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
  if (!members.empty()) made.description += " Every " + target.label + " is given by its number.";
  return made;
}

ToolSpec look_up(const TableSpec& target, const std::string& gives) {
  const bool number = gives == "number";
  ToolSpec tool;
  tool.name = number ? "find_" + target.name + "_number" : "get_" + target.name + "_name";
  tool.kind = "numbered";
  tool.description = "Gives the " + gives + " of a " + target.label + " by its " + (number ? "name." : "number.");
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

// What the look-up tool that gives `gives` says of `value`; an Observation with `error` when it knows nothing of it.
Result<Observation> looked_up(Tools& after, const std::string& gives, const std::string& value) {
  for (const ToolSpec& tool : after.specs()) {
    if (tool.kind != "numbered" || tool.body.value("gives", "") != gives) continue;
    ASSAY_ASSIGN(Observation seen, call_tool(after, tool.name, {{tool.body.at("parameter").get<std::string>(), value}}));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const Json found, parse_json(seen.text, tool.name));
    return Observation{found.value(gives, "")};
  }
  return make_error(Boundary::kTool, "no tool looks up a " + gives, "variant identifiers");
}

Status restore(Tools& after, Json& value) {
  if (value.is_object()) value = value.value("name", Json());
  if (!value.is_string() || !value.get_ref<const std::string&>().starts_with("#")) return {};
  ASSAY_ASSIGN(const Observation name, looked_up(after, "name", value.get<std::string>()));
  if (!name.error) value = name.text;
  return {};
}

Result<Observation> undo(const UndoneCall& call) {
  const ToolSpec& made = *call.made[0];
  Json asked = call.arguments;
  for (const auto& [ours, theirs] : made.body.at("parameters").items()) {
    const std::string parameter = theirs.get<std::string>();
    if (!asked.contains(parameter)) continue;
    ASSAY_ASSIGN(const Observation number, looked_up(call.after, "number", asked[parameter].get<std::string>()));
    if (number.error) return number;
    asked.erase(parameter);
    asked[ours] = number.text;
  }
  ASSAY_ASSIGN(Observation seen, call_tool(call.after, made.name, asked));
  const Json members = made.body.at("members");
  if (seen.error || members.empty()) return seen;
  ASSAY_ASSIGN(Json result, parse_json(seen.text, made.name));
  const auto restore_item = [&](Json& item) -> Status {
    for (const Json& member : members) {
      if (member == "") {
        ASSAY_TRY(restore(call.after, item));
      } else if (item.is_object() && item.contains(member.get<std::string>())) {
        ASSAY_TRY(restore(call.after, item[member.get<std::string>()]));
      }
    }
    return {};
  };
  if (!result.is_array()) {
    ASSAY_TRY(restore_item(result));
  } else {
    for (Json& item : result) ASSAY_TRY(restore_item(item));
  }
  return Observation{result.dump()};
}

}  // namespace

Variant make() { return {"identifiers", "entities are spoken of by number, and names must be looked up", 20, "numbered", apply, undo}; }

}  // namespace assay::variants::identifiers
