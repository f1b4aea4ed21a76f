// Dates and times of day are spelled in another way than tasks speak of them.
#include <algorithm>

#include "synth/column_use.h"
#include "synth/variant.h"

namespace assay::variants::formats {
namespace {

bool holds_times(const Table& table, size_t column, const Tables& tables) {
  const ColumnSpec& spec = table.spec.columns[column];
  if (spec.type != ColumnType::kText || std::find(table.spec.key.begin(), table.spec.key.end(), spec.name) != table.spec.key.end()) return false;
  int64_t times = 0;
  for (int64_t cell : table.columns[column]) {
    if (cell < 0) continue;
    if (text_form(tables.texts.text(static_cast<int32_t>(cell))) == TextForm::kPlain) return false;
    ++times;
  }
  return times > 0;
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  bool any = false;
  for (ToolSpec& tool : tools) {
    const Reveal* reveal = only_reveal(tool);
    const Table* table = reveal ? tables.find(reveal->table) : nullptr;
    Json members = Json::array();
    if (table)
      for (const auto& [column, member] : reveal->columns)
        if (!member.empty() && holds_times(*table, static_cast<size_t>(table->spec.column_index(column)), tables)) members.push_back(member);
    if (members.empty()) continue;
    tool = made_from(tool, "spelled", {{"members", members}});
    tool.description += " Dates come as in \"1 October 2025\", times of day as in \"2:30 pm\".";
    any = true;
  }
  return any;
}

}  // namespace

Variant make() { return {"formats", "dates and times of day are spelled in another way than tasks speak of them", 35, apply}; }

}  // namespace assay::variants::formats
