#include "synth/structure.h"

#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;
using fixture::travel;

std::shared_ptr<const Domain> compiled(const std::string& text) { return must(compile_domain(text, "d.json")); }

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>>& words) {
  for (const auto& [from, to] : words)
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

// Travel with other nouns, numbers and words.
std::string renamed_travel() {
  return replaced(fixture::travel_source().dump(), {{"hotel", "berth"}, {"restaurant", "galley"}, {"attraction", "dive_site"}, {"city", "harbour"}, {"cities", "harbours"},
                                                    {"price", "tariff"}, {"rating", "grade"}, {"weather", "swell"}, {"CNY", "EUR"}, {"\"travel\"", "\"sailing\""}, {"cuisine", "fare"}});
}

TEST_CASE("a renamed copy is found to be the same") {
  const auto copy = compiled(renamed_travel());
  REQUIRE(copy->find_table("berth") != nullptr);
  CHECK(similarity(features_of(travel()), features_of(*copy)) == Approx(1.0));
}

TEST_CASE("a stamped copy is found to be alike: renamed, and a column, a tool and some templates changed") {
  Json source = must(parse_json(renamed_travel(), "t"));
  source["tables"][1]["columns"].push_back({{"name", "length"}, {"type", "integer"}, {"label", "length"}, {"unit", "m"}, {"low", 3}, {"high", 40}, {"fill", {{"kind", "number"}}}});
  source["tools"].erase(7);
  Json& templates = source["archetypes"]["select"]["templates"];
  templates["long_berths"] = {{"constraint", {{"op", "compare"}, {"slots", {{"fields", {"berth"}}}}, {"get", "length"}, {"cmp", ">="}, {"value", 12}}}};
  templates["grade_wanted"] = {{"constraint", {{"op", "count"}, {"slots", {{"fields", {"berth"}}}}, {"get", "grade"}, {"cmp", ">="}, {"value", 4}, {"at_least", 1}}}};
  const auto copy = compiled(source.dump());
  const double alike = similarity(features_of(travel()), features_of(*copy));
  CHECK(alike < 1);
  CHECK(alike >= kAlike);
}

TEST_CASE("a copy in which every table has another column is found to be alike") {
  Json source = must(parse_json(renamed_travel(), "t"));
  for (Json& table : source["tables"])
    table["columns"].push_back({{"name", "inspected"}, {"type", "integer"}, {"label", "last inspection"}, {"low", 2000}, {"high", 2025}, {"fill", {{"kind", "number"}}}});
  const auto copy = compiled(source.dump());
  const double alike = similarity(features_of(travel()), features_of(*copy));
  CHECK(alike < 1);
  CHECK(alike >= kAlike);
}

TEST_CASE("similarity is symmetric, one for a domain and itself, and low between different worlds") {
  const auto other = must(load_domain("observing"));
  const Features a = features_of(travel()), b = features_of(*other);
  CHECK(similarity(a, a) == Approx(1.0));
  CHECK(similarity(a, b) == Approx(similarity(b, a)));
  CHECK(similarity(a, b) < 0.6);
}

TEST_CASE("no two built-in domains are renamings or stamped copies of each other") {
  std::vector<std::pair<std::string, Features>> all;
  for (const std::string& name : domain_names()) all.emplace_back(name, features_of(*must(load_domain(name))));
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t k = 0; k < i; ++k) {
      INFO(all[i].first << " and " << all[k].first);
      CHECK(similarity(all[i].second, all[k].second) < kAlike);
    }
}

TEST_CASE("environments differ in structure by tools and schema, and in database by rows") {
  const auto a = must(generate_environment(travel(), 1, 0)), b = must(generate_environment(travel(), 1, 1));
  CHECK(structure_of(*a) == structure_of(*b));
  CHECK(database_of(*a) != database_of(*b));
  Environment changed = *a;
  changed.tools.pop_back();
  CHECK(structure_of(changed) != structure_of(*a));
  CHECK(database_of(changed) == database_of(*a));
}

}  // namespace
}  // namespace assay
