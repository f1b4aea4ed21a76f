#include "synth/query/options.h"

#include <algorithm>

#include "synth/query/tool_source.h"

namespace assay::query {
namespace {

const std::map<int, Level> kLevels = {{1, {0, 0, 2, 2, 2, 60}},
                                      {2, {0, 1, 2, 3, 3, 90}},
                                      {3, {1, 2, 3, 4, 4, 140}},
                                      {4, {2, 3, 4, 5, 6, 220}},
                                      {5, {3, 5, 5, 8, 8, 390}}};
constexpr std::string_view kHole = "{}";

// "table.column".
Result<std::pair<int, int>> read_column(const Domain& domain, const std::string& name, const std::string& where) {
  const size_t dot = name.find('.');
  if (dot == std::string::npos) return input_error("expected \"table.column\", found '" + name + "'", where);
  std::vector<std::string> tables, columns;
  for (size_t t = 0; t < domain.tables.size(); ++t) {
    const TableSpec& spec = domain.tables[t];
    tables.push_back(spec.name);
    if (spec.name != name.substr(0, dot)) continue;
    for (const ColumnSpec& column : spec.columns) columns.push_back(column.name);
    const int column = spec.column_index(name.substr(dot + 1));
    if (column < 0) return unknown_name("column", name.substr(dot + 1), columns, where);
    return std::pair(static_cast<int>(t), column);
  }
  return unknown_name("table", name.substr(0, dot), tables, where);
}

void read_range(JsonReader& reader, const char* member, int64_t& low, int64_t& high) {
  if (!reader.has(member)) return;
  const Json& json = reader.array(member);
  if (json.size() != 2 || !json[0].is_number_integer() || !json[1].is_number_integer() || json[0] < 0 || json[0] > json[1])
    return reader.fail(member, "expected [least, most], integers of at least 0");
  low = json[0].get<int64_t>();
  high = json[1].get<int64_t>();
}

Status read_levels(const Json& json, const std::string& file, const std::string& path, std::map<int, Level>& levels) {
  for (const auto& [name, level] : json.items()) {
    if (name.size() != 1 || name[0] < '1' || name[0] > '5') return input_error("unknown level '" + name + "'", file + ": " + path, "a number from 1 to 5");
    JsonReader reader(level, file, path + "." + name);
    Level& out = levels[name[0] - '0'];
    for (const auto& [member, low, high] : {std::tuple("hops", &out.hops_low, &out.hops_high), std::tuple("operators", &out.operators_low, &out.operators_high),
                                            std::tuple("calls", &out.calls_low, &out.calls_high)}) {
      reader.member_or_null(member);
      read_range(reader, member, *low, *high);
    }
    ASSAY_TRY(reader.finish());
  }
  return {};
}

}  // namespace

Result<QueryOptions> read_options(const Domain& domain, const Json& part, const std::string& file, const std::string& path) {
  QueryOptions out;
  out.levels = kLevels;
  JsonReader reader(part, file, path);
  const std::vector<std::string> avoid = reader.texts_or("avoid", {});
  const Json none = Json::object();
  const Json& levels = reader.has("levels") ? reader.object("levels") : none;
  const Json& phrases = reader.has("phrases") ? reader.object("phrases") : none;
  for (const char* member : {"levels", "phrases"}) reader.member_or_null(member);
  ASSAY_TRY(reader.finish());
  ASSAY_TRY(read_levels(levels, file, reader.path_of("levels"), out.levels));
  for (size_t i = 0; i < avoid.size(); ++i) {
    ASSAY_ASSIGN(const auto column, read_column(domain, avoid[i], file + ": " + reader.path_of("avoid") + "[" + std::to_string(i) + "]"));
    out.avoid.insert(column);
  }
  for (const auto& [name, phrase] : phrases.items()) {
    const std::string where = file + ": " + reader.path_of("phrases") + "." + name;
    ASSAY_ASSIGN(const auto column, read_column(domain, name, where));
    const std::string text = phrase.is_string() ? phrase.get<std::string>() : "";
    const size_t hole = text.find(kHole);
    if (hole == std::string::npos || text.find(kHole, hole + 1) != std::string::npos)
      return input_error("expected a phrase with {} once, where the value stands", where, "\"in {}\"");
    out.phrases[column] = text;
  }
  const bool listed = std::any_of(domain.tables.begin(), domain.tables.end(), [&](const TableSpec& table) { return !paths_to(table, domain.tools).empty(); });
  if (!listed)
    return input_error("no tool reveals all rows of a table with their keys, so nothing can be asked about", file + ": " + path,
                       "a tool with \"reveals\": [{\"table\": …, \"complete\": true}] whose columns hold the table's key");
  return out;
}

}  // namespace assay::query
