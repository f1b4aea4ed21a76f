// Search in a corpus: the entities of some tables as documents, named "TABLE-NUMBER" by their row, from 1. A document's title is the
// entity's name; its text is the cell of the one column named, or a line "label: cell" for each of several that have a value.
//
// Body: {"action": "search" | "open" | "find", "documents": {table: [text columns]}}.
//   search  parameters "query" (words; see envs/text_index.h), "top" (1 to 20, default 10): [{"document", "title", "snippet"}], best first
//   open    parameters "document", "page" (from 1, default 1): {"document", "title", "page", "pages", "text"}; a page has at most 4,000
//           bytes, and ends between lines or words where it can
//   find    parameters "document", "text" (case of ASCII ignored): {"document", "title", "matches", "shown": [{"page", "text"}]}: how often,
//           and the first 20 with 80 bytes on either side
// Queries and texts have at most 1,000 bytes. The index is built at the first search, in a few milliseconds per thousand documents.
#include <algorithm>
#include <charconv>

#include "envs/text_index.h"
#include "envs/tool_kind.h"

namespace assay::tool_kinds::corpus {
namespace {

constexpr size_t kPageBytes = 4'000, kLineBytes = 1'000, kQueryBytes = 1'000, kContextBytes = 80;
constexpr int64_t kMostHits = 20, kUsualHits = 10, kMostShown = 20;

struct Source {
  int table = 0;
  std::vector<int> columns;
};

bool inside_character(std::string_view text, size_t at) { return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80; }

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Where each page begins, and the end of the last.
std::vector<size_t> pages_of(std::string_view text) {
  std::vector<size_t> out{0};
  while (text.size() - out.back() > kPageBytes) {
    size_t end = out.back() + kPageBytes;
    for (const char separator : {'\n', ' '}) {
      const size_t at = text.rfind(separator, end - 1);
      if (at == std::string_view::npos || at + 1 + kLineBytes < end || at < out.back()) continue;
      end = at + 1;
      break;
    }
    while (inside_character(text, end)) --end;
    out.push_back(end);
  }
  out.push_back(text.size());
  return out;
}

// `text` around [begin, end), in whole characters.
std::string context(std::string_view text, size_t begin, size_t end) {
  begin -= std::min(begin, kContextBytes);
  end = std::min(text.size(), end + kContextBytes);
  while (inside_character(text, begin)) ++begin;
  while (inside_character(text, end)) ++end;
  return (begin > 0 ? "…" : "") + std::string(text.substr(begin, end - begin)) + (end < text.size() ? "…" : "");
}

class CorpusTool : public BoundTool {
 public:
  CorpusTool(const Tables& tables, std::vector<Source> sources) : tables_(tables), sources_(std::move(sources)) {}

 protected:
  std::string id_of(const Source& source, int32_t row) const { return tables_.tables[static_cast<size_t>(source.table)].spec.name + "-" + std::to_string(row + 1); }

  Document read(const Source& source, int32_t row) const {
    const Table& table = tables_.tables[static_cast<size_t>(source.table)];
    Document out{tables_.entity_text(source.table, row), ""};
    for (int column : source.columns) {
      if (table.cell(column, row) == kNull) continue;
      const std::string cell = tables_.cell_text(table, column, row);
      if (source.columns.size() == 1) out.text = cell;
      else out.text += (out.text.empty() ? "" : "\n") + table.spec.columns[static_cast<size_t>(column)].label + ": " + cell;
    }
    return out;
  }

  // The document that `arguments` name, or nothing.
  std::optional<Document> named(const Json& arguments) const {
    const std::string& id = arguments.at("document").get_ref<const std::string&>();
    const size_t dash = id.rfind('-');
    if (dash == std::string::npos) return std::nullopt;
    for (const Source& source : sources_) {
      const Table& table = tables_.tables[static_cast<size_t>(source.table)];
      int32_t number = 0;
      const auto parsed = std::from_chars(id.data() + dash + 1, id.data() + id.size(), number);
      if (parsed.ec != std::errc() || number < 1 || number > table.size() || id != id_of(source, number - 1)) continue;
      return read(source, number - 1);
    }
    return std::nullopt;
  }

  static Observation no_document(const Json& arguments) {
    return error_observation("no document is named '" + arguments.at("document").get<std::string>().substr(0, 100) + "'; search tells the names");
  }

  const Tables& tables_;   // the environment's, which outlives its tools
  const std::vector<Source> sources_;
};

class Search final : public CorpusTool {
 public:
  using CorpusTool::CorpusTool;
  Result<Observation> call(const Json& arguments) override {
    const std::string& query = arguments.at("query").get_ref<const std::string&>();
    const Json top = arguments.value("top", Json(kUsualHits));
    if (query.size() > kQueryBytes) return error_observation("the query is longer than " + std::to_string(kQueryBytes) + " bytes");
    if (top < 1 || top > kMostHits) return error_observation("'top' is from 1 to " + std::to_string(kMostHits));
    if (!index_) ASSAY_TRY(build());
    ASSAY_ASSIGN(const auto hits, index_->search(query, top.get<int>()));
    OrderedJson out = OrderedJson::array();
    for (const TextIndex::Hit& hit : hits) out.push_back({{"document", ids_[hit.document]}, {"title", titles_[hit.document]}, {"snippet", hit.snippet}});
    return Observation{out.dump(), false};
  }

 private:
  Status build() {
    std::vector<Document> documents;
    for (const Source& source : sources_)
      for (int32_t row = 0; row < tables_.tables[static_cast<size_t>(source.table)].size(); ++row) {
        documents.push_back(read(source, row));
        ids_.push_back(id_of(source, row));
        titles_.push_back(documents.back().title);
      }
    ASSAY_ASSIGN(index_, TextIndex::build(documents));
    return {};
  }

  std::unique_ptr<TextIndex> index_;
  std::vector<std::string> ids_, titles_;
};

class Open final : public CorpusTool {
 public:
  using CorpusTool::CorpusTool;
  Result<Observation> call(const Json& arguments) override {
    const auto document = named(arguments);
    if (!document) return no_document(arguments);
    const std::vector<size_t> pages = pages_of(document->text);
    const Json page = arguments.value("page", Json(1));
    if (page < 1 || page >= pages.size()) return error_observation("the document has the pages 1 to " + std::to_string(pages.size() - 1));
    const size_t begin = pages[page.get<size_t>() - 1], end = pages[page.get<size_t>()];
    const OrderedJson out{{"document", arguments.at("document")}, {"title", document->title}, {"page", page}, {"pages", pages.size() - 1},
                          {"text", document->text.substr(begin, end - begin)}};
    return Observation{out.dump(), false};
  }
};

class Find final : public CorpusTool {
 public:
  using CorpusTool::CorpusTool;
  Result<Observation> call(const Json& arguments) override {
    const std::string& wanted = arguments.at("text").get_ref<const std::string&>();
    if (wanted.empty() || wanted.size() > kQueryBytes) return error_observation("'text' has 1 to " + std::to_string(kQueryBytes) + " bytes");
    const auto document = named(arguments);
    if (!document) return no_document(arguments);
    const std::vector<size_t> pages = pages_of(document->text);
    OrderedJson shown = OrderedJson::array();
    int64_t matches = 0;
    const auto same = [](char a, char b) { return folded(a) == folded(b); };
    const std::string& text = document->text;
    for (auto at = text.begin(); (at = std::search(at, text.end(), wanted.begin(), wanted.end(), same)) != text.end(); at += static_cast<ptrdiff_t>(wanted.size())) {
      const size_t begin = static_cast<size_t>(at - text.begin());
      if (++matches > kMostShown) continue;
      shown.push_back({{"page", std::upper_bound(pages.begin(), pages.end() - 1, begin) - pages.begin()}, {"text", context(text, begin, begin + wanted.size())}});
    }
    const OrderedJson out{{"document", arguments.at("document")}, {"title", document->title}, {"matches", matches}, {"shown", std::move(shown)}};
    return Observation{out.dump(), false};
  }
};

Result<std::vector<Source>> read_sources(const Json& documents, const Environment& environment, const std::string& where) {
  const auto wrong = [&](std::string what) { return make_error(Boundary::kEnvironment, std::move(what), where); };
  std::vector<Source> out;
  if (!documents.is_object() || documents.empty()) return wrong("expected \"documents\": {table: [columns]}");
  for (const auto& [name, columns] : documents.items()) {
    Source source{environment.tables.table_index(name), {}};
    if (source.table < 0 || !environment.tables.tables[static_cast<size_t>(source.table)].spec.is_entity()) return wrong("no table of entities is named '" + name + "'");
    if (!columns.is_array() || columns.empty()) return wrong("\"documents\" names no column of '" + name + "'");
    for (const Json& column : columns) {
      source.columns.push_back(column.is_string() ? environment.tables.tables[static_cast<size_t>(source.table)].spec.column_index(column.get<std::string>()) : -1);
      if (source.columns.back() < 0) return wrong("'" + name + "' has no column " + canonical_json(column));
    }
    out.push_back(std::move(source));
  }
  return out;
}

// The parameters that an action reads, as the tool must declare them; the first so many are required.
Status check_parameters(const ToolSpec& spec, const std::vector<std::pair<std::string, std::string>>& types, size_t required, const std::string& where) {
  for (size_t i = 0; i < types.size(); ++i) {
    const Json all = spec.parameters.value("required", Json::array());
    const bool declared = parameter_type(spec.parameters, types[i].first) == types[i].second;
    if (!declared || (i < required && std::find(all.begin(), all.end(), types[i].first) == all.end()))
      return make_error(Boundary::kEnvironment, "the parameter '" + types[i].first + "' must be " + (i < required ? "a required " : "an optional ") + types[i].second, where);
  }
  return {};
}

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext&) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  JsonReader r(spec.body, where, "$.body");
  const std::string action = r.text("action");
  const Json& documents = r.object("documents");
  if (spec.effect != ToolEffect::kRead) r.fail("", "a tool of kind corpus only reads");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(std::vector<Source> sources, read_sources(documents, environment, where));
  if (action == "search") {
    ASSAY_TRY(check_parameters(spec, {{"query", "string"}, {"top", "integer"}}, 1, where));
    return std::unique_ptr<BoundTool>(std::make_unique<Search>(environment.tables, std::move(sources)));
  }
  if (action == "open") {
    ASSAY_TRY(check_parameters(spec, {{"document", "string"}, {"page", "integer"}}, 1, where));
    return std::unique_ptr<BoundTool>(std::make_unique<Open>(environment.tables, std::move(sources)));
  }
  if (action != "find") return unknown_name("action", action, {"search", "open", "find"}, where);
  ASSAY_TRY(check_parameters(spec, {{"document", "string"}, {"text", "string"}}, 2, where));
  return std::unique_ptr<BoundTool>(std::make_unique<Find>(environment.tables, std::move(sources)));
}

}  // namespace

ToolKind make() { return {"corpus", "search, open and find in a corpus of documents", bind}; }

}  // namespace assay::tool_kinds::corpus
