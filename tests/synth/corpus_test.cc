// A domain's corpus becomes tables and tools; folders are read only for users.
#include "synth/corpus.h"

#include "envs/database.h"
#include "envs/toolset.h"
#include "tests/synth/fixture.h"

using namespace assay;
using fixture::must;

namespace {

std::string refused(const Json& corpus) {
  Json source = fixture::travel_source();
  source["corpus"] = corpus;
  const auto domain = compile_domain(source.dump(), "mine.json");
  return domain.ok() ? "" : domain.error().text();
}

Json searched(const Domain& domain, const std::string& query) {
  const auto environment = must(generate_environment(domain, 1, 0));
  auto tools = must(Toolset::open(environment, must(Database::build(environment->tables))));
  const Observation seen = must(tools->call("search", Json{{"query", query}}.dump()));
  CHECK_FALSE(seen.error);
  return must(parse_json(seen.text, "result"));
}

}  // namespace

TEST_CASE("the documents of the observing domain are searched") {
  const auto domain = must(load_domain("observing"));
  REQUIRE(domain->find_table("document"));
  const Json hits = searched(*domain, "which sensor for faint things?");
  REQUIRE(!hits.empty());
  CHECK(hits[0].at("title") == "Sensors");
  const auto environment = must(generate_environment(*domain, 1, 0));
  CHECK_THAT(environment->find_tool("search")->description, Catch::Contains("(such as \"") && Catch::Contains("\") for words"));   // what there is to read
}

TEST_CASE("texts of a domain's own tables are documents, with those of a folder beside the domain's file") {
  const fixture::Folder folder;
  std::filesystem::create_directory(folder.path() + "/notes");
  folder.write("notes/tides.md", "The ferry waits for the tide.");
  folder.write("notes/boats.txt", "A boat is painted in spring.");
  folder.write("notes/photo.jpg", "\xff\xd8");
  Json source = fixture::travel_source();
  source["corpus"] = {{"folder", "notes"}, {"tables", {{"city", {"description"}}}}};
  const auto domain = must(load_domain(folder.write("mine.json", source.dump())));
  const Json ferry = searched(*domain, "ferry");
  REQUIRE(ferry.size() >= 1);
  CHECK(ferry[0].at("document") == "document-2");   // titles ascending
  CHECK(ferry[0].at("title") == "tides");
  CHECK_THAT(must(generate_environment(*domain, 1, 0))->find_tool("search")->description, Catch::Contains("(\"boats\", \"tides\" and one for each city)"));
  CHECK(searched(*domain, "Hangzhou").dump().find("city-") != std::string::npos);
  folder.write("notes/broken.md", "caf\xe9");
  CHECK(load_domain(folder.path() + "/mine.json").error().what == "not UTF-8");
  std::filesystem::remove_all(folder.path() + "/notes");
  CHECK(load_domain(folder.path() + "/mine.json").error().text().find("$.corpus.folder: cannot be read") != std::string::npos);
}

TEST_CASE("a corpus that is wrong is refused with file and path, and a folder by whoever only writes text") {
  CHECK(refused({{"folder", "/etc"}}).find("mine.json: $.corpus.folder: only a domain that is loaded from a file") == 0);
  CHECK(refused(Json::object()).find("mine.json: $.corpus: expected documents or tables") == 0);
  CHECK(refused({{"tables", {{"city", {"description"}}}}, {"pages", 1}}).find("pages") != std::string::npos);
  CHECK(refused({{"documents", {{{"title", "A"}, {"text", ""}}}}}).find("$.corpus.documents[0]: expected a title and a text") != std::string::npos);
  CHECK(refused({{"documents", {{{"title", "A"}, {"text", "a"}}, {{"title", "A"}, {"text", "b"}}}}}).find("$.corpus.documents[1].title: two documents are titled 'A'") != std::string::npos);
  CHECK(refused({{"documents", {{{"title", "A"}, {"text", std::string(70'000, 'a')}}}}}).find("longer than 64 KiB") != std::string::npos);
  CHECK(refused({{"tables", {{"town", {"name"}}}}}).find("no table of entities is named 'town'") != std::string::npos);
  CHECK(refused({{"tables", {{"city", {"poem"}}}}}).find("'city' has no column \"poem\"") != std::string::npos);
}
