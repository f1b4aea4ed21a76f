#include "synth/corpus.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "verifiers/constraint.h"

namespace assay {
namespace {

constexpr size_t kDocuments = 10'000, kDocumentBytes = 64 << 10;

Json parameters(Json properties, std::vector<std::string> required) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}, {"additionalProperties", false}};
}

Json text_parameter(const char* description) { return {{"type", "string"}, {"description", description}}; }
Json number_parameter(const char* description) { return {{"type", "integer"}, {"description", description}}; }

// What there is to read: "\"Guiding\" and \"Moves\"", or "one for each city".
std::string contents(const Json& documents, const Json& tables) {
  constexpr size_t kMostTitles = 3;
  std::vector<std::string> parts;
  for (size_t i = 0; i < documents.size() && i < kMostTitles; ++i) parts.push_back("\"" + documents[i].at("title").get<std::string>() + "\"");
  for (const auto& [table, columns] : tables.items()) parts.push_back("one for each " + table);
  return (documents.size() > kMostTitles ? "such as " : "") + join_words(parts);
}

Json corpus_tools(const Json& documents, const std::string& contents) {
  const auto tool = [&](const char* action, const std::string& description, Json declared) {
    return Json{{"name", action}, {"kind", "corpus"}, {"description", description}, {"parameters", std::move(declared)},
                {"body", {{"action", action}, {"documents", documents}}}, {"reveals", Json::array()}};
  };
  return Json::array(
      {tool("search", "Searches the documents (" + contents + ") for words and returns those that fit best, the best first, with an extract of each.",
            parameters({{"query", text_parameter("Words to look for")}, {"top", number_parameter("How many documents to return, 1 to 20; 10 if left out")}}, {"query"})),
       tool("open", "Returns a page of a document.",
            parameters({{"document", text_parameter("Its name, as search gives it")}, {"page", number_parameter("Which page, from 1; the first if left out")}}, {"document"})),
       tool("find", "Finds where a text occurs in a document, in capital or small letters.",
            parameters({{"document", text_parameter("Its name, as search gives it")}, {"text", text_parameter("What to find, word for word")}}, {"document", "text"}))});
}

Json document_table(const Json& documents) {
  Json rows = Json::array();
  for (const Json& document : documents) rows.push_back({document.at("title"), document.at("text")});
  return {{"name", "document"}, {"label", "document"}, {"key", {"title"}},
          {"rows", {{"kind", "list"}, {"columns", {"title", "text"}}, {"values", std::move(rows)}}},
          {"columns", {{{"name", "title"}, {"label", "title"}}, {{"name", "text"}, {"label", "text"}}}}};
}

Status check_documents(const Json& documents, const std::string& file, const std::string& path) {
  if (documents.size() > kDocuments) return input_error("more than " + std::to_string(kDocuments) + " documents", file + ": " + path);
  std::set<std::string> titles;
  for (size_t i = 0; i < documents.size(); ++i) {
    JsonReader r(documents[i], file, path + "[" + std::to_string(i) + "]");
    const std::string title = r.text("title"), text = r.text("text");
    if (title.empty() || text.empty()) r.fail("", "expected a title and a text that are not empty");
    if (text.size() > kDocumentBytes) r.fail("text", "longer than " + std::to_string(kDocumentBytes >> 10) + " KiB");
    if (!titles.insert(title).second) r.fail("title", "two documents are titled '" + title + "'");
    ASSAY_TRY(r.finish());
  }
  return {};
}

}  // namespace

Result<Json> expand_corpus(Json source, const std::string& file) {
  if (!source.is_object() || !source.contains("corpus")) return source;
  const Json corpus = std::move(source["corpus"]);
  source.erase("corpus");
  JsonReader r(corpus, file, "$.corpus");
  if (r.has("folder")) r.fail("folder", "only a domain that is loaded from a file may read a folder", "\"documents\": [{\"title\": …, \"text\": …}]");
  static const Json kNone = Json::array(), kNoTables = Json::object();
  const Json& documents = r.has("documents") ? r.array("documents") : kNone;
  const Json& tables = r.has("tables") ? r.object("tables") : kNoTables;
  for (const char* name : {"folder", "documents", "tables"}) r.member_or_null(name);
  if (documents.empty() && tables.empty()) r.fail("", "expected documents or tables");
  ASSAY_TRY(r.finish());
  ASSAY_TRY(check_documents(documents, file, "$.corpus.documents"));
  Json all = tables;
  if (!documents.empty()) {
    if (!source.contains("tables")) source["tables"] = Json::array();
    if (source["tables"].is_array()) source["tables"].push_back(document_table(documents));
    all["document"] = {"text"};
  }
  if (source.contains("tools") && source["tools"].is_array())
    for (Json& tool : corpus_tools(all, contents(documents, tables))) source["tools"].push_back(std::move(tool));
  return source;
}

Status read_corpus_folder(Json& source, const std::string& file) {
  if (!source.is_object() || !source.contains("corpus") || !source["corpus"].is_object() || !source["corpus"].contains("folder")) return {};
  Json& corpus = source["corpus"];
  const std::string where = file + ": $.corpus.folder";
  if (!corpus["folder"].is_string()) return input_error("expected the path of a folder", where);
  if (corpus.contains("documents")) return input_error("a corpus has either a folder or documents", where);
  const std::filesystem::path folder = std::filesystem::path(file).parent_path() / corpus["folder"].get<std::string>();
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end && paths.size() <= kDocuments; it.increment(error))
    if (it->path().extension() == ".md" || it->path().extension() == ".txt") paths.push_back(it->path());
  if (error) return input_error("cannot be read: " + error.message(), where, folder.string());
  if (paths.empty()) return input_error("holds no .md or .txt file", where, folder.string());
  std::sort(paths.begin(), paths.end());
  Json documents = Json::array();
  for (const std::filesystem::path& path : paths) {
    ASSAY_ASSIGN(const std::string text, read_file(path.string(), kDocumentBytes));
    // Read back as JSON is what refuses bytes that are not UTF-8.
    const auto checked = parse_json(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace), path.string());
    if (!checked.ok() || *checked != text) return input_error("not UTF-8", path.string());
    documents.push_back({{"title", path.stem().string()}, {"text", text}});
  }
  corpus.erase("folder");
  corpus["documents"] = std::move(documents);
  return {};
}

}  // namespace assay
