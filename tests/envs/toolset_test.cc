#include "envs/toolset.h"

#include "envs/tool_kind.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

std::string call(Tools& tools, const std::string& tool, const std::string& arguments = "{}") {
  const Observation observation = must(tools.call(tool, arguments));
  INFO(observation.text);
  CHECK_FALSE(observation.error);
  return observation.text;
}

std::string failing(Tools& tools, const std::string& tool, const std::string& arguments) {
  const Observation observation = must(tools.call(tool, arguments));
  INFO(arguments.substr(0, 100) << " gave " << observation.text.substr(0, 200));
  CHECK(observation.error);
  return must(parse_json(observation.text, "observation"))["error"];
}

TEST_CASE("each form of result is compact JSON, keys in the order selected, text as it is") {
  auto tools = fixture::toolset();
  CHECK(call(*tools, "get_all_cities") == R"(["Empty","Nanjing","Suzhou"])");
  CHECK(call(*tools, "get_all_cities", "") == R"(["Empty","Nanjing","Suzhou"])");
  CHECK(call(*tools, "get_all_hotels_by_city", R"({"city":"Empty"})") == "[]");
  CHECK(call(*tools, "get_all_hotels_by_city", R"({"city":"Suzhou"})") == R"(["Grand","The \"Old\" Inn\\\n\u0001"])");
  CHECK(call(*tools, "get_city_by_hotel", R"({"hotel":"凤凰 Lodge"})") == R"("Nanjing")");
  CHECK(call(*tools, "get_city_by_hotel", R"({"hotel":"Grand"})") == R"(["Nanjing","Suzhou"])");
  CHECK(call(*tools, "get_weather", R"({"city":"Suzhou","date":"2025-10-01"})") == R"({"sky":"rain"})");
  CHECK(call(*tools, "find_hotels", R"({"max_price":350.5})") ==
        R"([{"name":"凤凰 Lodge","price":99.9},{"name":"Grand","price":350.5}])");
  CHECK(call(*tools, "find_hotels", R"({"min_stars":5})") == R"([{"name":"Grand","price":800.0}])");
  CHECK(call(*tools, "submit_result", R"({"answer_text":"x"})") == R"({"submitted":true})");
}

TEST_CASE("keywords pick the columns of a record; those always shown stay; the order is the query's") {
  auto tools = fixture::toolset();
  CHECK(call(*tools, "get_infos_by_hotel", R"({"hotel":"凤凰 Lodge","info_keywords":["stars","price"]})") ==
        R"({"city":"Nanjing","price":99.9,"stars":3})");
  CHECK(call(*tools, "get_infos_by_hotel", R"({"hotel":"Grand","info_keywords":["stars"]})") ==
        R"([{"city":"Nanjing","stars":5},{"city":"Suzhou","stars":4}])");
  CHECK(call(*tools, "get_infos_by_hotel", R"({"hotel":"The \"Old\" Inn\\\n\u0001","info_keywords":["stars"]})") ==
        R"({"city":"Suzhou","stars":null})");
  CHECK_THAT(failing(*tools, "get_infos_by_hotel", R"({"hotel":"Grand","info_keywords":[]})"), Catch::Contains("is empty; known:"));
  CHECK_THAT(failing(*tools, "get_infos_by_hotel", R"({"hotel":"Grand","info_keywords":["city"]})"),
             Catch::Contains(R"(expected one of "price", "stars", found "city")"));
}

TEST_CASE("a keyword that the schema lets through but no column has is an error observation") {
  Json json = fixture::environment_json();
  json["tools"][3]["parameters"]["properties"]["info_keywords"]["items"].erase("enum");
  auto tools = must(fixture::open_toolset(fixture::environment(json)));
  CHECK(failing(*tools, "get_infos_by_hotel", R"({"hotel":"Grand","info_keywords":["secret"]})") ==
        R"(unknown keyword "secret" in 'info_keywords'; known: name, city, price, stars)");
}

TEST_CASE("a name must be exactly an entity's") {
  auto tools = fixture::toolset();
  CHECK(failing(*tools, "get_city_by_hotel", R"({"hotel":"grand"})") == "no hotel is named 'grand'");
  CHECK(failing(*tools, "get_city_by_hotel", R"({"hotel":"Suzhou"})") == "no hotel is named 'Suzhou'");
  CHECK(failing(*tools, "get_city_by_hotel", R"({"hotel":""})") == "the argument 'hotel' is empty");
  CHECK(failing(*tools, "get_all_hotels_by_city", R"({"city":"Suzhou' OR '1'='1"})") == "no city is named 'Suzhou' OR '1'='1'");
  CHECK(failing(*tools, "get_weather", R"({"city":"Suzhou","date":"1999-01-01"})") ==
        "nothing found for city 'Suzhou', date '1999-01-01'");
}

TEST_CASE("mistaken calls are observations that say what was expected") {
  auto tools = fixture::toolset();
  CHECK_THAT(failing(*tools, "get_all_citys", "{}"), Catch::Contains("known: get_all_cities, ") && Catch::Contains("try: 'get_all_cities'"));
  CHECK(failing(*tools, "get_weather", R"({"city":"Suzhou"})") == "the argument 'date' is missing");
  CHECK(failing(*tools, "get_weather", R"({"city":3,"date":"x"})") == "argument 'city': expected a string, found 3");
  CHECK(failing(*tools, "get_weather", R"({"city":null,"date":"x"})") == "argument 'city': expected a string, found null");
  CHECK_THAT(failing(*tools, "get_weather", R"({"town":"x","city":"Suzhou","date":"x"})"), Catch::Contains("unknown argument 'town'"));
  CHECK(failing(*tools, "get_infos_by_hotel", R"({"hotel":"Grand","info_keywords":"price"})") ==
        "argument 'info_keywords': expected an array, found \"price\"");
  CHECK_THAT(failing(*tools, "get_infos_by_hotel", R"({"hotel":"Grand","info_keywords":["price",7]})"),
             Catch::Contains("argument 'info_keywords[1]': expected a string, found 7"));
  CHECK(failing(*tools, "find_hotels", R"({"min_stars":3.0})") == "argument 'min_stars': expected an integer, found 3.0");
  CHECK(failing(*tools, "find_hotels", R"({"max_price":"3"})") == "argument 'max_price': expected a number, found \"3\"");
  CHECK(failing(*tools, "find_hotels", R"({"strict":1})") == "argument 'strict': expected a boolean, found 1");
}

TEST_CASE("hostile argument texts are observations, whatever they are") {
  auto tools = fixture::toolset();
  for (const std::string& text : {std::string("not json"), std::string("[]"), std::string("\"x\""), std::string("{\"max_price\":NaN}"),
                                  std::string("{\"max_price\":1e999}"), std::string("{\"max_price\":1,\"max_price\":2}"),
                                  std::string("{\"max_price\":1} {}"), std::string("{\"strict\":true,}"), std::string("{\"max\xff\":1}"),
                                  std::string(100'000, '['), "{\"max_price\":" + std::string(17, '[') + std::string(17, ']') + "}",
                                  "{\"max_price\":\"" + std::string(70'000, 'x') + "\"}", std::string("{\"a\0\":1}", 9)})
    CHECK_FALSE(failing(*tools, "find_hotels", text).empty());
  CHECK(failing(*tools, std::string(5000, 'x'), "{}").size() < 1000);
  CHECK_THAT(failing(*tools, "find_hotels", "{\"max_price\":\"" + std::string(60'000, 'x') + "\"}"), Catch::EndsWith("xxx…"));
  CHECK(call(*tools, "get_all_cities") == R"(["Empty","Nanjing","Suzhou"])");
}

TEST_CASE("a toolset refuses tools that contradict themselves") {
  const auto refused = [](int tool, const std::function<void(Json&)>& spoil) {
    Json json = fixture::environment_json();
    spoil(json["tools"][static_cast<size_t>(tool)]);
    auto tools = fixture::open_toolset(fixture::environment(json));
    REQUIRE_FALSE(tools.ok());
    return tools.error().text();
  };
  using Catch::Contains;
  CHECK_THAT(refused(0, [](Json& t) { t["kind"] = "perl"; }), Contains("unknown tool kind 'perl'; known: ") && Contains("python, ") && Contains("sql_write, submit"));
  CHECK_THAT(refused(0, [](Json& t) { t["name"] = "get_weather"; }), Contains("two tools are named 'get_weather'"));
  CHECK_THAT(refused(0, [](Json& t) { t["effect"] = "submit"; }), Contains("only reads"));
  CHECK_THAT(refused(0, [](Json& t) { t["body"]["sql"] = "SELECT name FROM sqlite_master"; }), Contains("may not use the table"));
  CHECK_THAT(refused(0, [](Json& t) { t["body"]["sql"] = "SELECT name, 1 FROM city"; }), Contains("must select one column"));
  CHECK_THAT(refused(0, [](Json& t) { t["body"]["returns"] = "table"; }), Contains("unknown form 'table'"));
  CHECK_THAT(refused(0, [](Json& t) { t["body"]["limit"] = 3; }), Contains("unknown member"));
  CHECK_THAT(refused(0, [](Json& t) { t["body"] = nullptr; }), Contains("expected an object"));
  CHECK_THAT(refused(1, [](Json& t) { t["body"]["sql"] = "SELECT name FROM hotel WHERE city = :town"; }), Contains("query's :town"));
  CHECK_THAT(refused(1, [](Json& t) { t["body"]["entities"]["city"]["table"] = "weather"; }), Contains("no table of entities"));
  CHECK_THAT(refused(1, [](Json& t) { t["body"]["entities"]["town"]["table"] = "city"; }), Contains("not a string parameter"));
  CHECK_THAT(refused(1, [](Json& t) { t["body"]["entities"] = {{"city", "city"}}; }), Contains("entities.city"));
  CHECK_THAT(refused(1, [](Json& t) { t["parameters"]["required"] = {"town"}; }), Contains("\"town\" is no property"));
  CHECK_THAT(refused(1, [](Json& t) { t["parameters"]["properties"]["city"]["pattern"] = "^S"; }), Contains("'pattern' is not understood"));
  CHECK_THAT(refused(1, [](Json& t) { t["parameters"]["properties"]["city"]["type"] = "text"; }), Contains("unknown type \"text\""));
  CHECK_THAT(refused(1, [](Json& t) { t["parameters"]["type"] = "array"; }), Contains("JSON Schema of type object"));
  CHECK_THAT(refused(3, [](Json& t) { t["body"]["always"] = {"colour"}; }), Contains("no column of the query: 'colour'"));
  CHECK_THAT(refused(3, [](Json& t) { t["body"]["keywords"] = "hotel"; }), Contains("needs an array parameter"));
  CHECK_THAT(refused(3, [](Json& t) { t["body"]["sql"] = "SELECT city, city FROM hotel WHERE name = :hotel"; }), Contains("are named 'city'"));
  CHECK_THAT(refused(6, [](Json& t) { t["body"]["parameter"] = "text"; }), Contains("name of a string parameter"));
  CHECK_THAT(refused(6, [](Json& t) { t["effect"] = "read"; }), Contains("needs the effect 'submit'"));
}

TEST_CASE("a tool that finds several rows where its domain promised one is broken, not wrongly used") {
  Json json = fixture::environment_json();
  json["tools"][2]["body"] = {{"sql", "SELECT city FROM hotel WHERE name = :hotel ORDER BY city"}, {"returns", "record"}};
  auto tools = must(fixture::open_toolset(fixture::environment(json)));
  CHECK(call(*tools, "get_city_by_hotel", R"({"hotel":"凤凰 Lodge"})") == R"({"city":"Nanjing"})");
  auto result = tools->call("get_city_by_hotel", R"({"hotel":"Grand"})");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().boundary == Boundary::kTool);
}

TEST_CASE("tools answer the same whatever the order of insertion") {
  auto environment = fixture::environment();
  auto plain = must(Toolset::open(environment, must(Database::build(environment->tables))));
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    auto shuffled = must(Toolset::open(environment, must(Database::build(environment->tables, seed))));
    for (const char* hotel : {"Grand", "凤凰 Lodge"}) {
      const std::string arguments = Json{{"hotel", hotel}, {"info_keywords", {"price"}}}.dump();
      CHECK(call(*plain, "get_infos_by_hotel", arguments) == call(*shuffled, "get_infos_by_hotel", arguments));
    }
  }
}

TEST_CASE("every tool kind has a name, a summary and a way to bind") {
  for (const ToolKind& kind : tool_kinds::all()) {
    CHECK_FALSE(kind.name.empty());
    CHECK_FALSE(kind.summary.empty());
    CHECK(kind.bind);
  }
}

}  // namespace
}  // namespace assay
