// search, open and find over a small corpus: ranks against the formula of BM25, pages that lose nothing, and queries that are data.
#include <cmath>
#include <set>

#include "envs/base/rng.h"
#include "envs/text_index.h"
#include "tests/envs/fixture.h"

using namespace assay;
using fixture::must;

namespace {

Json corpus_tool(const std::string& action, const Json& properties, const Json& required) {
  return {{"name", action}, {"description", action}, {"kind", "corpus"},
          {"parameters", {{"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}}},
          {"body", {{"action", action}, {"documents", {{"note", {"text"}}, {"hotel", {"price", "stars"}}}}}}};
}

Json world(const std::vector<std::pair<std::string, std::string>>& notes) {
  Json json = fixture::environment_json();
  json["tables"].push_back({{"name", "note"}, {"label", "note"}, {"key", {"title"}},
                            {"columns", {{{"name", "title"}, {"type", "text"}}, {{"name", "text"}, {"type", "text"}}}}});
  json["rows"]["note"] = Json::array();
  for (const auto& [title, text] : notes) json["rows"]["note"].push_back({title, text});
  const Json text{{"type", "string"}}, number{{"type", "integer"}};
  json["tools"].push_back(corpus_tool("search", {{"query", text}, {"top", number}}, {"query"}));
  json["tools"].push_back(corpus_tool("open", {{"document", text}, {"page", number}}, {"document"}));
  json["tools"].push_back(corpus_tool("find", {{"document", text}, {"text", text}}, {"document", "text"}));
  return json;
}

const std::vector<std::pair<std::string, std::string>> kNotes = {
    {"Bees", "A hive hums. The bees carry pollen, and the keeper carries smoke."},
    {"Smoke", "Smoke calms a hive."},
    {"Café Zoë", "A café in Kraków, where nobody keeps bees."},
    {"Twin", "nothing but fog"},
    {"Twin two", "nothing but fog"}};

Json result(Toolset& tools, const std::string& tool, const Json& arguments) {
  const Observation seen = must(tools.call(tool, arguments.dump()));
  INFO(seen.text);
  CHECK_FALSE(seen.error);
  return must(parse_json(seen.text, "result"));
}

std::string failure(Toolset& tools, const std::string& tool, const Json& arguments) {
  const Observation seen = must(tools.call(tool, arguments.dump()));
  CHECK(seen.error);
  return must(parse_json(seen.text, "result")).at("error");
}

std::vector<std::string> found(Toolset& tools, const std::string& query) {
  std::vector<std::string> out;
  for (const Json& hit : result(tools, "search", {{"query", query}})) out.push_back(hit.at("document"));
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("search ranks by BM25, titles first, equal documents in their order") {
  auto tools = must(fixture::open_toolset(fixture::environment(world(kNotes))));
  CHECK(found(*tools, "smoke") == Names{"note-2", "note-1"});        // in the title, and in a shorter text
  CHECK(found(*tools, "fog") == Names{"note-4", "note-5"});
  CHECK(found(*tools, "cafe krakow") == Names{"note-3"});            // without marks
  CHECK(found(*tools, "BEE") == Names{"note-1", "note-3"});          // stemmed, any case
  CHECK(found(*tools, "350.5") == Names{"hotel-1", "hotel-2"});      // 350 and 5, in texts made from several columns
  CHECK(found(*tools, "zebra").empty());
  CHECK(result(*tools, "search", {{"query", "fog"}, {"top", 1}}).size() == 1);
  const Json hit = result(*tools, "search", {{"query", "pollen"}})[0];
  CHECK(hit.at("title") == "Bees");
  CHECK(hit.at("snippet").get<std::string>().find("pollen") != std::string::npos);
}

TEST_CASE("the order of hits is that of the formula, by hand") {
  // Texts without the word in a title: score = idf * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * length / mean)), k1 = 1.2, b = 0.75.
  std::vector<Document> documents;
  std::vector<std::pair<double, size_t>> wanted;
  double mean = 0;
  std::vector<std::pair<int, int>> shape;   // occurrences, words
  for (int i = 0; i < 40; ++i) shape.emplace_back(i % 7, 10 + (i * 37) % 50);
  for (const auto& [occurrences, words] : shape) mean += (words + 1) / static_cast<double>(shape.size());   // and one of the title
  for (size_t i = 0; i < shape.size(); ++i) {
    std::string text;
    for (int word = 0; word < shape[i].second; ++word) text += word < shape[i].first ? "quartz " : "w" + std::to_string(word) + " ";
    documents.push_back({"t" + std::to_string(i), text});
    const double f = shape[i].first, length = shape[i].second + 1;
    if (f > 0) wanted.emplace_back(-f * 2.2 / (f + 1.2 * (0.25 + 0.75 * length / mean)), i);
  }
  std::sort(wanted.begin(), wanted.end());
  const auto index = must(TextIndex::build(documents));
  const auto hits = must(index->search("quartz", 40));
  REQUIRE(hits.size() == wanted.size());
  for (size_t i = 0; i < hits.size(); ++i) CHECK(hits[i].document == wanted[i].second);
}

TEST_CASE("a query is words and nothing else") {
  auto tools = must(fixture::open_toolset(fixture::environment(world(kNotes))));
  for (const char* query : {"smoke AND", "smoke\"", "\"smoke", "smoke OR (", "title:smoke*", "^smoke", "{title} : smoke", "-smoke", "smoke'; DROP TABLE document; --", "NEAR(smoke)", "smoke + ", "smoke\\", "🐝 smoke", "smoke\u0001"})
    CHECK_FALSE(found(*tools, query).empty());
  for (const char* query : {"", "   ", "\"\"", "*", "()", "— …", "🐝"}) CHECK(found(*tools, query).empty());
  CHECK(found(*tools, "NOT smoke") == found(*tools, "smoke not"));
  std::string many;
  for (int i = 0; i < 300; ++i) many += "x ";
  CHECK(found(*tools, many + "smoke").empty());   // the 32 first words count
  CHECK(failure(*tools, "search", {{"query", std::string(1'001, 'x')}}) == "the query is longer than 1000 bytes");
  CHECK(failure(*tools, "search", {{"query", "x"}, {"top", 0}}) == "'top' is from 1 to 20");
  CHECK(failure(*tools, "search", {{"query", "x"}, {"top", 21}}) == "'top' is from 1 to 20");
}

TEST_CASE("the pages of a document are all of it, in whole characters and mostly whole words") {
  Rng rng(7, "pages");
  std::vector<std::pair<std::string, std::string>> notes = {{"Bytes", std::string(9'000, 'x')}, {"Wide", ""}, {"Mixed", ""}, {"Short", "one line"}, {"Exact", std::string(4'000, 'y')}};
  for (int i = 0; i < 3'000; ++i) notes[1].second += "語";
  for (int i = 0; i < 6'000; ++i) notes[2].second += std::vector<std::string>{"a", "é", " ", "\n", "word"}[rng.below(5)];
  auto tools = must(fixture::open_toolset(fixture::environment(world(notes))));
  for (size_t i = 0; i < notes.size(); ++i) {
    const std::string id = "note-" + std::to_string(i + 1);
    const int64_t pages = result(*tools, "open", {{"document", id}}).at("pages");
    std::string whole;
    for (int64_t page = 1; page <= pages; ++page) {
      const Json opened = result(*tools, "open", {{"document", id}, {"page", page}});   // parsing refuses half a character
      const std::string text = opened.at("text");
      CHECK(text.size() <= 4'000);
      CHECK((page == pages || text.size() >= 2'990));
      if (i == 2 && page < pages) CHECK((text.back() == '\n' || text.back() == ' '));
      whole += text;
    }
    CHECK(whole == notes[i].second);
    CHECK(failure(*tools, "open", {{"document", id}, {"page", pages + 1}}) == "the document has the pages 1 to " + std::to_string(pages));
    CHECK(failure(*tools, "open", {{"document", id}, {"page", 0}}) == "the document has the pages 1 to " + std::to_string(pages));
  }
  CHECK(result(*tools, "open", {{"document", "note-5"}}).at("pages") == 1);
  CHECK(result(*tools, "open", {{"document", "hotel-1"}}).at("text") == "price: 350.5\nstars: 4");
  for (const char* id : {"", "-", "note", "note-", "note-0", "note-6", "note-01", "note-+1", "note--1", "note-99999999999", "city-1", "Note-1", "note-1 "})
    CHECK(failure(*tools, "open", {{"document", id}}).starts_with("no document is named '"));
}

TEST_CASE("find tells how often a text occurs, and where") {
  std::string text;
  for (int i = 0; i < 30; ++i) text += std::string(300, '.') + " Needle\n";
  auto tools = must(fixture::open_toolset(fixture::environment(world({{"Hay", text}, {"Wide", "語語語needle語語語" + std::string(200, 'z')}}))));
  const Json found = result(*tools, "find", {{"document", "note-1"}, {"text", "nEEDLE"}});
  CHECK(found.at("matches") == 30);
  REQUIRE(found.at("shown").size() == 20);
  CHECK(found.at("shown")[0].at("page") == 1);
  // Every hit is on the page that it is said to be on.
  for (const Json& hit : found.at("shown"))
    CHECK(result(*tools, "open", {{"document", "note-1"}, {"page", hit.at("page")}}).at("text").get<std::string>().find("Needle") != std::string::npos);
  CHECK(found.at("shown")[19].at("page") == 2);
  const Json wide = result(*tools, "find", {{"document", "note-2"}, {"text", "needle"}});
  CHECK(wide.at("shown")[0].at("text") == "語語語needle語語語" + std::string(71, 'z') + "…");
  CHECK(result(*tools, "find", {{"document", "note-2"}, {"text", "zzz"}}).at("matches") == 66);   // they do not overlap
  CHECK(result(*tools, "find", {{"document", "note-2"}, {"text", "%"}}).at("matches") == 0);
  CHECK(failure(*tools, "find", {{"document", "note-2"}, {"text", ""}}) == "'text' has 1 to 1000 bytes");
}

TEST_CASE("a corpus tool that contradicts itself is refused") {
  const auto refused = [](const std::function<void(Json&)>& spoil) {
    Json json = world(kNotes);
    for (Json& tool : json["tools"])
      if (tool["name"] == "search") spoil(tool);
    auto tools = fixture::open_toolset(fixture::environment(json));
    REQUIRE_FALSE(tools.ok());
    return tools.error().text();
  };
  using Catch::Contains;
  CHECK_THAT(refused([](Json& t) { t["body"]["action"] = "seek"; }), Contains("unknown action 'seek'"));
  CHECK_THAT(refused([](Json& t) { t["body"]["documents"] = {{"weather", {"sky"}}}; }), Contains("no table of entities is named 'weather'"));
  CHECK_THAT(refused([](Json& t) { t["body"]["documents"] = {{"note", {"body"}}}; }), Contains("'note' has no column \"body\""));
  CHECK_THAT(refused([](Json& t) { t["body"]["documents"] = Json::object(); }), Contains("expected \"documents\""));
  CHECK_THAT(refused([](Json& t) { t["parameters"]["properties"]["query"]["type"] = "integer"; }), Contains("'query' must be a required string"));
  CHECK_THAT(refused([](Json& t) { t["parameters"]["required"] = Json::array(); }), Contains("'query' must be a required string"));
}

TEST_CASE("an index has bounds") {
  CHECK(TextIndex::build(std::vector<Document>(TextIndex::kDocuments + 1)).error().boundary == Boundary::kLimit);
  CHECK(must(must(TextIndex::build({}))->search("x", 5)).empty());
}
