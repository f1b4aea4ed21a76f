// All that can be asked about one table goes through one tool.
#include <algorithm>
#include <map>
#include <optional>

#include "synth/variant.h"

namespace assay::variants::coarse {
namespace {

// Each request has words of its own; its own parameters are checked once more behind the menu.
void widen(Json& property, const Json& other) {
  if (property.contains("items") && other.contains("items")) widen(property["items"], other["items"]);
  if (!property.contains("enum") || !other.contains("enum")) {
    property.erase("enum");
  } else {
    for (const Json& word : other["enum"])
      if (std::find(property["enum"].begin(), property["enum"].end(), word) == property["enum"].end()) property["enum"].push_back(word);
  }
  const std::string said = property.value("description", ""), more = other.value("description", "");
  if (said.find(more) == std::string::npos) property["description"] = said + "; or: " + more;
}

// One tool for `tools`, unless their parameters contradict each other.
std::optional<ToolSpec> menu_of(const std::vector<ToolSpec>& tools, const std::string& about) {
  ToolSpec menu;
  menu.name = "ask_about_" + about;
  menu.kind = "menu";
  Json specs = Json::array(), names = Json::array(), properties = Json::object();
  for (const ToolSpec& tool : tools) {
    names.push_back(tool.name);
    specs.push_back(to_json(tool));
    std::string needs;
    const Json own = tool.parameters.value("properties", Json::object());
    for (const auto& [name, schema] : own.items()) {
      if (name == "request" || (properties.contains(name) && properties[name].value("type", "") != schema.value("type", ""))) return std::nullopt;
      Json& property = properties[name];
      if (property.is_null()) property = schema;
      else widen(property, schema);
      needs += (needs.empty() ? "" : ", ") + name;
    }
    menu.description += (menu.description.empty() ? "" : "\n") + tool.name + " (" + (needs.empty() ? "no further arguments" : needs) + "): " + tool.description;
  }
  menu.description = "Answers requests:\n" + menu.description;
  properties["request"] = {{"type", "string"}, {"description", "What is asked"}, {"enum", names}};
  menu.parameters = {{"type", "object"}, {"properties", properties}, {"required", {"request"}}, {"additionalProperties", false}};
  menu.body = {{"tools", specs}};
  return menu;
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  std::map<std::string, std::vector<ToolSpec>> about;   // table -> tools
  for (const ToolSpec& tool : tools)
    if (tool.effect == ToolEffect::kRead && tool.reveals.size() == 1) about[tool.reveals[0].table].push_back(tool);
  bool changed = false;
  for (const Table& table : tables.tables) {
    const auto group = about.find(table.spec.name);
    if (group == about.end() || group->second.size() < 2) continue;
    auto menu = menu_of(group->second, table.spec.name);
    if (!menu) continue;
    std::erase_if(tools, [&](const ToolSpec& tool) { return tool.effect == ToolEffect::kRead && tool.reveals.size() == 1 && tool.reveals[0].table == table.spec.name; });
    tools.insert(tools.begin(), std::move(*menu));
    changed = true;
  }
  return changed;
}

}  // namespace

Variant make() { return {"coarse", "all that can be asked about one table goes through one tool", 70, apply, {"fine"}}; }

}  // namespace assay::variants::coarse
