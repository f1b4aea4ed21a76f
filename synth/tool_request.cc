#include "synth/tool_request.h"

#include <algorithm>

namespace assay {

bool is_keyword_list(const Json& property) {
  return property.value("type", "") == "array" && property.contains("items") && property["items"].contains("enum");
}

bool usable(const ToolSpec& tool, const Reveal& reveal) {
  if (tool.effect != ToolEffect::kRead) return false;
  const auto required = tool.parameters.find("required"), properties = tool.parameters.find("properties");
  if (required == tool.parameters.end()) return true;
  return std::all_of(required->begin(), required->end(), [&](const Json& name) {
    if (std::any_of(reveal.given.begin(), reveal.given.end(), [&](const auto& pair) { return Json(pair.second) == name; })) return true;
    if (properties == tool.parameters.end()) return false;
    const auto property = properties->find(name.get_ref<const std::string&>());
    return property != properties->end() && is_keyword_list(*property);
  });
}

bool applies(const Reveal& reveal, const Json& arguments) {
  return std::all_of(reveal.given.begin(), reveal.given.end(), [&](const auto& pair) { return arguments.contains(pair.second); });
}

void ask_for(const std::set<int>& columns, const TableSpec& spec, ToolRequest& request) {
  const auto properties = request.tool->parameters.find("properties");
  if (properties == request.tool->parameters.end()) return;
  for (const auto& [name, property] : properties->items()) {
    if (request.arguments.contains(name) || !is_keyword_list(property)) continue;
    Json& list = request.arguments[name] = Json::array();
    for (const auto& [column, member] : request.reveal->columns)
      if (columns.count(spec.column_index(column)))
        for (const Json& word : property["items"]["enum"])
          if (word == member) list.push_back(word);
  }
}

}  // namespace assay
