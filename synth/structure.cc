#include "synth/structure.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "envs/base/hash.h"
#include "envs/base/rng.h"

namespace assay {
namespace {

constexpr std::array<double, Features::kGroups> kWeights = {0.25, 0.1, 0.3, 0.25, 0.1};

class Words {
 public:
  void add(const std::string& word) { hashes_.push_back(stream_of(word)); }
  Features::Item take() {
    std::sort(hashes_.begin(), hashes_.end());
    return std::move(hashes_);
  }

 private:
  Features::Item hashes_;
};

std::string kind_of(const TableSpec& table, const ColumnSpec& column) {
  static constexpr const char* kTypes[] = {"text", "integer", "decimal", "reference"};
  const bool key = std::count(table.key.begin(), table.key.end(), column.name) > 0;
  return kTypes[static_cast<int>(column.type)] + (column.decimals > 0 ? std::to_string(column.decimals) : "") + (key ? "*" : "");
}

std::string kind_of(const TableSpec& table, const std::string& column) {
  const int index = table.column_index(column);
  return index < 0 ? "unknown" : kind_of(table, table.columns[static_cast<size_t>(index)]);
}

// A table as its neighbours see it.
std::string kind_of(const TableSpec& table) { return (table.is_entity() ? "entities" : "relation") + std::to_string(table.key.size()); }

void add_tables(const Domain& domain, Features& out) {
  Words columns;
  for (const TableSpec& table : domain.tables) {
    Words words;
    words.add(kind_of(table));
    for (const ColumnSpec& column : table.columns) {
      columns.add(kind_of(table, column));
      words.add(kind_of(table, column));
      if (const TableSpec* target = domain.find_table(column.references)) words.add("to " + kind_of(*target));
    }
    for (const TableSpec& other : domain.tables)
      for (const ColumnSpec& column : other.columns)
        if (column.references == table.name) words.add("from " + kind_of(other));
    out.items[Features::kTables].push_back(words.take());
  }
  out.items[Features::kColumns].push_back(columns.take());
}

void add_reveal(const Domain& domain, const Reveal& reveal, Words& words) {
  const TableSpec* table = domain.find_table(reveal.table);
  if (!table) return;
  words.add("of " + kind_of(*table) + (reveal.complete ? " all" : reveal.counts.empty() ? " some" : " count"));
  for (const auto& [column, parameter] : reveal.given) words.add("given " + kind_of(*table, column));
  for (const auto& [column, member] : reveal.columns) words.add("told " + kind_of(*table, column));
}

// What a tool does to the state: which tables it writes, and how.
void add_effect(const Domain& domain, const ToolSpec& tool, Words& words) {
  for (const Json& name : tool.body.value("writes", Json::array()))
    if (const TableSpec* table = name.is_string() ? domain.find_table(name.get<std::string>()) : nullptr) words.add("writes " + kind_of(*table));
  for (const Json& statement : tool.body.value("change", Json::array()))
    if (statement.is_string()) words.add(statement.get<std::string>().substr(0, statement.get_ref<const std::string&>().find(' ')));
}

void add_tools(const Domain& domain, Features& out) {
  for (const ToolSpec& tool : domain.tools) {
    Words words;
    words.add("effect " + std::to_string(static_cast<int>(tool.effect)) + " " + tool.kind + " " + (tool.kind == "sql" ? tool.body.value("returns", "") : ""));
    const Json required = tool.parameters.value("required", Json::array());
    const Json properties = tool.parameters.value("properties", Json::object());
    for (const auto& [name, schema] : properties.items())
      words.add("takes " + schema.value("type", "") + (std::find(required.begin(), required.end(), Json(name)) == required.end() ? "?" : ""));
    for (const Reveal& reveal : tool.reveals) add_reveal(domain, reveal, words);
    if (tool.effect == ToolEffect::kWrite) add_effect(domain, tool, words);
    out.items[Features::kTools].push_back(words.take());
  }
}

// The words of our language; every other text is a domain's own.
bool is_word(const std::string& member) {
  static const std::set<std::string> kWords = {"op", "how", "cmp", "direction"};
  return kWords.count(member) > 0;
}

// What a value is made of, without names, numbers and texts.
void add_shape(const Json& json, const std::string& member, Words& words) {
  if (json.is_string()) {
    words.add(is_word(member) ? member + "=" + json.get<std::string>() : "text");
  } else if (!json.is_structured()) {
    words.add(json.is_number() ? "number" : json.is_boolean() ? "truth" : "null");
  } else {
    if (json.is_object()) words.add("object of " + std::to_string(json.size()));
    for (const auto& [key, value] : json.items()) add_shape(value, json.is_object() ? key : member, words);
  }
}

// How hard tasks are and how they are introduced is no rule: all domains use the same words for it.
void add_rules(const Domain& domain, Features& out) {
  Words answers;
  for (const auto& [name, part] : domain.archetypes) {
    answers.add("archetype " + name);
    for (const auto& [member, value] : part.items()) {
      if (member == "levels" || member == "presets") continue;
      if (member == "answer") {
        for (const Json& field : value.value("fields", Json::array())) {
          Words shape;
          add_shape(field, "", shape);
          std::string text;
          for (uint64_t word : shape.take()) text += std::to_string(word) + " ";
          answers.add(text);
        }
        continue;
      }
      if (!value.is_structured()) continue;
      for (const Json& item : value) {
        Words words;
        words.add("in " + member);
        add_shape(item, "", words);
        out.items[Features::kRules].push_back(words.take());
      }
    }
  }
  out.items[Features::kAnswers].push_back(answers.take());
}

double overlap(const Features::Item& a, const Features::Item& b) {
  size_t common = 0;
  for (size_t i = 0, k = 0; i < a.size() && k < b.size();) {
    if (a[i] == b[k]) ++common, ++i, ++k;
    else ++(a[i] < b[k] ? i : k);
  }
  return a.empty() && b.empty() ? 1 : 2.0 * static_cast<double>(common) / static_cast<double>(a.size() + b.size());
}

double matched(const std::vector<Features::Item>& a, const std::vector<Features::Item>& b) {
  if (a.empty() && b.empty()) return 1;
  std::vector<std::tuple<double, size_t, size_t>> pairs;
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t k = 0; k < b.size(); ++k) pairs.emplace_back(-overlap(a[i], b[k]), i, k);
  std::sort(pairs.begin(), pairs.end());
  std::vector<bool> taken_a(a.size()), taken_b(b.size());
  double sum = 0;
  for (const auto& [less, i, k] : pairs) {
    if (taken_a[i] || taken_b[k]) continue;
    taken_a[i] = taken_b[k] = true;
    sum += less * less;   // what is only half alike is hardly alike: all tools and rules have some words in common
  }
  return 2 * sum / static_cast<double>(a.size() + b.size());
}

}  // namespace

std::string structure_of(const Environment& environment) {
  Json tables = Json::array(), tools = Json::array();
  for (const Table& table : environment.tables.tables) tables.push_back(to_json(table.spec));
  for (ToolSpec tool : environment.tools) {
    // What a parameter is told to be may list values of the database, which make no other toolset.
    if (tool.parameters.is_object() && tool.parameters.contains("properties"))
      for (Json& property : tool.parameters["properties"])
        if (property.is_object()) property.erase("description");
    tools.push_back(public_tool_json(tool).dump());
  }
  return json_identity({{"domain", environment.domain}, {"tables", tables}, {"tools", tools}});
}

std::string database_of(const Environment& environment) { return json_identity(to_json(environment.tables).at("rows")); }

Features features_of(const Domain& domain) {
  Features out;
  add_tables(domain, out);
  add_tools(domain, out);
  add_rules(domain, out);
  for (auto& group : out.items) std::sort(group.begin(), group.end());   // in no order that names give
  return out;
}

double similarity(const Features& a, const Features& b) {
  if (b.items < a.items) return similarity(b, a);   // of two matches that are equally good, the same one is made both ways
  double sum = 0;
  for (size_t group = 0; group < Features::kGroups; ++group) sum += kWeights[group] * matched(a.items[group], b.items[group]);
  return sum;
}

}  // namespace assay
