// Every piece of information has a tool of its own.
#include <algorithm>

#include "synth/variant.h"
#include "verifiers/constraint.h"
#include "verifiers/wording.h"

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

// What the columns of a query are called, as far as can be read off it: each by the word that ends it.
std::vector<std::string> result_names(const std::string& sql) {
  std::vector<std::string> names;
  size_t at = sql.find_first_of(" \n") + 1, end = at;
  int depth = 0;
  const auto name = [&] {
    const size_t last = sql.find_last_not_of(" \n\"", end - 1), before = sql.find_last_of(" \n\".,()", last);
    names.push_back(sql.substr(before + 1, last - before));
  };
  for (; end < sql.size() && !(depth == 0 && sql.compare(end, 5, " FROM") == 0); ++end) {
    depth += sql[end] == '(' ? 1 : sql[end] == ')' ? -1 : 0;
    if (sql[end] == ',' && depth == 0) name();
  }
  name();
  return names;
}

// Whether a tool tells nothing but what it declares to reveal, and keys.
bool tells_what_it_declares(const ToolSpec& tool, const TableSpec& table) {
  if (tool.body.contains("keywords")) return true;
  const std::vector<std::string> names = result_names(tool.body.value("sql", ""));
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto& columns = tool.reveals[0].columns;
    return std::count(table.key.begin(), table.key.end(), name) > 0 || std::any_of(columns.begin(), columns.end(), [&](const auto& column) { return column.second == name; });
  });
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// What rows are asked for by: " with the given museum and date".
std::string given_text(const Reveal& reveal, const TableSpec& table) {
  std::vector<std::string> labels;
  for (const auto& [column, parameter] : reveal.given) labels.push_back(table.columns[static_cast<size_t>(table.column_index(column))].label);
  return " with the given " + join_words(labels);
}

ToolSpec part_of(const ToolSpec& tool, const std::string& piece, std::vector<std::string> others, const TableSpec& table) {
  const ColumnSpec& column = column_of(tool.reveals[0], piece, table);
  const std::string keywords = tool.body.value("keywords", "");
  ToolSpec part = made_from(tool, "part", {{"piece", piece}, {"omit", others}, {"arguments", Json::object()}});
  part.name += "_" + piece;
  if (tells_what_it_declares(tool, table))
    part.description = "Tells the " + label_with_unit(column) + " of " + (returns_list(tool) ? "all " + table.plural + given_text(tool.reveals[0], table) : "one " + table.label) + ", and no more.";
  else part.description += " This tool leaves out: " + joined(others) + ".";
  if (!keywords.empty()) {
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
