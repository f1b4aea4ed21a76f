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
    out.push_back(tool);
    if (members.empty()) continue;
    ToolSpec& current = out.back();
    current.name = "confirm_" + tool.name;
    current.description = "Asks at the source, for what " + tool.name + " has only from before. " + tool.description;
    ToolSpec before = made_from(tool, "outdated", {{"members", members}, {"percent", kPercent}});
    before.description += " Records marked \"outdated\" hold numbers that are no longer true; " + current.name + " knows better.";
    out.push_back(std::move(before));
  }
  const bool changed = out.size() > tools.size();
  tools = std::move(out);
  return changed;
}

bool is_outdated(const Json& record) { return record.is_object() && record.value("outdated", false); }

Result<Observation> undo(const UndoneCall& call) {
  ASSAY_ASSIGN(Observation seen, call_tool(call.after, call.made[0]->name, call.arguments));
  if (seen.error) return seen;
  ASSAY_ASSIGN(const Json result, parse_json(seen.text, call.tool.name));
  const bool any = result.is_array() ? std::any_of(result.begin(), result.end(), is_outdated) : is_outdated(result);
  return any ? call_tool(call.after, "confirm_" + call.tool.name, call.arguments) : Result<Observation>(seen);
}

}  // namespace

Variant make() { return {"outdated", "some records are out of date, say so, and must be confirmed", 40, "outdated", apply, undo}; }

}  // namespace assay::variants::outdated
