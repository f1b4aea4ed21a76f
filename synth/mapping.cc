#include "synth/mapping.h"

#include <algorithm>
#include <set>

#include "synth/convert.h"
#include "synth/csv.h"

namespace assay {
namespace {

constexpr const char* kFormat = "assay-mapping/1";
constexpr const char* kPlain = "number";

ColumnMapping read_column(const Json& json, bool header, const std::string& file, const std::string& path, Status& status) {
  ColumnMapping column{.convert = kPlain};
  const auto name_of = [&](const Json& from) -> std::string {
    if (header && from.is_string() && !from.get_ref<const std::string&>().empty()) return from.get<std::string>();
    if (!header && from.is_number_integer() && from >= 1) return std::to_string(from.get<int64_t>());
    status = input_error(header ? "expected the name of a column" : "expected the number of a column, from 1", file + ": " + path);
    return "";
  };
  if (!json.is_object()) {
    column.from = name_of(json);
    return column;
  }
  JsonReader r(json, file, path);
  const bool constant = r.has("constant");
  if (constant) column.constant = r.text("constant");
  else column.from = name_of(r.member("from"));
  column.convert = r.text_or("convert", kPlain);
  column.unit = r.text_or("unit", "");
  const auto& known = converter_names();
  if (std::find(known.begin(), known.end(), column.convert) == known.end()) {
    const Error error = unknown_name("conversion", column.convert, known);
    r.fail("convert", error.what, error.hint);
  }
  if (constant && without_spaces(column.constant).empty()) r.fail("constant", "expected a text that is not empty");
  if (Status finished = r.finish(); !finished.ok()) status = finished;
  return column;
}

std::vector<std::string> names_of(const TableSpec& spec) {
  std::vector<std::string> names;
  for (const ColumnSpec& column : spec.columns) names.push_back(column.name);
  return names;
}

Result<TableMapping> read_table(const Json& json, const TableSpec& spec, const std::string& file, const std::string& path) {
  JsonReader r(json, file, path);
  TableMapping table;
  table.source = r.text("source");
  table.header = r.boolean_or("header", true);
  const Json& columns = r.object("columns");
  ASSAY_TRY(r.finish());
  for (const auto& [name, value] : columns.items()) {
    const std::string where = path + ".columns." + name;
    if (spec.column_index(name) < 0) return unknown_name("column", name, names_of(spec), file + ": " + where);
    Status status;
    table.columns[name] = read_column(value, table.header, file, where, status);
    ASSAY_TRY(status);
  }
  for (const std::string& key : spec.key)
    if (spec.is_entity() && !table.columns.count(key))
      return input_error("missing; " + spec.plural + " are identified by it", file + ": " + path + ".columns." + key,
                         "the column that holds it, or {\"constant\":…}");
  return table;
}

// ---- Proposing ----

constexpr int kExact = 100, kSynonym = 90, kPart = 60, kNear = 40;
constexpr size_t kSample = 500;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool kept = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80);
    if (kept) words.back() += upper ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!words.back().empty()) words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += word;
  return out;
}

// How well a name given by a user fits one of ours, 0 for not at all.
int name_score(const std::string& given, const std::string& known, int exact) {
  const auto a = words_of(given), b = words_of(known);
  if (a.empty() || b.empty()) return 0;
  const std::string x = joined(a), y = joined(b);
  if (x == y) return exact;
  if (std::search(a.begin(), a.end(), b.begin(), b.end()) != a.end()) return kPart;
  return y.size() >= 6 && !nearest_name(x, {y}).empty() ? kNear : 0;
}

int best_score(const std::string& given, const std::vector<std::string>& own, const Json& synonyms) {
  int best = 0;
  for (const std::string& name : own) best = std::max(best, name_score(given, name, kExact));
  for (const Json& name : synonyms) best = std::max(best, name_score(given, name.get_ref<const std::string&>(), kSynonym));
  return best;
}

const Json& hints_of(const Domain& domain, const std::string& table) {
  static const Json kNone = Json::object();
  const auto tables = domain.import.find("tables");
  if (tables == domain.import.end() || !tables->contains(table)) return kNone;
  return (*tables)[table];
}

const Json& member(const Json& object, const char* name) {
  static const Json kNone;
  const auto it = object.find(name);
  return it == object.end() ? kNone : *it;
}

// The conversion under which four in five cells are numbers; "" if none, or if there are no cells.
std::string fitting_converter(const RawTable& source, size_t column, const ColumnSpec& spec) {
  std::vector<std::string> candidates = {kPlain};
  if (spec.unit == "minutes") candidates = {"minutes"};
  if (spec.unit == "km") candidates = {"kilometres"};
  for (const std::string& converter : candidates) {
    size_t seen = 0, good = 0;
    for (size_t row = 0; row < source.rows.size() && seen < kSample; ++row) {
      const auto& cell = source.rows[row][column];
      if (!cell || means_missing(*cell)) continue;
      ++seen;
      good += convert(*cell, converter, spec.decimals).has_value();
    }
    if (seen > 0 && good * 5 >= seen * 4) return converter;
  }
  return "";
}

bool has_text(const RawTable& source, size_t column) {
  return std::any_of(source.rows.begin(), source.rows.end(), [&](const auto& row) { return row[column] && !without_spaces(*row[column]).empty(); });
}

struct Fit {
  int score = 0;
  size_t column = 0, source_column = 0;
  std::string converter;
};

struct Proposal {
  int score = 0;
  size_t table = 0, source = 0;
  TableMapping mapping;
};

std::vector<Fit> column_fits(const TableSpec& spec, const Json& hints, const RawTable& source) {
  std::vector<Fit> fits;
  for (size_t c = 0; c < spec.columns.size(); ++c) {
    const ColumnSpec& column = spec.columns[c];
    const Json& synonyms = member(member(hints, "columns"), column.name.c_str());
    for (size_t s = 0; s < source.columns.size(); ++s) {
      const int score = best_score(source.columns[s], {column.name, column.label}, synonyms);
      if (score == 0) continue;
      std::string converter = column.is_number() ? fitting_converter(source, s, column) : has_text(source, s) ? kPlain : "";
      if (!converter.empty()) fits.push_back({score, c, s, std::move(converter)});
    }
  }
  std::stable_sort(fits.begin(), fits.end(), [](const Fit& a, const Fit& b) { return a.score > b.score; });
  return fits;
}

// The column of the first row that tells rows apart best: the names in a list without a header.
std::optional<TableMapping> without_names(const TableSpec& spec, const RawTable& source) {
  if (spec.key.size() != 1 || !spec.is_entity()) return std::nullopt;
  size_t best = 0, best_column = 0;
  for (size_t c = 0; c < source.columns.size(); ++c) {
    std::set<std::string_view> texts;
    for (const auto& row : source.rows)
      if (row[c] && !convert(*row[c], kPlain, 0)) texts.insert(*row[c]);
    if (texts.size() > best) {
      best = texts.size();
      best_column = c;
    }
  }
  if (best == 0) return std::nullopt;
  return TableMapping{source.name, false, {{spec.key[0], {.from = std::to_string(best_column + 1), .convert = kPlain}}}};
}

std::optional<Proposal> propose(const Domain& domain, size_t t, const std::vector<RawTable>& sources, size_t s) {
  const TableSpec& spec = domain.tables[t];
  const Json& hints = hints_of(domain, spec.name);
  const RawTable& source = sources[s];
  const int by_name = best_score(source.name.substr(0, source.name.rfind('.')), {spec.name, spec.label, spec.plural}, member(hints, "names"));
  Proposal proposal{by_name * 4, t, s, {source.name, true, {}}};
  std::set<size_t> used;
  size_t informative = 0;
  for (const Fit& fit : column_fits(spec, hints, source)) {
    const ColumnSpec& column = spec.columns[fit.column];
    if (proposal.mapping.columns.count(column.name) || !used.insert(fit.source_column).second) continue;
    proposal.mapping.columns[column.name] = {.from = source.columns[fit.source_column], .convert = fit.converter};
    proposal.score += fit.score;
    informative += std::find(spec.key.begin(), spec.key.end(), column.name) == spec.key.end();
  }
  const bool keyed = std::all_of(spec.key.begin(), spec.key.end(), [&](const std::string& key) {
    const bool needed = spec.is_entity() || spec.columns[spec.column_index(key)].type == ColumnType::kReference;
    return !needed || proposal.mapping.columns.count(key);
  });
  if (!keyed && by_name > 0) {
    auto bare = without_names(spec, source);
    if (!bare) return std::nullopt;
    proposal.mapping = *bare;
    return proposal;
  }
  // A file of another name must look the part: names and cities alone could be anything's.
  const size_t others = spec.columns.size() - spec.key.size();
  if (!keyed || (by_name == 0 && informative * 2 < std::max<size_t>(others, 1))) return std::nullopt;
  return proposal;
}

}  // namespace

Json to_json(const Mapping& mapping) {
  Json tables = Json::object();
  for (const auto& [name, table] : mapping.tables) {
    Json columns = Json::object();
    for (const auto& [column, from] : table.columns) {
      Json source = from.from;
      if (!table.header && !from.from.empty()) source = std::stoll(from.from);
      Json json = from.from.empty() ? Json{{"constant", from.constant}} : Json{{"from", source}};
      if (from.convert != kPlain) json["convert"] = from.convert;
      if (!from.unit.empty()) json["unit"] = from.unit;
      columns[column] = json.size() == 1 && json.contains("from") ? source : json;
    }
    tables[name] = {{"source", table.source}, {"columns", std::move(columns)}};
    if (!table.header) tables[name]["header"] = false;
  }
  return {{"format", kFormat}, {"tables", std::move(tables)}};
}

Result<Mapping> mapping_from_json(const Json& json, const Domain& domain, const std::string& file) {
  JsonReader r(json, file, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected \"") + kFormat + "\"");
  const Json& tables = r.object("tables");
  ASSAY_TRY(r.finish());
  Mapping mapping;
  for (const auto& [name, value] : tables.items()) {
    const std::string path = r.path_of("tables") + "." + name;
    const auto spec = std::find_if(domain.tables.begin(), domain.tables.end(), [&](const TableSpec& t) { return t.name == name; });
    if (spec == domain.tables.end()) {
      std::vector<std::string> known;
      for (const TableSpec& table : domain.tables) known.push_back(table.name);
      return unknown_name("table", name, known, file + ": " + path);
    }
    ASSAY_ASSIGN(mapping.tables[name], read_table(value, *spec, file, path));
  }
  return mapping;
}

Mapping propose_mapping(const Domain& domain, const std::vector<RawTable>& sources) {
  std::vector<Proposal> proposals;
  for (size_t t = 0; t < domain.tables.size(); ++t)
    for (size_t s = 0; s < sources.size(); ++s)
      if (auto proposal = propose(domain, t, sources, s)) proposals.push_back(std::move(*proposal));
  std::stable_sort(proposals.begin(), proposals.end(), [](const Proposal& a, const Proposal& b) { return a.score > b.score; });
  Mapping mapping;
  std::set<size_t> used;
  for (Proposal& proposal : proposals) {
    const std::string& table = domain.tables[proposal.table].name;
    if (mapping.tables.count(table) || !used.insert(proposal.source).second) continue;
    mapping.tables[table] = std::move(proposal.mapping);
  }
  return mapping;
}

}  // namespace assay
