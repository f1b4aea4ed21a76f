// Lists come in pages.
#include "synth/variant.h"

namespace assay::variants::pages {
namespace {

constexpr int kRows = 8;

bool apply(std::vector<ToolSpec>& tools, const Tables&) {
  bool changed = false;
  for (ToolSpec& tool : tools) {
    if (!only_reveal(tool) || !returns_list(tool) || !parameter_type(tool.parameters, "page").empty()) continue;
    tool = made_from(tool, "paged", {{"rows", kRows}});
    tool.parameters["properties"]["page"] = {{"type", "integer"}, {"description", "Which page; the first unless given"}};
    tool.description += " The list comes in pages of " + std::to_string(kRows) + ".";
    changed = true;
  }
  return changed;
}

Result<Observation> undo(const UndoneCall& call) {
  Json items = Json::array(), asked = call.arguments;
  for (int64_t page = 1, pages = 1; page <= pages; ++page) {
    asked["page"] = page;
    ASSAY_ASSIGN(Observation seen, call_tool(call.after, call.made[0]->name, asked));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const Json part, parse_json(seen.text, call.tool.name));
    pages = part.value("pages", int64_t{1});
    for (const Json& item : part.value("items", Json::array())) items.push_back(item);
  }
  return Observation{items.dump()};
}

}  // namespace

Variant make() { return {"pages", "lists come in pages", 60, "paged", apply, undo}; }

}  // namespace assay::variants::pages
