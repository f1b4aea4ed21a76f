// Names cannot be listed, only searched by how they begin.
#include <algorithm>
#include <optional>

#include "synth/variant.h"

namespace assay::variants::search_only {
namespace {

constexpr int kMost = 12;

// Whether this member was a name once, and another variant made it a number.
bool gives_numbers(const Json& tool, const std::string& member) {
  const Json& body = tool.at("body");
  if (tool.at("kind") == "numbered") {
    const Json members = body.value("members", Json::array());
    if (std::find(members.begin(), members.end(), Json(member)) != members.end()) return true;
  }
  return body.is_object() && body.contains("tool") && gives_numbers(body["tool"], member);
}

// The member of each item that is the entity's name, or nothing.
std::optional<std::string> name_member(const ToolSpec& tool, const Tables& tables) {
  const Reveal* reveal = only_reveal(tool);
  const Table* table = reveal ? tables.find(reveal->table) : nullptr;
  if (!table || !table->spec.is_entity() || !reveal->complete || !returns_list(tool)) return std::nullopt;
  const auto name = reveal->columns.find(table->spec.key[0]);
  if (name == reveal->columns.end()) return std::nullopt;
  return gives_numbers(to_json(tool), name->second) ? std::nullopt : std::optional(name->second);
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  bool changed = false;
  for (ToolSpec& tool : tools) {
    const auto member = name_member(tool, tables);
    if (!member || !parameter_type(tool.parameters, "beginning").empty()) continue;
    tool = made_from(tool, "by_beginning", {{"member", *member}, {"most", kMost}});
    tool.parameters["properties"]["beginning"] = {{"type", "string"}, {"description", "How the names begin, exactly; \"\" for all, if they are not too many"}};
    tool.parameters["required"].push_back("beginning");
    tool.description += " Only those whose names begin as given; when more than " + std::to_string(kMost) + " do, longer beginnings are named instead.";
    changed = true;
  }
  return changed;
}

}  // namespace

Variant make() { return {"search_only", "names cannot be listed, only searched by how they begin", 50, apply}; }

}  // namespace assay::variants::search_only
