// Quantities come in other units than those that tasks speak of.
#include <algorithm>
#include <array>

#include "synth/variant.h"
#include "verifiers/constraint.h"

namespace assay::variants::units {
namespace {

struct Unit {
  std::string_view name, other;
  int64_t times;   // of `other` to one of `name`
};

constexpr std::array<Unit, 22> kUnits = {{
    {"minutes", "seconds", 60}, {"hours", "minutes", 60}, {"days", "hours", 24}, {"weeks", "days", 7}, {"years", "months", 12},
    {"km", "metres", 1000}, {"m", "centimetres", 100}, {"metres", "centimetres", 100}, {"cm", "millimetres", 10}, {"kg", "grams", 1000},
    {"g", "milligrams", 1000}, {"t", "kilograms", 1000}, {"tonnes", "kilograms", 1000}, {"litres", "millilitres", 1000}, {"l", "millilitres", 1000},
    {"CNY", "fen", 100}, {"EUR", "cents", 100}, {"USD", "cents", 100}, {"GBP", "pence", 100}, {"CHF", "centimes", 100},
    {"percent", "tenths of a percent", 10}, {"degrees Celsius", "tenths of a degree Celsius", 10}}};

const Unit* unit_of(const ColumnSpec& column) {
  for (const Unit& unit : kUnits)
    if (column.is_number() && column.unit == unit.name) return &unit;
  return nullptr;
}

void replace_unit(std::string& text, const std::string& member, const Unit& unit) {
  const size_t at = text.find(member + " (");
  const size_t end = at == std::string::npos ? at : text.find(')', at);
  if (end == std::string::npos) return;
  const std::string old = "in " + std::string(unit.name);
  const size_t in = text.rfind(old, end);
  if (in == std::string::npos || in < at) return;
  text.replace(in, end - in, "in " + std::string(unit.other));   // the range goes with the unit
}

bool takes_numbers(const ToolSpec& tool) {
  const Json& properties = tool.parameters["properties"];
  return std::any_of(properties.begin(), properties.end(), [](const Json& property) { return property.value("description", "").find(" in ") != std::string::npos && property.value("type", "") != "string"; });
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  bool any = false;
  for (ToolSpec& tool : tools) {
    const Reveal* reveal = only_reveal(tool);
    const Table* table = reveal ? tables.find(reveal->table) : nullptr;
    if (!table) continue;
    Json members = Json::object();
    std::string description = tool.description;
    std::vector<std::string> told;
    for (const auto& [column, member] : reveal->columns) {
      const ColumnSpec& spec = table->spec.columns[static_cast<size_t>(table->spec.column_index(column))];
      const Unit* unit = unit_of(spec);
      if (!unit || member.empty()) continue;
      members[member] = {{"times", unit->times}, {"decimals", spec.decimals}};
      replace_unit(description, member, *unit);
      told.push_back("\"" + member + "\" in " + std::string(unit->other) + " (" + std::string(unit->name) + " times " + std::to_string(unit->times) + ")");
    }
    if (members.empty()) continue;
    tool = made_from(tool, "converted", {{"members", members}});
    tool.description = description + " It tells " + join_words(told) + (takes_numbers(tool) ? "; what it is given stays in the units that are named there." : ".");
    any = true;
  }
  return any;
}

}  // namespace

Variant make() { return {"units", "quantities come in other units than those that tasks speak of", 30, apply}; }

}  // namespace assay::variants::units
