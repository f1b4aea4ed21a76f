#include "synth/domain.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "envs/answer.h"
#include "envs/toolset.h"
#include "synth/environment_check.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;
using fixture::travel;
using fixture::travel_source;

std::shared_ptr<const Environment> made(uint64_t seed, int64_t number) { return must(generate_environment(travel(), seed, number)); }

// Rows of a table per row of `column`.
std::map<int64_t, int> count_by(const Table& table, const char* column) {
  std::map<int64_t, int> counts;
  for (int64_t cell : table.columns[table.spec.column_index(column)]) ++counts[cell];
  return counts;
}

TEST_CASE("every built-in domain compiles and is named after its file") {
  REQUIRE(domain_names() == [] {
    std::vector<std::string> names;
    for (const EmbeddedDomain& domain : embedded_domains()) names.emplace_back(domain.name);
    return names;
  }());
  REQUIRE(!domain_names().empty());
  for (const std::string& name : domain_names()) CHECK(must(load_domain(name))->name == name);
}

TEST_CASE("a domain that is not there is answered with those that are") {
  const auto missing = load_domain("travle");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().what.starts_with("unknown domain 'travle'; known: "));
  CHECK(missing.error().hint == "'travel'");
  CHECK_FALSE(load_domain("/nowhere/travel.json").ok());
}

TEST_CASE("the travel domain has the report's fifteen tools, by name and parameters") {
  const std::map<std::string, std::set<std::string>> expected = {
      {"get_all_attractions_by_city", {"city"}}, {"get_all_cities", {}}, {"get_all_hotels_by_city", {"city"}},
      {"get_all_restaurants_by_city", {"city"}}, {"get_city_by_attraction", {"attraction"}}, {"get_city_by_hotel", {"hotel"}},
      {"get_city_by_restaurant", {"restaurant"}}, {"get_city_transport", {"city"}},
      {"get_infos_by_attraction", {"info_keywords", "attraction"}}, {"get_infos_by_city", {"info_keywords", "city"}},
      {"get_infos_by_hotel", {"info_keywords", "hotel"}}, {"get_infos_by_restaurant", {"info_keywords", "restaurant"}},
      {"get_inter_city_transport", {"from_city", "to_city"}}, {"get_weather_by_city_date", {"city", "date"}},
      {"submit_result", {"answer_text"}}};
  std::map<std::string, std::set<std::string>> found;
  for (const ToolSpec& tool : travel().tools) {
    std::set<std::string>& parameters = found[tool.name];
    for (const auto& [name, schema] : tool.parameters["properties"].items()) parameters.insert(name);
    CHECK(tool.parameters["additionalProperties"] == false);
    CHECK(std::set<std::string>(tool.parameters["required"].begin(), tool.parameters["required"].end()) == parameters);
  }
  CHECK(found == expected);
}

TEST_CASE("the travel answer has the report's keys in order, and five dates or more") {
  Json answer = travel().archetypes.at("select")["answer"];
  answer["groups"] = 5;
  const AnswerShape shape = must(answer_shape_from_json(answer, "travel.json", "$.answer"));
  std::vector<std::string> names;
  for (const AnswerField& field : shape.fields) names.push_back(field.name);
  CHECK(names == std::vector<std::string>{"time", "city", "hotel", "afternoon_restaurant", "afternoon_attraction", "evening_restaurant"});
  CHECK(shape.fields[0].literals[0] == "2025-10-01");
  CHECK(shape.fields[0].literals[4] == "2025-10-05");
}

TEST_CASE("an environment is a function of domain, seed and number alone") {
  const std::string five = made(1, 5)->id;
  CHECK(made(1, 0)->id != five);
  CHECK(made(2, 5)->id != five);
  CHECK(made(1, 5)->id == five);
}

TEST_CASE("the travel world is as large and as varied as promised") {
  for (int64_t number = 0; number < 4; ++number) {
    const auto environment = made(11, number);
    const Tables& tables = environment->tables;
    const Table& cities = tables.at("city");
    CHECK(cities.size() >= 30);
    CHECK(cities.size() <= 40);
    CHECK(tables.entity_name(tables.table_index("city"), 0) == "Hangzhou");
    for (const char* name : {"hotel", "restaurant", "attraction"}) {
      const auto counts = count_by(tables.at(name), "city");
      CHECK(counts.size() == static_cast<size_t>(cities.size()));
      for (const auto& [city, count] : counts) CHECK((count >= 8 && count <= 20));
    }
    CHECK(tables.at("weather").size() == cities.size() * 7);
    for (const auto& [city, count] : count_by(tables.at("intercity"), "from_city")) CHECK(count >= 6);
  }
}

TEST_CASE("hotel prices fill every tier of the report's constraint") {
  const auto environment = made(3, 0);
  const Table& hotels = environment->tables.at("hotel");
  std::map<int, int> tiers;
  for (int64_t price : hotels.columns[hotels.spec.column_index("price")]) ++tiers[price < 200 ? 0 : price < 500 ? 1 : price < 800 ? 2 : 3];
  CHECK(tiers[0] * 20 > hotels.size());
  for (int tier : {1, 2, 3}) CHECK(tiers[tier] * 6 > hotels.size());
}

TEST_CASE("names recur across cities and never within one") {
  const auto environment = made(3, 0);
  const Tables& tables = environment->tables;
  for (const char* name : {"hotel", "restaurant", "attraction"}) {
    const Table& table = tables.at(name);
    std::map<int64_t, std::set<int64_t>> cities;
    for (int32_t row = 0; row < table.size(); ++row)
      CHECK(cities[table.cell(table.spec.name_column(), row)].insert(table.cell(table.spec.scope_column(), row)).second);
    const auto shared = std::count_if(cities.begin(), cities.end(), [](const auto& entry) { return entry.second.size() > 1; });
    CHECK(shared > 3);
    CHECK(static_cast<size_t>(shared) * 2 < cities.size() + 60);
  }
}

TEST_CASE("connections between cities take longer the farther they go, by coordinates") {
  const auto environment = made(3, 0);
  const Tables& tables = environment->tables;
  const Table& table = tables.at("intercity");
  const auto column = [&](const char* name) { return table.spec.column_index(name); };
  bool seen = false;
  for (int32_t row = 0; row < table.size(); ++row) {
    const int64_t distance = table.cell(column("distance"), row), minutes = table.cell(column("minutes"), row);
    if (tables.cell_text(table, column("mode"), row) == "train")
      CHECK(std::abs(minutes - (distance * 32 + 50) / 100 - 25) <= 16);
    if (tables.cell_text(table, column("from_city"), row) == "Hangzhou" && tables.cell_text(table, column("to_city"), row) == "Shanghai") {
      CHECK(distance == 165);  // 30.27 N 120.15 E to 31.23 N 121.47 E, worked out by hand
      seen = true;
    }
  }
  CHECK((seen || tables.resolve_name(tables.table_index("city"), "Shanghai") < 0));
}

TEST_CASE("the travel tools return what they declare, in an order of their own") {
  const auto report = must(check_environment(made(4, 0)));
  for (const std::string& problem : report->problems) UNSCOPED_INFO(problem);
  CHECK(report->problems.empty());
}

TEST_CASE("a tool whose order is that of storage, and one that reveals less than it says, are caught") {
  const auto problems_with = [](const std::function<void(ToolSpec&)>& harm) {
    Environment environment = *made(4, 0);
    for (ToolSpec& tool : environment.tools)
      if (tool.name == "get_all_hotels_by_city") harm(tool);
    return must(check_environment(must(finish_environment(std::move(environment)))))->problems;
  };
  CHECK(!problems_with([](ToolSpec& tool) { tool.body["sql"] = "SELECT name FROM hotel WHERE city = :city ORDER BY rowid"; }).empty());
  CHECK(!problems_with([](ToolSpec& tool) { tool.body["sql"] = "SELECT name FROM hotel WHERE city = :city AND price > 300 ORDER BY name"; }).empty());
}

TEST_CASE("a tool that declares a complete result and refuses where there is none is caught") {
  const auto domain = must(load_domain("museum_loan"));
  const auto environment = must(generate_environment(*domain, 4, 0));
  CHECK(must(check_environment(environment))->problems.empty());
  Json source = fixture::domain_source("museum_loan");
  for (Json& tool : source["tools"])
    if (tool["name"] == "travel_time") tool["form"] = "get";   // a fifth of all pairs has no journey
  const auto refusing = must(generate_environment(*must(compile_domain(source.dump(), "d.json")), 4, 0));
  const auto problems = must(check_environment(refusing))->problems;
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0], Catch::Contains("tool travel_time: refuses"));
}

TEST_CASE("descriptions of tools give labels, units and ranges") {
  const auto environment = made(1, 0);
  CHECK_THAT(environment->find_tool("get_infos_by_hotel")->description, Catch::Contains("price (price per night in CNY, 60 to 3000)"));
  for (const ToolSpec& tool : environment->tools) CHECK_THAT(tool.description, !Catch::Contains("{"));
}

// ---- Mistakes in a domain file ----

struct Mistake {
  const char* what;
  std::function<void(Json&)> make;
  std::vector<std::string> said;  // all must stand in the error
};

// What get_all_attractions_by_city is in its own words.
Json raw_tool() {
  return {{"name", "get_all_attractions_by_city"}, {"description", "Lists the attractions in a city."},
          {"parameters", {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}, {"required", {"city"}}, {"additionalProperties", false}}},
          {"body", {{"sql", "SELECT name FROM attraction WHERE city = :city ORDER BY name"}, {"returns", "values"}, {"entities", {{"city", {{"table", "city"}}}}}}},
          {"reveals", Json::array({{{"table", "attraction"}, {"given", {{"city", "city"}}}, {"columns", {{"name", ""}}}, {"complete", true}}})}};
}

TEST_CASE("mistakes in a domain are answered with file, path, what was expected and what to try") {
  const std::vector<Mistake> mistakes = {
      {"another format", [](Json& d) { d["format"] = "assay-domain/9"; }, {"d.json: $.format", "assay-domain/1"}},
      {"a misspelt member", [](Json& d) { d["tabels"] = 1; }, {"$.tabels: unknown member", "\"tables\""}},
      {"a section that is no object", [](Json& d) { d["archetypes"]["select"]["presets"] = 1; }, {"$.archetypes.select.presets: expected an object"}},
      {"a table without rows", [](Json& d) { d["tables"][1].erase("rows"); }, {"$.tables[1].rows: missing"}},
      {"a name that SQL could not take", [](Json& d) { d["tables"][1]["name"] = "hotel; DROP"; }, {"$.tables[1].name: expected lower-case"}},
      {"a table twice", [](Json& d) { d["tables"][2]["name"] = "hotel"; }, {"$.tables[2].name", "declared twice"}},
      {"an unknown column in a key", [](Json& d) { d["tables"][1]["key"] = {"name", "town"}; }, {"$.tables[1].key", "'town'"}},
      {"a reference to a later table", [](Json& d) { d["tables"][1]["columns"][1]["references"] = "weather"; },
       {"$.tables[1].columns[1].references: no earlier table is named 'weather'", "before this one"}},
      {"a reference to names that repeat", [](Json& d) { d["tables"][2]["columns"][1]["references"] = "hotel"; },
       {"$.tables[2].columns[1].references", "not keyed by one text column"}},
      {"an unknown way to fill", [](Json& d) { d["tables"][1]["columns"][2]["fill"]["kind"] = "numbr"; },
       {"$.tables[1].columns[2].fill.kind: unknown way to fill a column 'numbr'; known: affine,", "'number'"}},
      {"an unknown way to make rows", [](Json& d) { d["tables"][1]["rows"]["kind"] = "each"; }, {"$.tables[1].rows.kind", "known: count, list, pairs, per, product"}},
      {"a column that nothing fills", [](Json& d) { d["tables"][1]["columns"][2].erase("fill"); }, {"$.tables[1].columns[2].fill: missing", "'price'"}},
      {"a column filled twice", [](Json& d) { d["tables"][1]["columns"][1]["fill"] = {{"kind", "reference"}}; }, {"$.tables[1].columns[1].fill", "already"}},
      {"a tier beyond the declared range", [](Json& d) { d["tables"][1]["columns"][2]["fill"]["tiers"][3]["high"] = 9999; },
       {"$.tables[1].columns[2].fill.tiers[3].high: outside the range declared"}},
      {"a fill that reads a later column", [](Json& d) { d["tables"][1]["columns"][2]["fill"] = {{"kind", "affine"}, {"of", "rating"}, {"slope", 1}}; },
       {"$.tables[1].columns[2].fill.of", "filled later", "'rating'"}},
      {"a nested fill's member", [](Json& d) { d["tables"][1]["columns"][4]["fill"]["cases"][1]["fill"]["wieghts"] = 1; },
       {"$.tables[1].columns[4].fill.cases[1].fill.wieghts: unknown member", "\"weights\""}},
      {"an unknown vocabulary", [](Json& d) { d["tables"][1]["columns"][0]["fill"]["patterns"] = {"{hotel_adjectiv} Inn"}; },
       {"$.tables[1].columns[0].fill.patterns: unknown vocabulary 'hotel_adjectiv'", "'hotel_adjective'"}},
      {"unbalanced braces", [](Json& d) { d["tables"][1]["columns"][0]["fill"]["patterns"] = {"{hotel_noun Inn"}; }, {"unbalanced braces"}},
      {"an unknown setting", [](Json& d) { d["tables"][0]["rows"]["always"] = {"$orgin"}; }, {"$.tables[0].rows.always[0]: unknown setting 'orgin'", "'origin'"}},
      {"a setting that nothing uses", [](Json& d) { d["settings"]["orign"] = "Shanghai"; }, {"$.settings.orign: nothing uses this setting", "take it out"}},
      {"a vocabulary that nothing uses", [](Json& d) { d["vocabularies"]["city"] = {"Ax", "Bo"}; }, {"$.vocabularies.city: no table is filled from this vocabulary", "take it out"}},
      {"a word twice", [](Json& d) { d["vocabularies"]["cuisine"].push_back("Hunan"); }, {"$.vocabularies.cuisine[14]: the word occurs twice"}},
      {"an unknown tool kind", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["kind"] = "perl"; }, {"$.tools[0] (get_all_attractions_by_city)", "unknown tool kind 'perl'; known: "}},
      {"a label with an article", [](Json& d) { d["tables"][0]["columns"][0]["label"] = "the name"; }, {"$.tables[0].columns[0].label", "'the name' begins with an article"}},
      {"SQL that does not parse", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["body"]["sql"] = "SELEC name FROM hotel"; }, {"$.tools[0]", "syntax error"}},
      {"SQL over a table that is not there", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["body"]["sql"] = "SELECT name FROM hotels ORDER BY name"; }, {"$.tools[0]", "no such table: hotels"}},
      {"hostile SQL", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["body"]["sql"] = "ATTACH '/etc/passwd' AS p"; }, {"$.tools[0]", "may not use anything but SELECT"}},
      {"a parameter that is not declared", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["body"]["sql"] = "SELECT name FROM attraction WHERE city = :town ORDER BY name"; }, {"$.tools[0]", ":town"}},
      {"a schema that agents could not be held to", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["parameters"]["properties"]["city"]["minLength"] = 3; }, {"$.tools[0]", "'minLength' is not understood"}},
      {"a tool twice", [](Json& d) { d["tools"][1]["name"] = "get_all_attractions_by_city"; }, {"$.tools[1].name", "declared twice"}},
      {"a reveal of an unknown table", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["reveals"][0]["table"] = "attractions"; }, {"$.tools[0].reveals[0].table: unknown table 'attractions'", "'attraction'"}},
      {"a reveal of an unknown column", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["reveals"][0]["columns"] = {{"nam", ""}}; }, {"$.tools[0].reveals[0].columns: unknown column 'nam'", "'name'"}},
      {"a reveal by an unknown parameter", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["reveals"][0]["given"] = {{"city", "town"}}; }, {"$.tools[0].reveals[0].given.city: unknown parameter 'town'"}},
      {"a reveal of what is not selected", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["reveals"][0]["columns"]["name"] = "title"; }, {"$.tools[0].reveals[0].columns.name: unknown result column 'title'"}},
      {"a count of what is not selected", [](Json& d) { d["tools"][0] = raw_tool(); d["tools"][0]["reveals"][0] = {{"table", "city"}, {"counts", "number"}}; },
       {"$.tools[0].reveals[0].counts: unknown result column 'number'"}},
      {"an answer over no table", [](Json& d) { d["archetypes"]["select"]["answer"]["fields"][2]["table"] = "inn"; }, {"$.archetypes.select.answer.fields[2].table: unknown table of entities 'inn'"}},
      {"an answer without the scope of its names", [](Json& d) { d["archetypes"]["select"]["answer"]["fields"][2].erase("scope"); }, {"$.archetypes.select.answer.fields[2].scope: missing"}},
      {"a level of an unknown template", [](Json& d) { d["archetypes"]["select"]["levels"]["2"]["choose"].push_back("citys_differ"); },
       {"$.archetypes.select.levels.2.choose: unknown template 'citys_differ'", "'cities_differ'"}},
      {"a preset of an unknown template", [](Json& d) { d["archetypes"]["select"]["presets"]["list"]["report"]["templates"].push_back("nothing"); },
       {"$.archetypes.select.presets.list.report.templates: unknown template 'nothing'"}},
      {"an unknown way of making tasks", [](Json& d) { d["archetypes"]["choose"] = Json::object(); }, {"$.archetypes.choose", "unknown archetype 'choose'; known: compute, "}},
      {"no way of making tasks", [](Json& d) { d["archetypes"] = Json::object(); }, {"$.archetypes: expected at least one"}},
      {"a synonym for no column", [](Json& d) { d["import"]["tables"]["hotel"]["columns"]["prize"] = {"cost"}; }, {"$.import.tables.hotel.columns.prize: unknown member", "\"price\""}},
  };
  REQUIRE(compile_domain(travel_source().dump(), "d.json").ok());
  for (const Mistake& mistake : mistakes) {
    Json source = travel_source();
    mistake.make(source);
    const auto compiled = compile_domain(source.dump(), "d.json");
    INFO(mistake.what);
    REQUIRE_FALSE(compiled.ok());
    CHECK(compiled.error().where.starts_with("d.json"));
    for (const std::string& text : mistake.said) CHECK_THAT(compiled.error().text(), Catch::Contains(text));
  }
}

// Every value of the file replaced in turn by one of another type, or taken away: an error or a domain, never a crash.
TEST_CASE("a domain with any one value of the wrong type is refused or compiles") {
  const Json source = travel_source();
  const Json flat = source.flatten();
  const std::vector<Json> wrong = {nullptr, -1, 1e300, "", "$nothing", Json::array(), Json::object()};
  size_t item = 0, refused = 0, tried = 0;
  for (const auto& [pointer, value] : flat.items()) {
    if (item++ % 23 != 0) continue;  // a sample, as each takes milliseconds
    Json harmed = source;
    harmed[Json::json_pointer(pointer)] = wrong[(item / 23) % wrong.size()];
    refused += !compile_domain(harmed.dump(), "d.json").ok();
    ++tried;
  }
  CHECK(tried > 50);
  CHECK(refused * 2 > tried);
}

TEST_CASE("what is not a domain at all is refused") {
  CHECK_THAT(compile_domain("", "d.json").error().text(), Catch::Contains("not JSON"));
  CHECK_THAT(compile_domain("[]", "d.json").error().text(), Catch::Contains("expected an object"));
  CHECK_THAT(compile_domain(std::string(100, '['), "d.json").error().text(), Catch::Contains("nested deeper"));
  CHECK_THAT(compile_domain(R"({"name":"a","name":"b"})", "d.json").error().text(), Catch::Contains("occurs twice"));
}

}  // namespace
}  // namespace assay
