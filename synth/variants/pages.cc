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

}  // namespace

Variant make() { return {"pages", "lists come in pages", 60, apply}; }

}  // namespace assay::variants::pages
