// Some records are out of date and say so; another tool tells what is true now.
#include <algorithm>

#include "synth/variant.h"

namespace assay::variants::outdated {
namespace {

constexpr int kPercent = 30;

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  std::vector<ToolSpec> out;
  for (const ToolSpec& tool : tools) {
    const Reveal* reveal = only_reveal(tool);
    const Table* table = reveal ? tables.find(reveal->table) : nullptr;
    Json members = Json::object();
    if (table)
      for (const auto& [column, member] : reveal->columns)
        if (const ColumnSpec& spec = table->spec.columns[static_cast<size_t>(table->spec.column_index(column))]; spec.is_number() && !member.empty())
          members[member] = spec.decimals;
    ToolSpec current = tool;
    current.name = "confirm_" + tool.name;
    const bool taken = std::any_of(tools.begin(), tools.end(), [&](const ToolSpec& other) { return other.name == current.name; });
    if (members.empty() || taken) {
      out.push_back(tool);
      continue;
    }
    out.push_back(made_from(tool, "outdated", {{"members", members}, {"percent", kPercent}, {"confirmed_by", current.name}}));
    out.back().description += " Records marked \"outdated\" hold numbers that are no longer true; " + current.name + " knows better.";
    current.description = "Asks at the source, where " + tool.name + " may have old numbers. " + tool.description;
    out.push_back(std::move(current));
  }
  const bool changed = out.size() > tools.size();
  tools = std::move(out);
  return changed;
}

}  // namespace

Variant make() { return {"outdated", "some records are out of date, say so, and must be confirmed", 40, apply}; }

}  // namespace assay::variants::outdated
