#include "synth/tool_forms.h"

#include <algorithm>

#include "envs/database.h"
#include "envs/toolset.h"
#include "synth/environment_check.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;
using fixture::travel;

Result<Json> expanded(const Json& form) { return expand_tool(form, travel().tables, {}, "d.json", "$.tools[0]"); }

// Travel's tables under one tool declared by form.
std::shared_ptr<const Environment> with_tool(const Json& form) {
  Environment environment = *must(generate_environment(travel(), 4, 0));
  environment.tools = tools_over({must(tool_spec_from_json(must(expanded(form)), "d.json", "$.tools[0]"))}, environment.tables);
  return must(finish_environment(std::move(environment)));
}

std::string called(const std::shared_ptr<const Environment>& environment, const Json& arguments) {
  const auto tools = must(Toolset::open(environment, must(Database::build(environment->tables))));
  return must(tools->call(environment->tools[0].name, arguments.dump())).text;
}

Json form(const char* name, const char* table, Json rest = Json::object()) {
  rest["name"] = "tool";
  rest["form"] = name;
  rest["table"] = table;
  return rest;
}

TEST_CASE("a form becomes the tool that would have been written by hand") {
  const Json tool = must(expanded(form("list", "hotel", {{"by", {"city"}}})));
  CHECK(tool["description"] == "Lists the names of all hotels of a city.");
  CHECK(tool["parameters"] == Json({{"type", "object"}, {"properties", {{"city", {{"type", "string"}, {"description", "Name of the city"}}}}}, {"required", {"city"}}, {"additionalProperties", false}}));
  CHECK(tool["body"] == Json({{"sql", R"(SELECT "name" FROM "hotel" WHERE "city" = :city ORDER BY "name")"}, {"returns", "values"}, {"entities", {{"city", {{"table", "city"}}}}}}));
  CHECK(tool["reveals"] == Json::array({{{"table", "hotel"}, {"given", {{"city", "city"}}}, {"columns", {{"name", ""}}}, {"complete", true}}}));
}

TEST_CASE("every form tells the truth about real tables, in an order of its own") {
  const std::vector<Json> forms = {
      form("list", "city"), form("list", "hotel"), form("list", "hotel", {{"by", {"city", "style"}}, {"columns", {"price"}}}),
      form("list", "weather"), form("list", "weather", {{"by", {"date"}}, {"order", {"low_celsius"}}}), form("list", "intercity", {{"by", {"from_city"}}}),
      form("list", "hotel", {{"by", {"stars"}}, {"columns", {"rating", "price"}}}), form("get", "hotel"), form("get", "city", {{"columns", {"province"}}}),
      form("get", "hotel", {{"columns", {"city"}}}), form("get", "hotel", {{"by", {"name", "city"}}}), form("get", "weather"),
      form("get", "restaurant", {{"keywords", "about"}}), form("get", "restaurant", {{"by", {"name", "city"}}, {"keywords", "about"}, {"columns", {"price", "cuisine"}}}),
      form("find", "restaurant", {{"by", {"city"}}, {"filters", {"cuisine", "price", "rating"}}, {"columns", {"price"}}}),
      form("find", "city", {{"search", "name"}}), form("find", "hotel", {{"filters", {"city", "price"}}}),
      form("count", "hotel"), form("count", "hotel", {{"by", {"city"}}}), form("count", "intercity", {{"by", {"from_city", "mode"}}, {"filters", {"price"}}})};
  for (const Json& each : forms) {
    INFO(each.dump());
    const auto report = must(check_environment(with_tool(each)));
    for (const std::string& problem : report->problems) UNSCOPED_INFO(problem);
    CHECK(report->problems.empty());
  }
}

TEST_CASE("a count that is wrong is caught") {
  Environment environment = *with_tool(form("count", "hotel", {{"by", {"city"}}}));
  environment.tools[0].body["sql"] = "SELECT count(*) + 1 AS count FROM hotel WHERE city = :city";
  CHECK_FALSE(must(check_environment(must(finish_environment(std::move(environment)))))->problems.empty());
}

TEST_CASE("filters narrow, each alone and all together, and a search ignores case") {
  const auto hotels = with_tool(form("find", "hotel", {{"by", {"city"}}, {"filters", {"price", "style", "rating"}}, {"search", "name"}, {"columns", {"price", "style", "rating"}}}));
  const Json all = must(parse_json(called(hotels, {{"city", "Hangzhou"}}), "all"));
  REQUIRE(all.size() >= 8);
  const auto expect = [&](Json arguments, auto&& keeps) {
    Json wanted = Json::array();
    for (const Json& hotel : all)
      if (keeps(hotel)) wanted.push_back(hotel);
    CHECK((!wanted.empty() && wanted.size() < all.size()));
    arguments["city"] = "Hangzhou";
    CHECK(must(parse_json(called(hotels, arguments), "some")) == wanted);
  };
  const auto middle = [&](const char* column) {
    std::vector<Json> values;
    for (const Json& hotel : all) values.push_back(hotel[column]);
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  const Json one = all[3], price = middle("price"), rating = middle("rating");
  const std::string name = one["name"];
  expect({{"max_price", price}, {"min_price", 100}}, [&](const Json& h) { return h["price"] <= price && h["price"] >= 100; });
  expect({{"min_rating", rating}}, [&](const Json& h) { return h["rating"] >= rating; });
  expect({{"style", one["style"]}}, [&](const Json& h) { return h["style"] == one["style"]; });
  std::string shouted = name.substr(0, 4);
  for (char& c : shouted) c = static_cast<char>(std::toupper(c));
  expect({{"text", shouted}}, [&](const Json& h) { return h["name"].get<std::string>().starts_with(name.substr(0, 4)); });
  expect({{"text", name}, {"style", one["style"]}}, [&](const Json& h) { return h["name"] == name; });
}

TEST_CASE("a tool with keywords says what its parameters say, and descriptions fill in labels") {
  const auto environment = with_tool(form("get", "restaurant", {{"keywords", "about"}, {"explain", {{"about", "What to tell"}}}}));
  const ToolSpec& tool = environment->tools[0];
  CHECK(tool.parameters["properties"]["about"]["description"] == "What to tell");
  CHECK(tool.parameters["properties"]["about"]["items"]["enum"] == Json({"cuisine", "price", "rating"}));
  CHECK(tool.description == "Tells about a restaurant what the keywords ask for; a list if there are several. Keywords: cuisine, "
                            "price (cost per person in CNY, 10 to 600), rating (2.0 to 5.0).");
  const std::string name(environment->tables.entity_name(environment->tables.table_index("restaurant"), 0));
  const std::string said = called(environment, {{"restaurant", name}, {"about", {"price"}}});
  CHECK_THAT(said, Catch::Contains("\"price\":"));
  CHECK_THAT(said, !Catch::Contains("cuisine"));
}

TEST_CASE("parameters list what a column holds, where that is little") {
  const auto style_of = [](bool many) {
    Environment environment = *must(generate_environment(travel(), 4, 0));
    Table& hotel = environment.tables.tables[static_cast<size_t>(environment.tables.table_index("hotel"))];
    for (int32_t row = 0; many && row < 20; ++row) hotel.columns[static_cast<size_t>(hotel.spec.column_index("style"))][static_cast<size_t>(row)] = environment.tables.texts.intern("style " + std::to_string(row));
    const Json tool = must(expanded(form("find", "hotel", {{"filters", {"style", "price"}}, {"search", "name"}})));
    const auto tools = tools_over({must(tool_spec_from_json(tool, "d.json", "$.tools[0]"))}, environment.tables);
    const Json& properties = tools[0].parameters["properties"];
    for (const char* other : {"min_price", "text"}) CHECK_THAT(properties[other]["description"].get<std::string>(), !Catch::Contains("{") && !Catch::Contains(":"));
    return properties["style"]["description"].get<std::string>();
  };
  CHECK_THAT(style_of(false), Catch::Matches("Only hotels with this [a-z ]+: (\"[^\"]+\", )*\"[^\"]+\" or \"[^\"]+\""));
  CHECK_THAT(style_of(true), Catch::Matches("Only hotels with this [a-z ]+"));
}

TEST_CASE("values are listed of text columns that there are") {
  const auto fault = [](const char* named) {
    Json source = fixture::domain_source("observing");
    for (Json& tool : source["tools"])
      if (tool["name"] == "targets_in_constellation") tool["explain"] = {{"constellation", std::string("The constellation{values of ") + named + "}"}};
    const auto domain = compile_domain(source.dump(), "d.json");
    return domain.ok() ? std::string() : domain.error().text();
  };
  CHECK(fault("target.kind").empty());
  CHECK_THAT(fault("targt.kind"), Catch::Contains("unknown table 'targt'"));
  CHECK_THAT(fault("target.kin"), Catch::Contains("unknown column 'kin'"));
  CHECK_THAT(fault("target.altitude"), Catch::Contains("only the values of a text column"));
}

TEST_CASE("a domain that declares no way to submit gets one") {
  const auto& tools = travel().tools;
  CHECK(tools.back().name == "submit_result");
  CHECK(tools.back().effect == ToolEffect::kSubmit);
  CHECK(std::count_if(tools.begin(), tools.end(), [](const ToolSpec& tool) { return tool.effect == ToolEffect::kSubmit; }) == 1);
}

TEST_CASE("mistakes in a form name file and path and say what to try") {
  struct Mistake {
    Json declaration;
    const char* path;
    const char* said;
  };
  const std::vector<Mistake> mistakes = {
      {form("lst", "hotel"), "$.tools[0].form", "unknown form 'lst'; known: list, get, find, count (try: 'list')"},
      {form("list", "hotels"), "$.tools[0].table", "unknown table 'hotels'"},
      {form("list", "hotel", {{"by", {"town"}}}), "$.tools[0].by[0]", "unknown column 'town'"},
      {form("list", "hotel", {{"columns", {"price", "prise"}}}), "$.tools[0].columns[1]", "'price'"},
      {form("list", "hotel", {{"by", {"city", "city"}}}), "$.tools[0].by[0]", "named twice"},
      {form("list", "hotel", {{"by", {"rating"}}}), "$.tools[0].by[0]", "exact decimal"},
      {form("list", "hotel", {{"by", "city"}}), "$.tools[0].by", "array"},
      {form("list", "hotel", {{"filters", {"price"}}}), "$.tools[0].filters", "unknown member"},
      {form("find", "hotel"), "$.tools[0].filters", "form list"},
      {form("find", "hotel", {{"by", {"city"}}, {"filters", {"city"}}}), "$.tools[0].filters[0]", "named twice"},
      {form("find", "hotel", {{"search", "price"}}), "$.tools[0].search", "expected a text column"},
      {form("find", "hotel", {{"search", "nam"}}), "$.tools[0].search", "'name'"},
      {form("get", "hotel", {{"keywords", "hotel"}}), "$.tools[0]", "two parameters would be named 'hotel'"},
      {form("get", "hotel", {{"explain", {{"hotl", "x"}}}}), "$.tools[0].explain.hotl", "unknown parameter 'hotl'; known: hotel"},
      {form("get", "hotel", {{"explain", {{"hotel", 1}}}}), "$.tools[0].explain.hotel", "expected a string"},
      {form("count", "hotel", {{"columns", {"price"}}}), "$.tools[0].columns", "unknown member"}};
  for (const Mistake& mistake : mistakes) {
    INFO(mistake.declaration.dump());
    const auto tool = expanded(mistake.declaration);
    REQUIRE_FALSE(tool.ok());
    CHECK(tool.error().where == std::string("d.json: ") + mistake.path);
    CHECK_THAT(tool.error().text(), Catch::Contains(mistake.said));
  }
}

}  // namespace
}  // namespace assay
