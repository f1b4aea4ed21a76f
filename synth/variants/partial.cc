// Some records have gaps and say so; another tool leaves nothing out.
#include <algorithm>

#include "synth/variant.h"

namespace assay::variants::partial {
namespace {

constexpr int kPercent = 30;

// The members that do not say which row it is.
Json members_beside_the_key(const Reveal& reveal, const TableSpec& table) {
  Json out = Json::array();
  for (const auto& [column, member] : reveal.columns)
    if (!member.empty() && std::find(table.key.begin(), table.key.end(), column) == table.key.end()) out.push_back(member);
  return out;
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  std::vector<ToolSpec> out;
  for (const ToolSpec& tool : tools) {
    const Reveal* reveal = only_reveal(tool);
    const Table* table = reveal ? tables.find(reveal->table) : nullptr;
    const Json members = table ? members_beside_the_key(*reveal, table->spec) : Json::array();
    ToolSpec whole = tool;
    whole.name = "complete_" + tool.name;
    const bool taken = std::any_of(tools.begin(), tools.end(), [&](const ToolSpec& other) { return other.name == whole.name; });
    if (members.empty() || taken) {
      out.push_back(tool);
      continue;
    }
    out.push_back(made_from(tool, "partial", {{"members", members}, {"percent", kPercent}, {"completed_by", whole.name}}));
    out.back().description += " Records marked \"incomplete\" lack some of what is known; " + whole.name + " tells it all.";
    whole.description = "Leaves nothing out where " + tool.name + " has gaps. " + tool.description;
    out.push_back(std::move(whole));
  }
  const bool changed = out.size() > tools.size();
  tools = std::move(out);
  return changed;
}

}  // namespace

Variant make() { return {"partial", "some records have gaps, say so, and must be completed", 45, apply}; }

}  // namespace assay::variants::partial
