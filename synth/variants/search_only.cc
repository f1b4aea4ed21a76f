// Names cannot be listed, only searched by how they begin.
#include <algorithm>

#include "synth/variant.h"

namespace assay::variants::search_only {
namespace {

constexpr int kMost = 12;

// The member of each item that is the entity's name, or nothing.
std::optional<std::string> name_member(const ToolSpec& tool, const Tables& tables) {
  const Reveal* reveal = only_reveal(tool);
  const Table* table = reveal ? tables.find(reveal->table) : nullptr;
  if (!table || !table->spec.is_entity() || !reveal->complete || !returns_list(tool)) return std::nullopt;
  const auto name = reveal->columns.find(table->spec.key[0]);
  if (name == reveal->columns.end()) return std::nullopt;
  const Json numbers = tool.kind == "numbered" ? tool.body.value("members", Json::array()) : Json::array();
  return std::count(numbers.begin(), numbers.end(), Json(name->second)) > 0 ? std::nullopt : std::optional(name->second);
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

Status collect(const UndoneCall& call, const std::string& beginning, Json& items, Observation& failed) {
  Json asked = call.arguments;
  asked["beginning"] = beginning;
  ASSAY_ASSIGN(Observation seen, call_tool(call.after, call.made[0]->name, asked));
  if (seen.error) {
    failed = std::move(seen);
    return {};
  }
  ASSAY_ASSIGN(const Json found, parse_json(seen.text, call.tool.name));
  for (const Json& item : found.value("matches", Json::array())) items.push_back(item);
  for (const Json& longer : found.value("longer", Json::array())) ASSAY_TRY(collect(call, longer.get<std::string>(), items, failed));
  return {};
}

Result<Observation> undo(const UndoneCall& call) {
  Json items = Json::array();
  Observation failed;
  ASSAY_TRY(collect(call, "", items, failed));
  return failed.error ? failed : Observation{items.dump()};
}

}  // namespace

Variant make() { return {"search_only", "names cannot be listed, only searched by how they begin", 50, "by_beginning", apply, undo}; }

}  // namespace assay::variants::search_only
