// Every piece of information has a tool of its own.
#include <algorithm>

#include "synth/variant.h"

namespace assay::variants::fine {
namespace {

struct Pieces {
  std::vector<std::string> always, each;   // members: what says which row it is, and what is told of it
};

std::optional<Pieces> pieces_of(const ToolSpec& tool, const Tables& tables) {
  const Reveal* reveal = only_reveal(tool);
  const Table* table = reveal ? tables.find(reveal->table) : nullptr;
  if (!table || tool.kind != "sql" || reveal->given.empty()) return std::nullopt;
  Pieces pieces;
  for (const ColumnSpec& column : table->spec.columns) {
    const auto member = reveal->columns.find(column.name);
    if (member == reveal->columns.end()) continue;
    if (member->second.empty()) return std::nullopt;
    const bool key = std::count(table->spec.key.begin(), table->spec.key.end(), column.name) > 0;
    (key ? pieces.always : pieces.each).push_back(member->second);
  }
  for (const Json& member : tool.body.value("always", Json::array()))
    if (std::count(pieces.always.begin(), pieces.always.end(), member) == 0) pieces.always.push_back(member);
  return pieces.each.size() < 2 ? std::nullopt : std::optional(pieces);
}

std::string label_of(const Reveal& reveal, const std::string& member, const Tables& tables) {
  const TableSpec& spec = tables.at(reveal.table).spec;
  for (const auto& [column, name] : reveal.columns)
    if (name == member) {
      const ColumnSpec& found = spec.columns[static_cast<size_t>(spec.column_index(column))];
      return found.unit.empty() ? found.label : found.label + " in " + found.unit;
    }
  return member;
}

bool apply(std::vector<ToolSpec>& tools, const Tables& tables) {
  std::vector<ToolSpec> out;
  for (const ToolSpec& tool : tools) {
    const auto pieces = pieces_of(tool, tables);
    if (!pieces) {
      out.push_back(tool);
      continue;
    }
    const std::string keywords = tool.body.value("keywords", "");
    for (const std::string& piece : pieces->each) {
      std::vector<std::string> keep = pieces->always;
      keep.push_back(piece);
      ToolSpec part = made_from(tool, "part", {{"keep", keep}, {"arguments", Json::object()}});
      part.name += "_" + piece;
      const TableSpec& spec = tables.at(tool.reveals[0].table).spec;
      part.description = "Tells the " + label_of(tool.reveals[0], piece, tables) + (returns_list(tool) ? " of " + spec.plural : " of the " + spec.label) + ", and no more.";
      if (!keywords.empty()) {
        part.body["arguments"][keywords] = {piece};
        part.parameters["properties"].erase(keywords);
        Json& required = part.parameters["required"];
        required.erase(std::remove(required.begin(), required.end(), Json(keywords)), required.end());
      }
      std::erase_if(part.reveals[0].columns, [&](const auto& column) { return std::count(keep.begin(), keep.end(), column.second) == 0; });
      out.push_back(std::move(part));
    }
  }
  const bool changed = out.size() > tools.size();
  tools = std::move(out);
  return changed;
}

void merge(Json& into, const Json& record) {
  if (into.is_null()) into = record;
  else if (into.is_object() && record.is_object()) into.update(record);
  else
    for (size_t i = 0; i < into.size() && i < record.size(); ++i) into[i].update(record[i]);
}

// The records of all parts have one order, that of the tool inside.
Result<Observation> undo(const UndoneCall& call) {
  const std::string keywords = call.tool.body.value("keywords", "");
  Json asked = call.arguments, wanted = Json::array(), merged;
  if (!keywords.empty() && asked.contains(keywords)) wanted = asked[keywords];
  asked.erase(keywords);
  std::vector<std::string> done;
  for (const ToolSpec* part : call.made) {
    const std::string piece = part->body.at("keep").back();
    if (std::count(done.begin(), done.end(), piece)) continue;   // the same part under another name
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), Json(piece)) == wanted.end()) continue;
    ASSAY_ASSIGN(Observation seen, call_tool(call.after, part->name, asked));
    if (seen.error) return seen;
    ASSAY_ASSIGN(const Json told, parse_json(seen.text, part->name));
    merge(merged, told);
    done.push_back(piece);
  }
  return Observation{merged.dump()};
}

}  // namespace

Variant make() { return {"fine", "every piece of information has a tool of its own", 10, "part", apply, undo}; }

}  // namespace assay::variants::fine
