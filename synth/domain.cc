#include "synth/domain.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>

#include "envs/answer.h"
#include "envs/base/hash.h"
#include "envs/database.h"
#include "envs/domains.h"
#include "envs/toolset.h"
#include "synth/archetype.h"
#include "synth/corpus.h"
#include "synth/fill_plan.h"
#include "synth/program/folder.h"
#include "synth/program/program_task.h"
#include "synth/tool_forms.h"
#include "verifiers/wording.h"

namespace assay {
namespace {

constexpr const char* kFormat = "assay-domain/1";
constexpr JsonLimits kFileLimits{.bytes = 8 << 20, .depth = 32};
constexpr size_t kTables = 64, kColumns = 64, kTools = 128, kVocabularyWords = 100'000;
constexpr size_t kListedValues = 16, kListedBytes = 320;   // more are too many to read

bool is_identifier(std::string_view name) {
  if (name.empty() || name.size() > 64 || !(name[0] >= 'a' && name[0] <= 'z')) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

std::string item_path(const std::string& path, size_t index) { return path + "[" + std::to_string(index) + "]"; }

class Compiler {
 public:
  Compiler(const Json& source, std::string file) : source_(source), file_(std::move(file)) {}

  Result<std::shared_ptr<const Domain>> compile() {
    JsonReader r(source_, file_, "$");
    ASSAY_TRY(read_head(r));
    ASSAY_TRY(check_vocabularies(r));
    ASSAY_TRY(read_tables(r));
    ASSAY_TRY(read_tools(r));
    ASSAY_TRY(read_archetypes(r));
    ASSAY_TRY(check_import(r));
    ASSAY_TRY(check_unused(r));
    if (!domain_->tables.empty() && !by_program()) domain_->fill = plan_;
    domain_->hash = json_identity(source_);
    domain_->source = source_.dump();
    return std::shared_ptr<const Domain>(domain_);
  }

 private:
  Error error(const std::string& path, std::string what, std::string hint = "") const {
    return input_error(std::move(what), file_ + ": " + path, std::move(hint));
  }
  Error unknown(std::string_view noun, std::string_view name, const std::vector<std::string>& known, const std::string& path) const {
    return unknown_name(noun, name, known, file_ + ": " + path);
  }

  Status read_head(JsonReader& r);
  Status check_vocabularies(const JsonReader& r);
  Status read_tables(JsonReader& r);
  Status read_table(Json json, const std::string& path);
  Status check_schema(const TableSpec& spec, const std::string& path) const;
  Status read_tools(JsonReader& r);
  Status add_tool(const Json& declaration, const std::string& path);
  Status check_reveal(const ToolSpec& tool, const Reveal& reveal, const std::string& path) const;
  Status check_values(ToolSpec& tool, const std::string& path) const;
  Status check_calls(const ToolSpec& tool, const std::string& path) const;
  Status read_archetypes(JsonReader& r);
  Status check_import(JsonReader& r) const;
  Status check_unused(const JsonReader& r) const;

  // Whether a program makes the rows, instead of fills.
  bool by_program() const {
    const auto archetypes = source_.find("archetypes");
    return archetypes != source_.end() && archetypes->is_object() && archetypes->contains(kProgramArchetype);
  }
  const TableSpec* find(std::string_view table) const { return domain_->find_table(table); }
  // Of the archetype "query", if there are any; checked there.
  const Json& phrases() const {
    static const Json kNone = Json::object();
    const Json* at = &source_;
    for (const char* name : {"archetypes", "query", "phrases"}) {
      if (!at->is_object() || !at->contains(name)) return kNone;
      at = &(*at)[name];
    }
    return *at;
  }
  std::vector<std::string> table_names() const {
    std::vector<std::string> names;
    for (const TableSpec& spec : domain_->tables) names.push_back(spec.name);
    return names;
  }

  const Json& source_;
  std::string file_;
  std::shared_ptr<Domain> domain_ = std::make_shared<Domain>();
  std::shared_ptr<FillPlan> plan_ = std::make_shared<FillPlan>();
  Environment empty_;                         // the schema without a row, on which tools are tried
  std::shared_ptr<const Database> database_;
};

std::vector<std::string> column_names(const TableSpec& spec) {
  std::vector<std::string> names;
  for (const ColumnSpec& column : spec.columns) names.push_back(column.name);
  return names;
}

// The members in one pass, so that a misspelt one is reported before anything that builds on it.
Status Compiler::read_head(JsonReader& r) {
  if (r.text("format") != kFormat) r.fail("format", std::string("expected \"") + kFormat + "\"");
  domain_->name = r.text("name");
  if (!r.failed() && !is_identifier(domain_->name)) r.fail("name", "expected lower-case letters, digits and underscores");
  domain_->version = r.text("version");
  domain_->title = r.text("title");
  domain_->summary = r.text("summary");
  domain_->settings = r.has("settings") ? r.object("settings") : Json::object();
  domain_->vocabularies = r.has("vocabularies") ? r.object("vocabularies") : Json::object();
  domain_->import = r.has("import") ? r.object("import") : Json::object();
  r.array("tools");
  r.object("archetypes");
  for (const char* name : {"settings", "vocabularies", "tables", "import"}) r.member_or_null(name);
  return r.finish();
}

Status Compiler::check_vocabularies(const JsonReader& r) {
  for (const auto& [name, words] : domain_->vocabularies.items()) {
    const std::string path = r.path_of("vocabularies") + "." + name;
    if (!words.is_array() || words.empty() || words.size() > kVocabularyWords)
      return error(path, "expected an array of 1 to " + std::to_string(kVocabularyWords) + " strings");
    std::set<std::string> seen;
    for (size_t i = 0; i < words.size(); ++i) {
      if (!words[i].is_string() || words[i].get_ref<const std::string&>().empty())
        return error(item_path(path, i), "expected a string that is not empty");
      if (!seen.insert(words[i].get<std::string>()).second) return error(item_path(path, i), "the word occurs twice");
    }
  }
  return {};
}

Status Compiler::read_tables(JsonReader& r) {
  static const Json kNone = Json::array();   // a domain whose tools run programs needs none
  const Json& tables = r.has("tables") ? r.array("tables") : kNone;
  if (tables.size() > kTables) return error(r.path_of("tables"), "more than " + std::to_string(kTables) + " tables");
  domain_->tables.reserve(tables.size());
  for (size_t i = 0; i < tables.size(); ++i) ASSAY_TRY(read_table(tables[i], item_path(r.path_of("tables"), i)));
  for (const TableSpec& spec : domain_->tables)
    empty_.tables.tables.push_back({spec, std::vector<std::vector<int64_t>>(spec.columns.size())});
  empty_.domain = domain_->name;
  ASSAY_TRY(empty_.tables.build_index());
  ASSAY_ASSIGN(database_, Database::build(empty_.tables));
  return {};
}

// The fills are taken out of a copy, because the reader of a table knows nothing of them and refuses what it does not know.
Status Compiler::read_table(Json json, const std::string& path) {
  if (!json.is_object()) return error(path, std::string("expected an object, found ") + json.type_name());
  if (by_program()) {
    ASSAY_ASSIGN(TableSpec spec, table_spec_from_json(json, file_, path));
    ASSAY_TRY(check_schema(spec, path));
    domain_->tables.push_back(std::move(spec));
    return {};
  }
  if (!json.contains("rows")) return error(path + ".rows", "missing; expected how to make the rows", "\"rows\":{\"kind\":…}");
  Json rows = std::move(json["rows"]);
  json.erase("rows");
  std::vector<Json> fills;
  if (json.contains("columns") && json["columns"].is_array()) {
    if (json["columns"].size() > kColumns) return error(path + ".columns", "more than " + std::to_string(kColumns) + " columns");
    for (Json& column : json["columns"]) {
      fills.push_back(column.is_object() && column.contains("fill") ? std::move(column["fill"]) : Json());
      if (column.is_object()) column.erase("fill");
      ASSAY_TRY(fill_in_settings(fills.back(), domain_->settings, file_ + ": " + path + ".columns[" + std::to_string(fills.size() - 1) + "].fill"));
    }
  }
  ASSAY_TRY(fill_in_settings(rows, domain_->settings, file_ + ": " + path + ".rows"));
  ASSAY_ASSIGN(TableSpec spec, table_spec_from_json(json, file_, path));
  ASSAY_TRY(check_schema(spec, path));
  domain_->tables.push_back(std::move(spec));
  return plan_->add(domain_->tables, domain_->vocabularies, rows, fills, file_, path);
}

Status Compiler::check_schema(const TableSpec& spec, const std::string& path) const {
  if (!is_identifier(spec.name)) return error(path + ".name", "expected lower-case letters, digits and underscores");
  if (find(spec.name)) return error(path + ".name", "the table '" + spec.name + "' is declared twice");
  const auto begins_with_article = [](const std::string& label) { return label.starts_with("the ") || label.starts_with("a ") || label.starts_with("an "); };
  if (begins_with_article(spec.label)) return error(path + ".label", "'" + spec.label + "' begins with an article; sentences add their own");
  for (size_t c = 0; c < spec.columns.size(); ++c) {
    const ColumnSpec& column = spec.columns[c];
    const std::string where = item_path(path + ".columns", c);
    if (begins_with_article(column.label)) return error(where + ".label", "'" + column.label + "' begins with an article; sentences add their own");
    if (!is_identifier(column.name)) return error(where + ".name", "expected lower-case letters, digits and underscores");
    if (column.type != ColumnType::kReference) continue;
    const TableSpec* target = find(column.references);
    if (!target)
      return error(where + ".references", "no earlier table is named '" + column.references + "'",
                   "declare the table before this one");
    if (target->key.size() != 1 || !target->is_entity())
      return error(where + ".references", "the table '" + column.references + "' is not keyed by one text column alone");
  }
  return {};
}

Status Compiler::read_tools(JsonReader& r) {
  const Json& tools = r.array("tools");
  if (tools.empty() || tools.size() > kTools)
    return error(r.path_of("tools"), "expected 1 to " + std::to_string(kTools) + " tools");
  for (size_t i = 0; i < tools.size(); ++i) ASSAY_TRY(add_tool(tools[i], item_path(r.path_of("tools"), i)));
  const bool submits = std::any_of(domain_->tools.begin(), domain_->tools.end(),
                                   [](const ToolSpec& tool) { return tool.effect == ToolEffect::kSubmit; });
  return submits ? Status{} : add_tool(submission_tool(), r.path_of("tools"));
}

Status Compiler::add_tool(const Json& declaration, const std::string& path) {
  ASSAY_ASSIGN(const Json expanded, expand_tool(declaration, domain_->tables, phrases(), file_, path));
  ASSAY_ASSIGN(ToolSpec tool, tool_spec_from_json(expanded, file_, path));
  for (const ToolSpec& other : domain_->tools)
    if (other.name == tool.name) return error(path + ".name", "the tool '" + tool.name + "' is declared twice");
  for (size_t k = 0; k < tool.reveals.size(); ++k)
    ASSAY_TRY(check_reveal(tool, tool.reveals[k], item_path(path + ".reveals", k)));
  ASSAY_TRY(check_values(tool, path));
  ASSAY_TRY(check_calls(tool, path));
  domain_->tools.push_back(std::move(tool));
  return {};
}

// "{values of TABLE.COLUMN}" in a text.
struct NamedValues {
  size_t at, size;
  std::string table, column;
};
std::optional<NamedValues> named_values(const std::string& text) {
  static constexpr std::string_view kBegin = "{values of ";
  const size_t at = text.find(kBegin), end = at == std::string::npos ? at : text.find('}', at);
  if (end == std::string::npos) return std::nullopt;
  const std::string path = text.substr(at + kBegin.size(), end - at - kBegin.size());
  const size_t dot = std::min(path.find('.'), path.size());
  return NamedValues{at, end + 1 - at, path.substr(0, dot), path.substr(std::min(dot + 1, path.size()))};
}

// Of the parameters that have descriptions, their schemas.
std::vector<std::reference_wrapper<Json>> described_parameters(ToolSpec& tool) {
  std::vector<std::reference_wrapper<Json>> out;
  if (!tool.parameters.is_object() || !tool.parameters.contains("properties")) return out;
  for (Json& property : tool.parameters["properties"])
    if (property.is_object() && property.contains("description") && property["description"].is_string()) out.emplace_back(property);
  return out;
}

Status Compiler::check_values(ToolSpec& tool, const std::string& path) const {
  for (const Json& property : described_parameters(tool)) {
    const auto named = named_values(property["description"].get<std::string>());
    if (!named) continue;
    const TableSpec* table = find(named->table);
    if (!table) return unknown("table", named->table, table_names(), path + ".parameters");
    const int column = table->column_index(named->column);
    if (column < 0) return unknown("column", named->column, column_names(*table), path + ".parameters");
    if (table->columns[static_cast<size_t>(column)].type != ColumnType::kText) return error(path + ".parameters", "only the values of a text column can be listed");
  }
  return {};
}

Status Compiler::check_reveal(const ToolSpec& tool, const Reveal& reveal, const std::string& path) const {
  const TableSpec* table = find(reveal.table);
  if (!table) return unknown("table", reveal.table, table_names(), path + ".table");
  std::vector<std::string> parameters;
  if (tool.parameters.contains("properties") && tool.parameters["properties"].is_object())
    for (const auto& [name, schema] : tool.parameters["properties"].items()) parameters.push_back(name);
  for (const auto& [column, parameter] : reveal.given) {
    if (table->column_index(column) < 0) return unknown("column", column, column_names(*table), path + ".given");
    if (std::find(parameters.begin(), parameters.end(), parameter) == parameters.end())
      return unknown("parameter", parameter, parameters, path + ".given." + column);
  }
  for (const auto& [column, member] : reveal.columns)
    if (table->column_index(column) < 0) return unknown("column", column, column_names(*table), path + ".columns");
  return {};
}

// What a reveal says stands in the result: [what, member].
std::map<std::string, std::string> members_of(const Reveal& reveal) {
  return reveal.counts.empty() ? reveal.columns : std::map<std::string, std::string>{{"counts", reveal.counts}};
}

// Binds the tool alone over the empty database: kind, schema of its parameters, SQL, and what they say of each other. Then
// what it reveals against what its query selects.
Status Compiler::check_calls(const ToolSpec& tool, const std::string& path) const {
  auto environment = std::make_shared<Environment>(empty_);
  environment->tools = {tool};
  if (auto tools = Toolset::open(environment, database_); !tools.ok()) {
    const Error& problem = tools.error();
    const bool of_sql = problem.boundary == Boundary::kTool || problem.boundary == Boundary::kLimit;   // what a connection refuses
    return make_error(Boundary::kInput, problem.what, file_ + ": " + path + (of_sql ? ".body.sql" : "") + " (" + tool.name + ")", problem.hint);
  }
  if (!tool.body.is_object() || !tool.body.contains("sql")) return {};
  ASSAY_ASSIGN(auto connection, Connection::open(database_));
  ASSAY_ASSIGN(auto query, connection->prepare(tool.body["sql"].get<std::string>(), file_ + ": " + path + ".body.sql"));
  for (size_t k = 0; k < tool.reveals.size(); ++k)
    for (const auto& [column, member] : members_of(tool.reveals[k]))
      if (!member.empty() && std::find(query->columns().begin(), query->columns().end(), member) == query->columns().end())
        return unknown("result column", member, query->columns(), item_path(path + ".reveals", k) + (column == "counts" ? "." : ".columns.") + column);
  return {};
}

Status Compiler::read_archetypes(JsonReader& r) {
  const Json& archetypes = r.object("archetypes");
  if (archetypes.empty()) return error(r.path_of("archetypes"), "expected at least one way of making tasks");
  for (const auto& [name, part] : archetypes.items()) {
    const std::string path = r.path_of("archetypes") + "." + name;
    const Result<const Archetype*> archetype = find_archetype(name);
    if (!archetype.ok()) return make_error(Boundary::kInput, archetype.error().what, file_ + ": " + path, archetype.error().hint);
    if (!part.is_object()) return error(path, std::string("expected an object, found ") + part.type_name());
    Json completed = part;
    ASSAY_TRY((*archetype)->compile(*domain_, completed, file_, path));
    domain_->archetypes[name] = std::move(completed);
  }
  return {};
}

Status Compiler::check_import(JsonReader& r) const {
  const std::string path = r.path_of("import");
  JsonReader import(domain_->import, file_, path);
  const Json& tables = import.has("tables") ? import.object("tables") : Json::object();
  import.member_or_null("tables");
  ASSAY_TRY(import.finish());
  for (const auto& [name, hints] : tables.items()) {
    const TableSpec* table = find(name);
    if (!table) return unknown("table", name, table_names(), path + ".tables");
    JsonReader h(hints, file_, path + ".tables." + name);
    h.texts_or("names", {});
    const Json columns = h.has("columns") ? h.object("columns") : Json::object();
    h.member_or_null("columns");
    ASSAY_TRY(h.finish());
    JsonReader c(columns, file_, h.path_of("columns"));
    for (const ColumnSpec& column : table->columns) c.texts_or(column.name.c_str(), {});
    ASSAY_TRY(c.finish());
  }
  return {};
}

// Calls `see` for every text in `json`, with the member that it is the value of, or that its list is.
template <typename See>
void each_text(const Json& json, const See& see, const std::string& member = "") {
  if (json.is_string()) see(member, json.get_ref<const std::string&>());
  else if (json.is_structured())
    for (auto it = json.begin(); it != json.end(); ++it) each_text(*it, see, json.is_object() ? it.key() : member);
}

// What is declared and not used is a slip of the pen, or what it was for has been forgotten.
Status Compiler::check_unused(const JsonReader& r) const {
  std::set<std::string> settings, words;
  each_text(source_, [&](const std::string&, const std::string& text) {
    if (text.starts_with("$")) settings.insert(text.substr(1));
  });
  each_text(source_.value("tables", Json::array()), [&](const std::string& member, const std::string& text) {
    if (member == "vocabulary") words.insert(text);
    for (size_t at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) words.insert(text.substr(at + 1, text.find('}', at) - at - 1));
  });
  for (const auto& [name, value] : domain_->settings.items())
    if (!settings.count(name)) return error(r.path_of("settings") + "." + name, "nothing uses this setting", "\"$" + name + "\" where it belongs, or take it out");
  for (const auto& [name, value] : domain_->vocabularies.items())
    if (!words.count(name)) return error(r.path_of("vocabularies") + "." + name, "no table is filled from this vocabulary", "use it, or take it out");
  return {};
}

// "price (price per night in CNY, 60 to 3000)".
std::string column_text(const ColumnSpec& column) {
  constexpr int64_t kUnlimited = 1'000'000'000;
  std::string spoken = column.name;   // "blood_group" needs no "blood group" beside it
  std::replace(spoken.begin(), spoken.end(), '_', ' ');
  std::string about = column.label == spoken ? "" : column.label;
  if (!column.unit.empty() && !says_unit(column)) about += (about.empty() ? "in " : " in ") + column.unit;
  if (column.is_number() && (column.low != -kUnlimited || column.high != kUnlimited))
    about += (about.empty() ? "" : ", ") + number_text(column.low, column.decimals) + " to " + number_text(column.high, column.decimals);
  return about.empty() ? column.name : column.name + " (" + about + ")";
}

std::string columns_text(const ToolSpec& tool, const Tables& tables) {
  std::string out;
  const Table* table = tool.reveals.empty() ? nullptr : tables.find(tool.reveals[0].table);
  if (!table) return out;
  for (const ColumnSpec& column : table->spec.columns) {
    // What identifies the answer stands in it anyway: it is no piece of information to ask for.
    const bool always = tool.body.contains("always") && std::count(tool.body["always"].begin(), tool.body["always"].end(), column.name);
    if (tool.reveals[0].columns.count(column.name) && !always) out += (out.empty() ? "" : ", ") + column_text(column);
  }
  return out;
}

// ": \"calm\", \"shy\" or \"wild\"", where rows share values.
std::string values_text(const Tables& tables, const NamedValues& named) {
  const Table& table = tables.at(named.table);
  const int column = table.spec.column_index(named.column);
  std::set<std::string> values;
  size_t filled = 0, bytes = 0;
  for (int32_t row = 0; row < table.size() && values.size() <= kListedValues; ++row) {
    if (!has_value(table.cell(column, row))) continue;
    ++filled;
    if (const auto [at, is_new] = values.insert("\"" + tables.cell_text(table, column, row) + "\""); is_new) bytes += at->size();
  }
  if (values.size() < 2 || values.size() == filled || values.size() > kListedValues || bytes > kListedBytes) return "";
  return ": " + join_words({values.begin(), values.end()}, "or");
}

}  // namespace

const TableSpec* Domain::find_table(std::string_view table) const {
  for (const TableSpec& spec : tables)
    if (spec.name == table) return &spec;
  return nullptr;
}

Status fill_in_settings(Json& json, const Json& settings, const std::string& where) {
  if (json.is_structured()) {
    size_t index = 0;
    for (auto it = json.begin(); it != json.end(); ++it, ++index)
      ASSAY_TRY(fill_in_settings(*it, settings, json.is_object() ? where + "." + it.key() : item_path(where, index)));
    return {};
  }
  if (!json.is_string() || !json.get_ref<const std::string&>().starts_with("$")) return {};
  const std::string name = json.get<std::string>().substr(1);
  if (settings.contains(name)) {
    json = settings[name];
    return {};
  }
  std::vector<std::string> known;
  for (const auto& [key, value] : settings.items()) known.push_back(key);
  return unknown_name("setting", name, known, where);
}

Result<std::shared_ptr<const Domain>> compile_domain(std::string_view text, const std::string& file) {
  ASSAY_ASSIGN(Json source, parse_json(text, file, kFileLimits));
  ASSAY_ASSIGN(source, expand_corpus(std::move(source), file));
  return Compiler(source, file).compile();
}

Result<std::shared_ptr<const Domain>> load_domain(const std::string& name_or_path) {
  for (const EmbeddedDomain& domain : embedded_domains())
    if (domain.name == name_or_path) return compile_domain(domain.text, name_or_path + ".json");
  if (std::filesystem::is_directory(name_or_path)) {
    ASSAY_ASSIGN(const Json source, read_program_folder(name_or_path));
    return Compiler(source, name_or_path).compile();
  }
  if (name_or_path.find('/') == std::string::npos && !name_or_path.ends_with(".json"))
    return unknown_name("domain", name_or_path, domain_names());
  ASSAY_ASSIGN(const std::string text, read_file(name_or_path, kFileLimits.bytes));
  ASSAY_ASSIGN(Json source, parse_json(text, name_or_path, kFileLimits));
  ASSAY_TRY(read_corpus_folder(source, name_or_path));
  ASSAY_ASSIGN(source, expand_corpus(std::move(source), name_or_path));
  return Compiler(source, name_or_path).compile();
}

std::vector<std::string> domain_names() {
  std::vector<std::string> names;
  for (const EmbeddedDomain& domain : embedded_domains()) names.emplace_back(domain.name);
  return names;
}

std::vector<ToolSpec> tools_over(std::vector<ToolSpec> tools, const Tables& tables) {
  static constexpr std::string_view kPlaceholder = "{columns}";
  for (ToolSpec& tool : tools) {
    if (const size_t at = tool.description.find(kPlaceholder); at != std::string::npos)
      tool.description.replace(at, kPlaceholder.size(), columns_text(tool, tables));
    for (Json& property : described_parameters(tool)) {
      std::string text = property["description"].get<std::string>();
      const auto named = named_values(text);
      if (!named) continue;
      property["description"] = text.replace(named->at, named->size, values_text(tables, *named));
    }
  }
  return tools;
}

Result<std::shared_ptr<const Environment>> generate_environment(const Domain& domain, uint64_t seed, int64_t number, Executor* executor) {
  Rng rng(seed, "environment", static_cast<uint64_t>(number));
  Environment environment;
  environment.domain = domain.name;
  if (domain.fill) {
    ASSAY_ASSIGN(environment.tables, domain.fill->fill(domain.tables, rng.next()));
  } else if (makes_rows(domain)) {
    if (!executor) return make_error(Boundary::kSandbox, "nothing here may run the program that makes the rows", "domain " + domain.name, "a sandbox: assay doctor says which work");
    ASSAY_ASSIGN(environment.tables, make_rows(domain, *executor, rng.next()));
  }
  environment.tools = tools_over(domain.tools, environment.tables);
  return finish_environment(std::move(environment));
}

}  // namespace assay
