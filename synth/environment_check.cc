#include "synth/environment_check.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "envs/base/rng.h"
#include "envs/database.h"
#include "envs/plain_tools.h"
#include "envs/toolset.h"

namespace assay {
namespace {

using Tuples = std::set<std::string>;

using Rows = std::vector<int32_t>;
const Rows kNoRows;

std::string key_of(const Reveal& reveal, const Json& arguments) {
  Json out = Json::array();
  for (const auto& [column, parameter] : reveal.given) out.push_back(arguments[parameter]);
  return out.dump();
}

// Rows by what they have in the columns that `reveal` is given: key_of() of the arguments for which it tells of them.
std::unordered_map<std::string, Rows> rows_by_given(const Tables& tables, const Table& table, const Reveal& reveal) {
  std::unordered_map<std::string, Rows> out;
  for (int32_t row = 0; row < table.size(); ++row) {
    Json arguments = Json::object();
    for (const auto& [column, parameter] : reveal.given) arguments[parameter] = tables.cell_json(table, table.spec.column_index(column), row);
    out[key_of(reveal, arguments)].push_back(row);
  }
  return out;
}

// What the reveal says of one row, as comparable text; numbers compare as scaled integers.
std::string tuple_of(const Tables& tables, const Table& table, const Reveal& reveal, int32_t row) {
  Json out = Json::object();
  for (const auto& [column, member] : reveal.columns) out[column] = tables.cell_json(table, table.spec.column_index(column), row);
  return out.dump();
}

std::optional<std::string> tuple_from(const Table& table, const Reveal& reveal, const Json& record) {
  Json out = Json::object();
  for (const auto& [column, member] : reveal.columns) {
    if (!member.empty() && (!record.is_object() || !record.contains(member))) return std::nullopt;
    const Json& value = member.empty() ? record : record[member];
    const ColumnSpec& spec = table.spec.columns[table.spec.column_index(column)];
    out[column] = value;
    if (spec.is_number() && !value.is_null()) {
      auto number = number_from_json(value, spec.decimals);
      if (!number.ok()) return std::nullopt;
      out[column] = number_json(*number, spec.decimals);
    }
  }
  return out.dump();
}

class Checker {
 public:
  Checker(const Environment& environment, Tools& tools, Tools& shuffled, EnvironmentReport& report)
      : environment_(environment), tools_(tools), shuffled_(shuffled), report_(report) {}

  Status check(const ToolSpec& tool, const Reveal& reveal, int64_t samples) {
    const Tables& tables = environment_.tables;
    const int index = tables.table_index(reveal.table);
    if (index < 0) return problem(tool, "reveals the unknown table '" + reveal.table + "'");
    const Table& table = tables.tables[index];
    for (const auto& pairs : {reveal.given, reveal.columns})
      for (const auto& [column, member] : pairs)
        if (table.spec.column_index(column) < 0) return problem(tool, "reveals the unknown column '" + reveal.table + "." + column + "'");
    if (table.size() == 0) return {};
    by_given_ = rows_by_given(tables, table, reveal);
    Rng rng(0, "reveal/" + tool.name);
    const int64_t count = reveal.given.empty() ? 1 : std::min<int64_t>(samples, table.size());
    for (int64_t i = 0; i < count; ++i) {
      const int32_t row = static_cast<int32_t>(rng.below(table.size()));
      ASSAY_TRY(check_call(tool, reveal, table, [&](int column) { return tables.cell_json(table, column, row); }));
      if (!report_.problems.empty()) return {};
    }
    return check_absent(tool, reveal, table, samples, rng);
  }

 private:
  Status problem(const ToolSpec& tool, std::string what) {
    report_.problems.push_back("tool " + tool.name + ": " + std::move(what));
    return {};
  }

  // What is complete also tells that there is no such row: any entities may be given.
  Status check_absent(const ToolSpec& tool, const Reveal& reveal, const Table& table, int64_t samples, Rng& rng) {
    const Tables& tables = environment_.tables;
    const auto target = [&](int column) { return tables.find(table.spec.columns[static_cast<size_t>(column)].references); };
    const bool any = std::all_of(reveal.given.begin(), reveal.given.end(), [&](const auto& pair) {
      const Table* of = target(table.spec.column_index(pair.first));
      return of && of->size() > 0;
    });
    for (int64_t i = 0; any && reveal.complete && !reveal.given.empty() && i < samples && report_.problems.empty(); ++i)
      ASSAY_TRY(check_call(tool, reveal, table, [&](int column) {
        const Table& of = *target(column);
        return tables.cell_json(of, of.spec.name_column(), static_cast<int32_t>(rng.below(static_cast<uint64_t>(of.size()))));
      }));
    return {};
  }

  // `given`: column of the table -> value.
  template <typename Given>
  Status check_call(const ToolSpec& tool, const Reveal& reveal, const Table& table, const Given& given) {
    const Tables& tables = environment_.tables;
    Json arguments = Json::object();
    for (const auto& [column, parameter] : reveal.given) {
      arguments[parameter] = given(table.spec.column_index(column));
      if (arguments[parameter].is_null()) return {};
    }
    const Json properties = tool.parameters.value("properties", Json::object());
    for (const auto& [name, property] : properties.items())
      if (!arguments.contains(name) && property.value("type", "") == "array") arguments[name] = property["items"].value("enum", Json::array());
    ASSAY_ASSIGN(const Observation seen, tools_.call(tool.name, arguments.dump()));
    ASSAY_ASSIGN(const Observation other, shuffled_.call(tool.name, arguments.dump()));
    if (seen.error) return problem(tool, "refuses " + arguments.dump() + ": " + seen.text);
    if (seen.text != other.text) return problem(tool, "its result depends on the order rows are stored in: " + arguments.dump());
    auto json = parse_json(seen.text, tool.name);
    if (!json.ok()) return problem(tool, "its result is not JSON");
    const auto matching = by_given_.find(key_of(reveal, arguments));
    const Rows& rows = matching == by_given_.end() ? kNoRows : matching->second;
    if (!reveal.counts.empty()) return check_count(tool, reveal, rows.size(), arguments, *json);
    const Json records = json->is_array() ? *json : Json::array({*json});
    Tuples expected, found;
    for (const int32_t row : rows) expected.insert(tuple_of(tables, table, reveal, row));
    for (const Json& record : records) {
      const auto tuple = tuple_from(table, reveal, record);
      if (!tuple) return problem(tool, "a result lacks a column it declares to reveal: " + record.dump());
      found.insert(*tuple);
    }
    for (const std::string& tuple : found)
      if (!expected.count(tuple)) return problem(tool, "says what is not so, for " + arguments.dump() + ": " + tuple);
    if (reveal.complete && found.size() != expected.size()) return problem(tool, "declares a complete result and leaves rows out, for " + arguments.dump());
    if (!reveal.complete && found.empty()) return problem(tool, "returns nothing for " + arguments.dump());
    return {};
  }

  Status check_count(const ToolSpec& tool, const Reveal& reveal, size_t count, const Json& arguments, const Json& result) {
    if (result.is_object() && result.value(reveal.counts, Json()) == count) return {};
    return problem(tool, "counts " + std::to_string(count) + " rows as " + result.dump() + ", for " + arguments.dump());
  }

  const Environment& environment_;
  Tools& tools_;
  Tools& shuffled_;
  EnvironmentReport& report_;
  std::unordered_map<std::string, Rows> by_given_;   // of the reveal that is being checked
};

}  // namespace

// Least fixpoint: a reveal can be used once everything it is given can be known.
void find_learnable(const Tables& tables, const std::vector<ToolSpec>& tools, EnvironmentReport& report) {
  auto known = [&](const TableSpec& spec, int table, const std::string& column) {
    const int index = spec.column_index(column);
    if (report.learnable.count({table, index})) return true;
    const ColumnSpec& c = spec.columns[index];
    return c.type == ColumnType::kReference && report.listable.count(tables.table_index(c.references)) > 0;
  };
  for (bool grew = true; grew;) {
    grew = false;
    for (const ToolSpec& tool : tools)
      for (const Reveal& reveal : tool.reveals) {
        const int table = tables.table_index(reveal.table);
        if (table < 0 || tool.effect != ToolEffect::kRead || !reveal.counts.empty()) continue;
        const TableSpec& spec = tables.tables[table].spec;
        if (!std::all_of(reveal.given.begin(), reveal.given.end(), [&](const auto& pair) { return known(spec, table, pair.first); })) continue;
        for (const auto& pairs : {reveal.given, reveal.columns})
          for (const auto& [column, member] : pairs) grew |= report.learnable.insert({table, spec.column_index(column)}).second;
        // A listing reaches every entity if what it is given runs over all of a table that can be listed itself.
        const bool ranges = std::all_of(reveal.given.begin(), reveal.given.end(), [&](const auto& pair) {
          return spec.columns[spec.column_index(pair.first)].type == ColumnType::kReference;
        });
        if (spec.is_entity() && reveal.complete && ranges && reveal.columns.count(spec.key[0])) grew |= report.listable.insert(table).second;
      }
  }
}

Result<std::shared_ptr<const EnvironmentReport>> check_environment(std::shared_ptr<const Environment> environment, int64_t samples) {
  auto report = std::make_shared<EnvironmentReport>();
  ASSAY_ASSIGN(auto database, Database::build(environment->tables));
  ASSAY_ASSIGN(auto backwards, Database::build(environment->tables, 1));
  ASSAY_ASSIGN(auto tools, Toolset::open(environment, database));
  ASSAY_ASSIGN(auto shuffled, Toolset::open(environment, backwards));
  ASSAY_TRY(shuffled->reverse_unordered(true));   // an index may give an order that no ORDER BY promises
  PlainTools plain(*tools), plain_shuffled(*shuffled);   // variants must hide nothing of what the tools told before
  Checker checker(*environment, plain, plain_shuffled, *report);
  for (const ToolSpec& tool : plain.specs())
    for (const Reveal& reveal : tool.reveals) ASSAY_TRY(checker.check(tool, reveal, samples));
  find_learnable(environment->tables, plain.specs(), *report);
  report->uses = column_uses(environment->tables);
  return std::shared_ptr<const EnvironmentReport>(std::move(report));
}

}  // namespace assay
