// Every piece of information has a tool of its own.
#include <algorithm>

#include "synth/variant.h"

namespace assay::variants::fine {
namespace {

// The members that get a tool each: what is told of a row, but for what says which row it is.
std::vector<std::string> pieces_of(const ToolSpec& tool, const Tables& tables) {
  const Reveal* reveal = only_reveal(tool);
  const Table* table = reveal ? tables.find(reveal->table) : nullptr;
  if (!table || tool.kind != "sql" || reveal->given.empty()) return {};
  std::vector<std::string> pieces;
  const Json always = tool.body.value("always", Json::array());
  for (const ColumnSpec& column : table->spec.columns) {
    const auto member = reveal->columns.find(column.name);
    if (member == reveal->columns.end()) continue;
    if (member->second.empty()) return {};
    const bool key = std::count(table->spec.key.begin(), table->spec.key.end(), column.name) > 0;
    if (!key && std::find(always.begin(), always.end(), Json(member->second)) == always.end()) pieces.push_back(member->second);
  }
  return pieces;
}

const ColumnSpec& column_of(const Reveal& reveal, const std::string& member, const TableSpec& table) {
  const auto told = std::find_if(reveal.columns.begin(), reveal.columns.end(), [&](const auto& column) { return column.second == member; });
  return table.columns[static_cast<size_t>(table.column_index(told->first))];
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

ToolSpec part_of(const ToolSpec& tool, const std::string& piece, std::vector<std::string> others, const TableSpec& table) {
  const ColumnSpec& column = column_of(tool.reveals[0], piece, table);
  const std::string keywords = tool.body.value("keywords", "");
  ToolSpec part = made_from(tool, "part", {{"piece", piece}, {"omit", others}, {"arguments", Json::object()}});
  part.name += "_" + piece;
  if (keywords.empty()) {   // it may tell more than it declares to reveal
    part.description += " This tool leaves out: " + joined(others) + ".";
  } else {
    part.description = "Tells the " + column.label + (column.unit.empty() ? "" : " in " + column.unit) + (returns_list(tool) ? " of " + table.plural : " of a " + table.label) + ", and no more.";
    part.body["arguments"][keywords] = {piece};
    part.parameters["properties"].erase(keywords);
    Json& required = part.parameters["required"];
    required.erase(std::remove(required.begin(), required.end(), Json(keywords)), required.end());
  }
  std::erase_if(part.reveals[0].columns, [&](const auto& told) { return std::count(others.begin(), others.end(), told.second) > 0; });
  return part;
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  std::vector<ToolSpec> out;
  for (const ToolSpec& tool : tools) {
    const std::vector<std::string> pieces = pieces_of(tool, tables);
    if (pieces.size() < 2) {
      out.push_back(tool);
      continue;
    }
    for (const std::string& piece : pieces) {
      std::vector<std::string> others = pieces;
      std::erase(others, piece);
      out.push_back(part_of(tool, piece, std::move(others), tables.at(tool.reveals[0].table).spec));
    }
  }
  const bool changed = out.size() > tools.size();
  tools = std::move(out);
  return changed;
}

}  // namespace

Variant make() { return {"fine", "every piece of information has a tool of its own", 10, apply, {"coarse"}}; }

}  // namespace assay::variants::fine
