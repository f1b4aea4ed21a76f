#include "synth/structure.h"

#include <algorithm>
#include <set>
#include <vector>

#include "envs/base/hash.h"

namespace assay {
namespace {

constexpr std::array<double, Features::kGroups> kWeights = {0.25, 0.1, 0.3, 0.25, 0.1};

std::string joined(std::vector<std::string> items) {
  std::sort(items.begin(), items.end());
  std::string out;
  for (const std::string& item : items) out += item + " ";
  return out;
}

std::string kind_of(const TableSpec& table, const ColumnSpec& column) {
  static constexpr const char* kTypes[] = {"text", "integer", "decimal", "reference"};
  const bool key = std::count(table.key.begin(), table.key.end(), column.name) > 0;
  return kTypes[static_cast<int>(column.type)] + (column.decimals > 0 ? std::to_string(column.decimals) : "") + (key ? "*" : "");
}

std::string kind_of(const TableSpec& table, const std::string& column) {
  const int index = table.column_index(column);
  return index < 0 ? "unknown" : kind_of(table, table.columns[static_cast<size_t>(index)]);
}

std::string kind_of(const TableSpec& table) {
  std::vector<std::string> kinds;
  for (const ColumnSpec& column : table.columns) kinds.push_back(kind_of(table, column));
  return joined(std::move(kinds));
}

// Each table alone, and with the tables it refers to and is referred to by.
void add_tables(const Domain& domain, Features& out) {
  std::map<std::string, std::string> kinds;
  for (const TableSpec& table : domain.tables) kinds[table.name] = kind_of(table);
  std::map<std::string, std::vector<std::string>> around;
  for (const TableSpec& table : domain.tables)
    for (const ColumnSpec& column : table.columns) {
      ++out.counts[Features::kColumns][kind_of(table, column)];
      if (column.type != ColumnType::kReference) continue;
      around[table.name].push_back("to " + kinds[column.references]);
      around[column.references].push_back("from " + kinds[table.name]);
    }
  for (const TableSpec& table : domain.tables) {
    ++out.counts[Features::kTables][kinds[table.name]];
    ++out.counts[Features::kTables][kinds[table.name] + "| " + joined(around[table.name])];
  }
}

std::string reveal_kind(const Domain& domain, const Reveal& reveal) {
  const TableSpec* table = domain.find_table(reveal.table);
  if (!table) return "";
  std::vector<std::string> given, told;
  for (const auto& [column, parameter] : reveal.given) given.push_back(kind_of(*table, column));
  for (const auto& [column, member] : reveal.columns) told.push_back(kind_of(*table, column));
  return joined(given) + "-> " + joined(told) + (reveal.complete ? "all" : reveal.counts.empty() ? "some" : "count");
}

// What a tool does to the state: which tables it writes, and how.
std::string effect_of(const Domain& domain, const ToolSpec& tool) {
  std::vector<std::string> parts;
  for (const Json& name : tool.body.value("writes", Json::array()))
    if (const TableSpec* table = name.is_string() ? domain.find_table(name.get<std::string>()) : nullptr) parts.push_back("[" + kind_of(*table) + "]");
  for (const Json& statement : tool.body.value("change", Json::array()))
    if (statement.is_string()) parts.push_back(statement.get<std::string>().substr(0, statement.get_ref<const std::string&>().find(' ')));
  return joined(std::move(parts));
}

void add_tools(const Domain& domain, Features& out) {
  for (const ToolSpec& tool : domain.tools) {
    std::vector<std::string> parameters, reveals;
    const Json required = tool.parameters.value("required", Json::array());
    const Json properties = tool.parameters.value("properties", Json::object());
    for (const auto& [name, schema] : properties.items())
      parameters.push_back(schema.value("type", "") + (std::find(required.begin(), required.end(), Json(name)) == required.end() ? "?" : ""));
    for (const Reveal& reveal : tool.reveals) reveals.push_back(reveal_kind(domain, reveal));
    const std::string does = tool.effect == ToolEffect::kWrite ? effect_of(domain, tool) : tool.kind == "sql" ? tool.body.value("returns", "") : "";
    ++out.counts[Features::kTools][std::to_string(static_cast<int>(tool.effect)) + " " + tool.kind + " (" + joined(parameters) + ") " + does + ": " + joined(reveals)];
  }
}

// The words of our language; every other text is a domain's own.
bool is_word(const std::string& member) {
  static const std::set<std::string> kWords = {"op", "how", "cmp", "direction"};
  return kWords.count(member) > 0;
}

// Nested values without names, numbers and texts.
std::string shape_of(const Json& json, const std::string& member = "") {
  if (json.is_string()) return is_word(member) ? member + "=" + json.get<std::string>() : "text";
  if (!json.is_structured()) return json.is_number() ? "number" : json.is_boolean() ? "truth" : "null";
  std::vector<std::string> inside;
  for (const auto& [key, value] : json.items()) inside.push_back(shape_of(value, json.is_object() ? key : member));
  return (json.is_object() ? "{ " : "[ ") + joined(std::move(inside)) + (json.is_object() ? "}" : "]");
}

void add_operators(const Json& json, Features& out) {
  if (json.is_object() && json.contains("op") && json["op"].is_string()) ++out.counts[Features::kRules]["op " + json["op"].get<std::string>()];
  if (json.is_structured())
    for (const Json& item : json) add_operators(item, out);
}

// How hard tasks are and how they are introduced is no rule: all domains use the same words for it.
void add_rules(const Domain& domain, Features& out) {
  for (const auto& [name, part] : domain.archetypes) {
    ++out.counts[Features::kAnswers]["archetype " + name];
    for (const auto& [member, value] : part.items()) {
      if (member == "levels" || member == "presets") continue;
      if (member == "answer") {
        for (const Json& field : value.value("fields", Json::array())) ++out.counts[Features::kAnswers][shape_of(field)];
        continue;
      }
      add_operators(value, out);
      if (!value.is_structured()) continue;
      for (const Json& item : value) ++out.counts[Features::kRules][member + ": " + shape_of(item)];
    }
  }
}

double overlap(const std::map<std::string, int>& a, const std::map<std::string, int>& b) {
  int common = 0, all = 0;
  for (const auto& [feature, count] : a) {
    all += count;
    if (const auto it = b.find(feature); it != b.end()) common += std::min(count, it->second);
  }
  for (const auto& [feature, count] : b) all += count;
  return all == 0 ? 1 : 2.0 * common / all;
}

}  // namespace

std::string structure_of(const Environment& environment) {
  Json tables = Json::array(), tools = Json::array();
  for (const Table& table : environment.tables.tables) tables.push_back(to_json(table.spec));
  for (const ToolSpec& tool : environment.tools) tools.push_back(public_tool_json(tool).dump());
  return json_identity({{"domain", environment.domain}, {"tables", tables}, {"tools", tools}});
}

std::string database_of(const Environment& environment) { return json_identity(to_json(environment.tables).at("rows")); }

Features features_of(const Domain& domain) {
  Features out;
  add_tables(domain, out);
  add_tools(domain, out);
  add_rules(domain, out);
  return out;
}

double similarity(const Features& a, const Features& b) {
  double sum = 0;
  for (size_t group = 0; group < Features::kGroups; ++group) sum += kWeights[group] * overlap(a.counts[group], b.counts[group]);
  return sum;
}

}  // namespace assay
