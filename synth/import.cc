#include "synth/import.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>

#include "envs/base/rng.h"
#include "synth/convert.h"
#include "synth/csv.h"
#include "synth/mapping.h"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFileBytes = 256 << 20, kFiles = 64, kShownBytes = 40;
constexpr int64_t kImportRows = 1'000'000;

// ---- Sources ----

struct Sources {
  std::vector<RawTable> tables;
  std::vector<std::string> notes;

  const RawTable* find(const std::string& name) const {
    for (const RawTable& table : tables)
      if (table.name == name) return &table;
    return nullptr;
  }
};

std::string lower_extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return extension;
}

Result<std::vector<fs::path>> tables_in(const std::string& folder) {
  std::error_code failure;
  std::vector<fs::path> paths;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
    const std::string extension = lower_extension(it->path());
    if ((extension == ".csv" || extension == ".tsv") && it->is_regular_file(failure)) paths.push_back(it->path());
  }
  if (failure) return input_error("cannot read the folder: " + failure.message(), folder);
  if (paths.empty()) return input_error("no .csv or .tsv file here", folder, "a folder of tables, or a SQLite file");
  if (paths.size() > kFiles) return input_error("more than " + std::to_string(kFiles) + " tables", folder, "a folder with only those needed");
  std::sort(paths.begin(), paths.end());
  return paths;
}

// SQLite stores any bytes as text.
void make_valid(Sources& sources) {
  size_t replaced = 0;
  for (RawTable& table : sources.tables) {
    for (std::string& column : table.columns) column = valid_utf8(column, replaced);
    for (auto& row : table.rows)
      for (auto& cell : row)
        if (cell) cell = valid_utf8(*cell, replaced);
  }
  if (replaced > 0) sources.notes.push_back(std::to_string(replaced) + " sequences that are not UTF-8 replaced by U+FFFD");
}

Result<Sources> read_sources(const std::string& path) {
  std::error_code failure;
  Sources sources;
  const fs::file_status status = fs::status(path, failure);
  if (fs::is_regular_file(status)) {
    ASSAY_ASSIGN(sources.tables, read_sqlite_file(path));
    make_valid(sources);
    return sources;
  }
  if (!fs::is_directory(status)) return input_error("no such folder or file", path, "a folder of .csv or .tsv files, or a SQLite file");
  ASSAY_ASSIGN(const std::vector<fs::path> files, tables_in(path));
  for (const fs::path& file : files) {
    ASSAY_ASSIGN(const std::string text, read_file(file.string(), kFileBytes));
    const std::string name = file.filename().string();
    const char separator = lower_extension(file) == ".tsv" ? '\t' : guess_separator(text);
    ASSAY_ASSIGN(CsvFile csv, parse_csv(text, separator, name));
    csv.table.name = name;
    sources.tables.push_back(std::move(csv.table));
    sources.notes.insert(sources.notes.end(), csv.notes.begin(), csv.notes.end());
  }
  return sources;
}

// A user's text in a note: short, and still UTF-8.
std::string shown(std::string_view text) {
  if (text.size() <= kShownBytes) return "'" + std::string(text) + "'";
  size_t end = kShownBytes;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  return "'" + std::string(text.substr(0, end)) + "…'";
}

// ---- One table ----

struct RowHash {
  size_t operator()(const std::vector<int64_t>& cells) const {
    uint64_t hash = cells.size();
    for (int64_t cell : cells) hash = mix64(hash ^ static_cast<uint64_t>(cell));
    return static_cast<size_t>(hash);
  }
};

// How often something happened to a column, and its first example.
struct Tally {
  int64_t count = 0;
  std::string example;
  void add(std::string_view text) {
    if (count++ == 0) example = shown(text);
  }
};

// Where a column's cells come from.
struct Feed {
  int column = -1;                   // of ours
  int source = -1;                   // of the source; -1 for a constant
  const ColumnMapping* mapping = nullptr;
  Tally unreadable, rounded, added;
};

class TableImport {
 public:
  // Names of single-keyed tables seen so far, by which references are resolved: [table] text id -> row.
  using Names = std::vector<std::unordered_map<int64_t, int32_t>>;

  TableImport(Tables& tables, int table, Names& names, std::vector<std::string>& notes)
      : tables_(tables), table_(table), names_(names), notes_(notes) {}

  Status run(const TableMapping& mapping, const RawTable& source, const std::string& where) {
    ASSAY_TRY(connect(mapping, source, where));
    for (const auto& row : source.rows) {
      if (!has_key(row)) ++keyless_;
      else keep(cells_of(row));
      if (this->table().size() > kImportRows)
        return input_error("more than " + std::to_string(kImportRows) + " rows", where, "a smaller table");
    }
    add_notes();
    return {};
  }

 private:
  Table& table() { return tables_.tables[table_]; }

  Status connect(const TableMapping& mapping, const RawTable& source, const std::string& where) {
    for (const auto& [name, from] : mapping.columns) {
      Feed feed{table().spec.column_index(name), -1, &from, {}, {}, {}};
      if (!from.from.empty()) {
        const auto it = std::find(source.columns.begin(), source.columns.end(), from.from);
        if (it == source.columns.end())
          return unknown_name("column of " + source.name, from.from, source.columns, where + ".columns." + name);
        feed.source = static_cast<int>(it - source.columns.begin());
      }
      ColumnSpec& spec = table().spec.columns[feed.column];
      if (!from.unit.empty()) spec.unit = from.unit;
      feeds_.push_back(std::move(feed));
    }
    whole_key_ = std::all_of(table().spec.key.begin(), table().spec.key.end(),
                             [&](const std::string& key) { return mapping.columns.count(key) > 0; });
    return {};
  }

  static std::string_view text_of(const Feed& feed, const std::vector<std::optional<std::string>>& row) {
    if (feed.source < 0) return without_spaces(feed.mapping->constant);
    return row[feed.source] ? without_spaces(*row[feed.source]) : std::string_view();
  }

  bool is_key(int column) {
    const auto& key = table().spec.key;
    return std::find(key.begin(), key.end(), table().spec.columns[column].name) != key.end();
  }

  // A timetable without numbers of trains is still a timetable: only what is mapped of a relation's key must be there.
  bool has_key(const std::vector<std::optional<std::string>>& row) {
    return std::all_of(feeds_.begin(), feeds_.end(), [&](const Feed& feed) { return !is_key(feed.column) || !text_of(feed, row).empty(); });
  }

  std::vector<int64_t> cells_of(const std::vector<std::optional<std::string>>& row) {
    std::vector<int64_t> cells(table().spec.columns.size(), kNull);
    for (Feed& feed : feeds_) cells[feed.column] = cell(feed, text_of(feed, row));
    return cells;
  }

  int64_t cell(Feed& feed, std::string_view text) {
    if (text.empty()) return kNull;
    const ColumnSpec& spec = table().spec.columns[feed.column];
    if (spec.type == ColumnType::kText) return tables_.texts.intern(text);
    if (spec.type == ColumnType::kReference) return referred(feed, spec, text);
    if (means_missing(text)) return kNull;
    const auto number = convert(text, feed.mapping->convert, spec.decimals);
    if (!number) feed.unreadable.add(text);
    else if (number->rounded) feed.rounded.add(text);
    return number ? number->scaled : kNull;
  }

  int64_t referred(Feed& feed, const ColumnSpec& spec, std::string_view text) {
    const int target = tables_.table_index(spec.references);
    const int64_t id = tables_.texts.intern(text);
    const auto [it, added] = names_[target].try_emplace(id, tables_.tables[target].size());
    if (added) {
      Table& other = tables_.tables[target];
      for (size_t c = 0; c < other.columns.size(); ++c)
        other.columns[c].push_back(static_cast<int>(c) == other.spec.name_column() ? id : kNull);
      feed.added.add(text);
    }
    return it->second;
  }

  // Keeps a row unless its key is there already.
  void keep(const std::vector<int64_t>& cells) {
    std::vector<int64_t> key;
    for (const std::string& name : table().spec.key) key.push_back(cells[table().spec.column_index(name)]);
    if (!whole_key_) key = cells;
    const auto [it, fresh] = rows_.try_emplace(std::move(key), table().size());
    if (!fresh) {
      bool same = true;
      for (size_t c = 0; c < cells.size(); ++c) same = same && table().columns[c][it->second] == cells[c];
      if (same) ++duplicates_;
      else conflicts_.add(tables_.texts.text(static_cast<int32_t>(name_cell(cells))));
      return;
    }
    if (names_keyed()) names_[table_].emplace(cells[table().spec.name_column()], table().size());
    for (size_t c = 0; c < cells.size(); ++c) table().columns[c].push_back(cells[c]);
  }

  bool names_keyed() { return table().spec.is_entity() && table().spec.key.size() == 1; }

  // A text to speak of a row by: its name, or the first text of its key, or of the row it refers to.
  int64_t name_cell(const std::vector<int64_t>& cells) {
    const int column = table().spec.column_index(table().spec.key[0]);
    const ColumnSpec& spec = table().spec.columns[column];
    if (spec.type == ColumnType::kText) return cells[column];
    if (spec.type != ColumnType::kReference) return tables_.texts.intern(number_text(cells[column], spec.decimals));
    const Table& target = tables_.at(spec.references);
    return target.cell(target.spec.name_column(), static_cast<int32_t>(cells[column]));
  }

  void say(std::string what) { notes_.push_back(table().spec.name + ": " + std::move(what)); }

  void add_notes() {
    if (keyless_ > 0) say(std::to_string(keyless_) + " rows dropped that lack a key (" + keys_text() + ")");
    if (duplicates_ > 0) say(std::to_string(duplicates_) + " exact duplicates dropped");
    if (conflicts_.count > 0)
      say(std::to_string(conflicts_.count) + " rows dropped that repeat a key (" + keys_text() +
          ") with other values; the first of each is kept, for example " + conflicts_.example);
    for (const Feed& feed : feeds_) {
      const std::string column = table().spec.columns[feed.column].name;
      if (feed.unreadable.count > 0)
        say(column + ": " + std::to_string(feed.unreadable.count) + " values are no numbers and count as missing, for example " + feed.unreadable.example);
      if (feed.rounded.count > 0)
        say(column + ": " + std::to_string(feed.rounded.count) + " values rounded, for example " + feed.rounded.example);
      if (feed.added.count > 0)
        notes_.push_back(table().spec.columns[feed.column].references + ": " + std::to_string(feed.added.count) + " added that only " +
                         table().spec.name + "." + column + " names, for example " + feed.added.example);
    }
  }

  std::string keys_text() {
    std::string out;
    for (const std::string& key : table().spec.key) out += (out.empty() ? "" : ", ") + key;
    return out;
  }

  Tables& tables_;
  const int table_;
  Names& names_;
  std::vector<std::string>& notes_;
  std::vector<Feed> feeds_;
  bool whole_key_ = true;
  std::unordered_map<std::vector<int64_t>, int32_t, RowHash> rows_;
  int64_t keyless_ = 0, duplicates_ = 0;
  Tally conflicts_;
};

// ---- The environment ----

// The declared ranges are public and bounds are drawn from them: they must hold for what is there.
void widen_ranges(Tables& tables, std::vector<std::string>& notes) {
  for (Table& table : tables.tables)
    for (size_t c = 0; c < table.columns.size(); ++c) {
      ColumnSpec& spec = table.spec.columns[c];
      if (!spec.is_number()) continue;
      const int64_t low = spec.low, high = spec.high;
      for (int64_t cell : table.columns[c]) {
        if (cell == kNull) continue;
        spec.low = std::min(spec.low, cell);
        spec.high = std::max(spec.high, cell);
      }
      if (spec.low == low && spec.high == high) continue;
      const auto range = [&](int64_t a, int64_t b) { return number_text(a, spec.decimals) + " to " + number_text(b, spec.decimals); };
      notes.push_back(table.spec.name + ": the range of " + spec.name + " is widened from " + range(low, high) + " to " + range(spec.low, spec.high));
    }
}

std::vector<std::string> columns_without_values(const Tables& tables) {
  std::vector<std::string> missing;
  for (const Table& table : tables.tables)
    for (size_t c = 0; c < table.columns.size(); ++c)
      if (std::all_of(table.columns[c].begin(), table.columns[c].end(), [](int64_t cell) { return cell == kNull; }))
        missing.push_back(table.spec.name + "." + table.spec.columns[c].name);
  return missing;
}

// Takes out of a tool what it can no longer say. False if nothing is left of it.
bool reduce_tool(ToolSpec& tool, const std::set<std::string>& missing) {
  if (tool.reveals.empty()) return true;
  std::vector<Reveal> kept;
  std::set<std::string> silent;  // members of results that are always null
  for (Reveal reveal : tool.reveals) {
    const auto lacks = [&](const std::string& column) { return missing.count(reveal.table + "." + column) > 0; };
    for (auto it = reveal.columns.begin(); it != reveal.columns.end();) {
      if (!lacks(it->first)) { ++it; continue; }
      silent.insert(it->second);
      it = reveal.columns.erase(it);
    }
    const bool answerable = std::none_of(reveal.given.begin(), reveal.given.end(), [&](const auto& given) { return lacks(given.first); });
    if (answerable && (!reveal.columns.empty() || !reveal.counts.empty())) kept.push_back(std::move(reveal));
  }
  tool.reveals = std::move(kept);
  if (tool.reveals.empty()) return false;
  if (!tool.body.is_object() || !tool.body.contains("keywords")) return true;
  Json& items = tool.parameters["properties"][tool.body["keywords"].get_ref<const std::string&>()]["items"];
  if (!items.is_object() || !items.contains("enum")) return true;
  Json left = Json::array();
  for (const Json& keyword : items["enum"])
    if (!keyword.is_string() || !silent.count(keyword.get_ref<const std::string&>())) left.push_back(keyword);
  items["enum"] = left;
  return !left.empty();
}

std::vector<ToolSpec> reduced_tools(const Domain& domain, const std::vector<std::string>& missing, std::vector<std::string>& notes) {
  const std::set<std::string> lacking(missing.begin(), missing.end());
  std::vector<ToolSpec> tools;
  for (ToolSpec tool : domain.tools) {
    if (reduce_tool(tool, lacking)) tools.push_back(std::move(tool));
    else notes.push_back("the tool " + tool.name + " is left out: the data has nothing that it could return");
  }
  return tools;
}

// Without entities for every field of the answer there is nothing to ask for.
Status check_answerable(const Domain& domain, const Tables& tables, const std::string& data_path) {
  for (const auto& [archetype, part] : domain.archetypes) {
    if (!part.contains("answer")) continue;
    for (const Json& field : part["answer"]["fields"]) {
      if (!field.contains("table")) continue;
      const Table& table = tables.at(field["table"].get_ref<const std::string&>());
      if (table.size() == 0)
        return input_error("no " + table.spec.plural + ", which answers must name", data_path, "map a source to the table '" + table.spec.name + "'");
    }
  }
  return {};
}

Result<Mapping> choose_mapping(const Domain& domain, const Sources& sources, const std::string& mapping_path) {
  if (mapping_path.empty()) return propose_mapping(domain, sources.tables);
  ASSAY_ASSIGN(const Json json, read_json_file(mapping_path, {.bytes = 1 << 20, .depth = 16}));
  return mapping_from_json(json, domain, mapping_path);
}

Result<Tables> read_tables(const Domain& domain, const Mapping& mapping, const Sources& sources, const std::string& where,
                           std::vector<std::string>& notes) {
  Tables tables;
  for (const TableSpec& spec : domain.tables) tables.tables.push_back({spec, std::vector<std::vector<int64_t>>(spec.columns.size())});
  TableImport::Names names(tables.tables.size());
  for (int t = 0; t < static_cast<int>(tables.tables.size()); ++t) {
    const auto it = mapping.tables.find(domain.tables[t].name);
    if (it == mapping.tables.end()) continue;
    const std::string path = where + ": $.tables." + it->first;
    const RawTable* source = sources.find(it->second.source);
    if (!source) {
      std::vector<std::string> known;
      for (const RawTable& table : sources.tables) known.push_back(table.name);
      return unknown_name("source", it->second.source, known, path + ".source");
    }
    TableImport import(tables, t, names, notes);
    ASSAY_TRY(import.run(it->second, it->second.header ? *source : without_header(*source), path));
  }
  return tables;
}

}  // namespace

Result<ImportReport> import_environment(const Domain& domain, const std::string& data_path, const std::string& mapping_path) {
  ASSAY_ASSIGN(const Sources sources, read_sources(data_path));
  ASSAY_ASSIGN(const Mapping mapping, choose_mapping(domain, sources, mapping_path));
  ImportReport report;
  report.proposed = mapping_path.empty();
  report.mapping = to_json(mapping);
  Environment environment;
  environment.domain = domain.name;
  environment.notes = sources.notes;
  ASSAY_ASSIGN(environment.tables,
               read_tables(domain, mapping, sources, report.proposed ? "proposed mapping" : mapping_path, environment.notes));
  ASSAY_TRY(check_answerable(domain, environment.tables, data_path));
  widen_ranges(environment.tables, environment.notes);
  report.missing_columns = columns_without_values(environment.tables);
  environment.tools = tools_over(reduced_tools(domain, report.missing_columns, environment.notes), environment.tables);
  ASSAY_ASSIGN(report.environment, finish_environment(std::move(environment)));
  return report;
}

}  // namespace assay
