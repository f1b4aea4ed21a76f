#include "synth/variant.h"

#include <algorithm>
#include <set>

#include "envs/database.h"
#include "envs/episode.h"
#include "envs/plain_tools.h"
#include "synth/environment_check.h"
#include "synth/factory.h"
#include "tests/synth/fixture.h"
#include "verifiers/constraint_verifier.h"

namespace assay {
namespace {

using fixture::must;
using fixture::travel;

std::shared_ptr<const Environment> plain() {
  static const auto environment = must(generate_environment(travel(), 4, 0));
  return environment;
}

std::shared_ptr<const Environment> with(const std::vector<std::string>& names, const std::shared_ptr<const Environment>& environment = plain()) {
  Environment changed = *environment;
  const Status applied = apply_variants(names, changed.tables, changed.tools);
  if (!applied.ok()) FAIL(applied.error().text());
  return must(finish_environment(std::move(changed)));
}

std::unique_ptr<Toolset> opened(const std::shared_ptr<const Environment>& environment) {
  return must(Toolset::open(environment, must(Database::build(environment->tables))));
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const Variant& variant : variants::all()) out.push_back(variant.name);
  return out;
}

// Why these cannot be applied together, or "".
std::string refusal(const std::vector<std::string>& wanted, const Environment& environment) {
  std::vector<ToolSpec> tools = environment.tools;
  const Status status = apply_variants(wanted, environment.tables, tools);
  return status.ok() ? "" : status.error().text();
}

std::vector<std::string> problems_of(const std::shared_ptr<const Environment>& environment, int64_t samples) {
  return must(check_environment(environment, samples))->problems;
}

TEST_CASE("every variant changes the travel tools, and nothing that they tell is lost") {
  REQUIRE(names().size() >= 11);
  for (const std::string& name : names()) {
    INFO(name);
    const auto environment = with({name});
    CHECK(environment->id != plain()->id);
    const auto problems = problems_of(environment, 8);
    for (const std::string& problem : problems) UNSCOPED_INFO(problem);
    CHECK(problems.empty());
    // The tools as they were come out again, reveals and all.
    std::map<std::string, Json> before, after;
    for (const ToolSpec& tool : plain()->tools) before[tool.name] = to_json(tool);
    for (const ToolSpec& tool : plain_tools(environment->tools)) after[tool.name] = to_json(tool);
    for (const auto& [tool, spec] : before) CHECK(after[tool] == spec);
  }
}

TEST_CASE("variants compose in pairs, and all together; fine and coarse tools exclude each other") {
  for (const std::string& a : names())
    for (const std::string& b : names()) {
      if (a >= b) continue;
      INFO(a << " and " << b);
      if (const std::string why = refusal({a, b}, *plain()); !why.empty()) {
        CHECK((a == "coarse" && b == "fine"));
        CHECK_THAT(why, Catch::Contains("'coarse' and 'fine' exclude each other"));
        continue;
      }
      const auto problems = problems_of(with({b, a}), 2);
      for (const std::string& problem : problems) UNSCOPED_INFO(problem);
      CHECK(problems.empty());
      CHECK(with({a, b})->id == with({b, a})->id);
    }
  for (const char* without : {"fine", "coarse"}) {
    std::vector<std::string> most = names();
    std::erase(most, without);
    CHECK(problems_of(with(most), 1).empty());
  }
}

TEST_CASE("tasks under every pair of variants are certified, whatever their archetype") {
  const std::map<std::string, std::vector<std::string>> domains = {{"select", {"travel", "tap_list", "hut_trek"}},
                                                                    {"query", {"radio_playlist", "seed_bank", "travel"}},
                                                                    {"operate", {"library_loans", "hotel_front_desk", "parcel_depot"}},
                                                                    {"schedule", {"meetings", "operating_rooms", "home_care"}}};
  for (const auto& [archetype, choice] : domains) {
    size_t pair = 0, certified = 0;
    for (const std::string& a : names())
      for (const std::string& b : names()) {
        if (a >= b) continue;
        const std::string& domain = choice[pair++ % choice.size()];
        INFO(a << " and " << b << ": " << archetype << " over " << domain);
        const auto factory = must(Factory::create({.domain = domain, .archetypes = {archetype}, .difficulties = {1}, .seed = 21, .variants = {a, b}}));
        const auto made = factory->make(0);
        if (!made.ok()) {
          UNSCOPED_INFO(made.error().text());
          CHECK(factory->lost_for(0, &made.error()) == "variant_not_applicable");
          CHECK_THAT(made.error().text(), Catch::Contains("exclude each other") || Catch::Contains("finds nothing to change"));
          continue;
        }
        for (const std::string& problem : made->certificate.problems) UNSCOPED_INFO(problem);
        CHECK(made->certificate.sound);
        ++certified;
      }
    INFO(archetype);
    CHECK(certified >= 28);   // of 36
  }
}

TEST_CASE("an agent cannot go on as if nothing had changed") {
  const auto called = [&](const std::string& variant, const std::string& tool, const Json& arguments) {
    return must(opened(with({variant}))->call(tool, arguments.dump()));
  };
  CHECK(called("fine", "get_infos_by_city", {{"city", "Hangzhou"}, {"info_keywords", {"province"}}}).error);
  CHECK(called("fine", "get_infos_by_city_province", {{"city", "Hangzhou"}}).text == R"({"name":"Hangzhou","province":"Zhejiang"})");
  CHECK(called("coarse", "get_all_cities", Json::object()).error);
  CHECK_THAT(called("coarse", "ask_about_hotel", {{"request", "get_all_hotels_by_city"}}).text, Catch::Contains("'city' is missing"));
  CHECK(called("identifiers", "get_all_hotels_by_city", {{"city", "Hangzhou"}}).error);
  CHECK_THAT(called("identifiers", "get_all_hotels_by_city", {{"city_number", "#0000"}}).text, Catch::Contains("no city has the number"));
  const std::string number = must(parse_json(called("identifiers", "find_city_number", {{"city", "Hangzhou"}}).text, "t"))["number"];
  CHECK(called("identifiers", "get_city_name", {{"city_number", number}}).text == R"({"number":")" + number + R"(","name":"Hangzhou"})");
  CHECK(called("identifiers", "get_all_hotels_by_city", {{"city_number", number}}).text == must(opened(plain())->call("get_all_hotels_by_city", R"({"city":"Hangzhou"})")).text);
  CHECK_THAT(called("search_only", "get_all_cities", {{"beginning", ""}}).text, Catch::Contains("too_many"));
  CHECK_THAT(called("search_only", "get_all_cities", {{"beginning", "Hangz"}}).text, Catch::Contains(R"(["Hangzhou"])"));
  for (const Json& longer : must(parse_json(called("search_only", "get_all_cities", {{"beginning", ""}}).text, "t"))["longer"]) {
    const std::string beginning = longer;   // it leads to a choice, or to one name
    std::set<std::string> next;
    for (const Json& match : must(parse_json(called("search_only", "get_all_cities", {{"beginning", beginning}}).text, "t"))["matches"])
      next.insert(match.get<std::string>().substr(beginning.size(), 1));
    INFO(beginning);
    CHECK((next.size() > 1 || next == std::set<std::string>{""}));
  }
  const Json first = must(parse_json(called("pages", "get_all_cities", Json::object()).text, "t"));
  CHECK(first["items"].size() == 8);
  CHECK(called("pages", "get_all_cities", {{"page", first["pages"].get<int>() + 1}}).error);
  CHECK(called("pages", "get_all_cities", {{"page", 0}}).error);
}

TEST_CASE("fine tools together tell all that the tool told, also what it does not declare to reveal") {
  const auto library = must(generate_environment(*must(load_domain("library_loans")), 4, 0));
  const auto fine = with({"fine"}, library);
  const Json title = {{"title", library->tables.cell_json(library->tables.at("copy"), 1, 0)}};
  const Json whole = must(parse_json(must(opened(library)->call("get_copies", title.dump())).text, "t"));
  REQUIRE(whole.size() > 0);
  REQUIRE(whole[0].contains("place"));   // on loan or not: worked out by the query, and no column
  const Json branch = must(parse_json(must(opened(fine)->call("get_copies_branch", title.dump())).text, "t"));
  const Json condition = must(parse_json(must(opened(fine)->call("get_copies_condition", title.dump())).text, "t"));
  CHECK(!branch[0].contains("condition"));
  CHECK(!condition[0].contains("branch"));
  for (size_t i = 0; i < whole.size(); ++i) {
    Json merged = branch[i];
    merged.update(condition[i]);
    CHECK(merged == whole[i]);
  }
  CHECK_THAT(fine->find_tool("get_copies_branch")->description, Catch::Contains("whether it is on loan") && Catch::Contains("leaves out: condition."));
  CHECK_THAT(fine->find_tool("get_title_price")->description, Catch::Equals("Tells the price of a new copy in EUR of one title, and no more."));
}

TEST_CASE("a menu lets through the words of every request behind it") {
  Environment two = *plain();
  const ToolSpec hotels = *plain()->find_tool("get_all_hotels_by_city");
  two.tools = {*plain()->find_tool("submit_result")};
  std::vector<std::string> cities;
  for (int32_t row : {0, 1}) cities.emplace_back(plain()->tables.entity_name(plain()->tables.table_index("city"), row));
  for (const std::string& city : cities) {
    two.tools.push_back(hotels);
    two.tools.back().name = "hotels_of_" + std::to_string(two.tools.size());
    two.tools.back().parameters["properties"]["city"]["enum"] = Json::array({city});
  }
  const auto names = two.tools;
  const auto tools = opened(with({"coarse"}, must(finish_environment(std::move(two)))));
  for (size_t request : {0, 1})
    for (size_t asked : {0, 1}) {
      const Observation seen = must(tools->call("ask_about_hotel", Json{{"request", names[1 + request].name}, {"city", cities[asked]}}.dump()));
      INFO(seen.text);
      CHECK(seen.error == (request != asked));
    }
}

TEST_CASE("tables that tools add rows to keep their names") {
  const auto library = must(generate_environment(*must(load_domain("library_loans")), 4, 0));
  const auto chosen = [&](std::vector<ToolSpec> tools) {
    REQUIRE(apply_variants({"identifiers"}, library->tables, tools).ok());
    for (const ToolSpec& tool : tools)
      if (tool.kind == "numbered") return tool.body["table"];
    return Json();
  };
  std::vector<ToolSpec> tools = library->tools;
  const Json first = chosen(tools);
  for (ToolSpec& tool : tools)
    if (tool.effect == ToolEffect::kWrite) tool.body["writes"].push_back(first);
  CHECK(chosen(tools) != first);
}

TEST_CASE("a flaky tool fails before it does anything, never long in a row, and the same way every time") {
  const auto library = must(generate_environment(*must(load_domain("library_loans")), 4, 0));
  const auto tools = opened(with({"flaky"}, library));
  const auto told = [&](int calls) {
    REQUIRE(tools->reset().ok());
    std::vector<std::string> out;
    for (int i = 0; i < calls; ++i) out.push_back(must(tools->call("list_branches", "{}")).text);
    return out;
  };
  const std::vector<std::string> first = told(200);
  CHECK(told(200) == first);
  const std::string right = must(opened(library)->call("list_branches", "{}")).text;
  int failed = 0, in_a_row = 0, most = 0;
  for (const std::string& text : first) {
    const bool failure = text != right;
    if (failure) CHECK_THAT(text, Catch::Contains("nothing was done, so the same call can be made again"));
    failed += failure;
    in_a_row = failure ? in_a_row + 1 : 0;
    most = std::max(most, in_a_row);
  }
  CHECK((failed > 10 && failed < 80));
  CHECK(most == 2);

  // What fails changes nothing: the same calls but those that failed come to the same.
  REQUIRE(tools->reset().ok());
  const Table& days = library->tables.at("calendar");
  const Json renewal = {{"loan", library->tables.cell_json(library->tables.at("loan"), 0, 0)}, {"due", library->tables.cell_json(days, 0, days.size() - 1)}};
  const auto steady = opened(library);
  int renewed = 0;
  for (int i = 0; i < 40; ++i) {
    if (must(tools->call("renew_loan", renewal.dump())).error) continue;
    CHECK(!must(steady->call("renew_loan", renewal.dump())).error);
    ++renewed;
  }
  CHECK((renewed > 20 && renewed < 40));
  CHECK(must(tools->state()) == must(steady->state()));
}

TEST_CASE("quantities are converted exactly and said in their new unit") {
  const auto environment = with({"units"});
  const std::string hotel(plain()->tables.entity_name(plain()->tables.table_index("restaurant"), 0));
  const Json asked = {{"restaurant", hotel}, {"info_keywords", {"price", "rating"}}};
  const auto as_list = [](const Json& json) { return json.is_array() ? json : Json::array({json}); };
  const Json before = as_list(must(parse_json(must(opened(plain())->call("get_infos_by_restaurant", asked.dump())).text, "t")));
  const Json after = as_list(must(parse_json(must(opened(environment)->call("get_infos_by_restaurant", asked.dump())).text, "t")));
  REQUIRE(before.size() == after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    CHECK(after[i]["price"].get<int64_t>() == 100 * before[i]["price"].get<int64_t>());
    CHECK(after[i]["rating"] == before[i]["rating"]);
  }
  CHECK_THAT(environment->find_tool("get_infos_by_restaurant")->description, Catch::Contains("price (cost per person in fen)") && Catch::Contains("It tells \"price\" in fen (CNY times 100)"));
}

TEST_CASE("outdated records say so, hold other numbers, and can be confirmed") {
  const auto tools = opened(with({"outdated"}));
  const Json infos = must(parse_json(must(tools->call("get_city_transport", R"({"city":"Hangzhou"})")).text, "t"));
  const Json now = must(parse_json(must(tools->call("confirm_get_city_transport", R"({"city":"Hangzhou"})")).text, "t"));
  CHECK(must(tools->call("get_city_transport", R"({"city":"Hangzhou"})")).text == must(opened(with({"outdated"}))->call("get_city_transport", R"({"city":"Hangzhou"})")).text);
  size_t outdated = 0, records = 0;
  const Table& cities = plain()->tables.at("city");
  for (int32_t row = 0; row < cities.size(); ++row) {
    const Json city = {{"city", plain()->tables.cell_json(cities, 0, row)}};
    const Json told = must(parse_json(must(tools->call("get_city_transport", city.dump())).text, "t"));
    const Json true_now = must(parse_json(must(tools->call("confirm_get_city_transport", city.dump())).text, "t"));
    for (size_t i = 0; i < told.size(); ++i, ++records) {
      outdated += told[i].contains("outdated");
      CHECK((told[i]["price"] == true_now[i]["price"]) != told[i].contains("outdated"));
    }
  }
  CHECK((outdated * 5 > records && outdated * 2 < records));
}

// Tools that are changed for the worse must be found out by the check of the environment.
TEST_CASE("a variant that loses something is caught") {
  const auto harmed = [](const std::string& variant, const std::string& name, const std::function<void(ToolSpec&)>& harm) {
    Environment environment = *with({variant});
    for (ToolSpec& tool : environment.tools)
      if (tool.name == name) harm(tool);
    return problems_of(must(finish_environment(std::move(environment))), 24);
  };
  const auto cut = [](ToolSpec& tool) { tool.body["tool"]["body"]["sql"] = "SELECT name FROM hotel WHERE city = :city AND price > 300 ORDER BY name"; };
  CHECK(!harmed("pages", "get_all_hotels_by_city", cut).empty());
  CHECK(!harmed("search_only", "get_all_hotels_by_city", cut).empty());
  CHECK(!harmed("outdated", "confirm_get_infos_by_hotel", [](ToolSpec& tool) { tool.body["sql"] = "SELECT name, city, price + 1 AS price, rating, stars, style FROM hotel WHERE name = :hotel ORDER BY city"; }).empty());
}

TEST_CASE("tasks under every variant are certified, and their gold calls only tools that are there") {
  for (const auto& [archetype, domain] : std::map<std::string, std::string>{{"select", "travel"}, {"query", "travel"}, {"operate", "library_loans"}, {"schedule", "meetings"}})
    for (const std::string& name : names()) {
      INFO(archetype << " with " << name);
      const auto factory = must(Factory::create({.domain = domain, .archetypes = {archetype}, .difficulties = {1}, .seed = 8, .variants = {name}}));
      const auto environment = factory->environment(0);
      if (!environment.ok()) {
        CHECK_THAT(environment.error().text(), Catch::Contains("the variant '" + name + "' finds nothing to change"));
        CHECK(archetype != "select");
        CHECK(archetype != "query");
        continue;
      }
      const MadeTask made = must(factory->make(0));
      for (const std::string& problem : made.certificate.problems) UNSCOPED_INFO(problem);
      CHECK(made.certificate.sound);
      CHECK(made.task.provenance.variants == std::vector<std::string>{name});
      const auto tools = opened(*environment);
      const AuditRequest audit = must(request_of(made.task, must(load_domain(domain)), *environment, *tools));
      const Exploration gold = must(must(find_archetype(archetype))->gold(made.task, audit.request));
      CHECK(gold.calls == made.certificate.calls_high);
      REQUIRE(tools->reset().ok());
      Episode episode(made.task, *tools);
      Conversation results;
      for (const Message& message : gold.transcript) {
        if (message.role == Role::kTool) {   // made again, every call is answered as it was
          REQUIRE(!results.empty());
          CHECK(results.front().text == message.text);
          results.erase(results.begin());
          continue;
        }
        for (const ToolCall& call : message.tool_calls) CHECK((*environment)->find_tool(call.name) != nullptr);
        results = must(episode.step(message));
      }
      CHECK(episode.submitted());
      CHECK(must(make_verifier(made.task, *environment))->judge(must(episode.outcome())).passed);
    }
}

TEST_CASE("a task is audited only over the tools that its variants give") {
  const auto factory = must(Factory::create({.domain = "travel", .archetypes = {"select"}, .difficulties = {1}, .seed = 8, .variants = {"pages"}}));
  const MadeTask made = must(factory->make(0));
  const auto other = plain();
  const auto tools = opened(other);
  CHECK_THAT(request_of(made.task, must(load_domain("travel")), other, *tools).error().text(), Catch::Contains("not those that its domain and variants give"));
  CHECK(must(task_from_json(to_json(made.task), "t")).provenance.variants == std::vector<std::string>{"pages"});
}

TEST_CASE("the variants of an environment are a function of domain, seed and number: none to three that go together") {
  std::set<std::vector<std::string>> sets;
  std::map<size_t, int> sizes;
  for (int64_t number = 0; number < 400; ++number) {
    const auto drawn = draw_variants(plain()->tools, plain()->tables, "travel", 1, number);
    CHECK(drawn.size() <= 3);
    ++sizes[drawn.size()];
    sets.insert(drawn);
    if (number >= 40) continue;
    CHECK(drawn == draw_variants(plain()->tools, plain()->tables, "travel", 1, number));
    CHECK(refusal(drawn, *plain()).empty());
  }
  CHECK(sizes.size() == 4);
  CHECK(sets.size() > 40);
  CHECK(draw_variants({*plain()->find_tool("submit_result")}, Tables(), "travel", 1, 2).empty());
}

TEST_CASE("variants that are not there, exclude each other or change nothing are refused by name") {
  CHECK_THAT(refusal({"page"}, *plain()), Catch::Contains("unknown variant 'page'") && Catch::Contains("(try: 'pages')"));
  CHECK_THAT(refusal({"pages", "pages"}, *plain()), Catch::Contains("exclude each other"));
  Environment bare = *plain();
  bare.tools = {*plain()->find_tool("submit_result")};
  CHECK_THAT(refusal({"pages"}, bare), Catch::Contains("the variant 'pages' finds nothing to change"));
  CHECK_THAT(Factory::create({.domain = "travel", .variants = {"pagse"}}).error().text(), Catch::Contains("'pages'"));
}

}  // namespace
}  // namespace assay
