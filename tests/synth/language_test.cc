// The guide to the domain language is the first thing that people and models read: what it shows must compile, and what there
// is it must mention.
#include "envs/environment.h"
#include "envs/language.h"
#include "synth/factory.h"
#include "synth/filler.h"
#include "synth/templates.h"
#include "tests/synth/fixture.h"
#include "verifiers/constraint.h"

namespace assay {
namespace {

using fixture::must;

// Code blocks opened by ```INFO.
std::vector<std::string> blocks(const std::string& info) {
  const std::string guide(domain_language());
  std::vector<std::string> out;
  const std::string open = "```" + info + "\n";
  for (size_t at = 0; (at = guide.find("\n" + open, at)) != std::string::npos;) {
    const size_t begin = at + 1 + open.size(), end = guide.find("\n```", begin);
    REQUIRE(end != std::string::npos);
    out.push_back(guide.substr(begin, end - begin));
    at = end;
  }
  return out;
}

void must_mention(const std::string& word) {
  INFO(word);
  CHECK(domain_language().find("`" + word + "`") != std::string::npos);
}

TEST_CASE("every constraint that the guide shows compiles over its example") {
  const auto domain = must(load_domain("observing"));
  const auto environment = must(generate_environment(*domain, 1, 0));
  Rng rng(1, "guide");
  const AnswerShape shape = must(shape_for(*domain, "select", environment->tables, 3, rng));
  const auto shown = blocks("json constraints");
  REQUIRE(shown.size() == 1);
  const Json constraints = must(parse_json(shown[0], "LANGUAGE.md"));
  CHECK(must(compile_constraints(constraints, {shape, environment->tables}, "LANGUAGE.md")).size() == constraints.size());
}

TEST_CASE("every constraint over time that the guide shows compiles over one of its examples") {
  const auto domain = must(load_domain("meetings"));
  const auto environment = must(generate_environment(*domain, 1, 0));
  Rng rng(1, "guide");
  const AnswerShape shape = must(shape_for(*domain, "schedule", environment->tables, 3, rng));
  const auto shown = blocks("json schedule constraints");
  REQUIRE(shown.size() == 1);
  const Json constraints = must(parse_json(shown[0], "LANGUAGE.md"));
  CHECK(must(compile_constraints(constraints, {shape, environment->tables}, "LANGUAGE.md")).size() == constraints.size());
}

TEST_CASE("every other block of the guide is strict JSON") {
  const auto shown = blocks("json");
  CHECK(shown.size() >= 5);
  for (const std::string& text : shown) CHECK(must(parse_json(text, "LANGUAGE.md")).is_object());
}

TEST_CASE("the guide mentions every operator, way to fill, column type, form of result and placeholder") {
  for (const Operator& op : operators::all()) must_mention(op.name);
  for (const Filler& filler : fillers::all()) must_mention(filler.name);
  for (const char* word : {"sql_write", "exact", "set", "bag", "sequence", "ignored"}) CHECK(domain_language().find(word) != std::string::npos);
  for (const char* word : {"text", "integer", "decimal", "reference", "values", "one_or_values", "records", "one_or_records", "record"}) must_mention(word);
  for (const char* word : {"$pick", "$group", "$value_of", "$quantile"}) CHECK(domain_language().find(word) != std::string::npos);
}

TEST_CASE("the guide's example gives certified tasks at every level") {
  const auto factory = must(Factory::create({.domain = "observing", .archetypes = {"select"}, .seed = 3}));
  for (int64_t index = 0; index < 5; ++index) {
    INFO("level " << factory->difficulties(index)[0]);
    const MadeTask made = must(factory->make(index));
    CHECK(made.certificate.sound);
    CHECK(made.task.difficulty == index + 1);
  }
  CHECK(must(factory->notes()).empty());
}

TEST_CASE("the guide's tool that writes and its rules give certified tasks in the library") {
  Json source = fixture::domain_source("library_loans");
  REQUIRE(blocks("json tool").size() == 1);
  const Json tool = must(parse_json(blocks("json tool")[0], "LANGUAGE.md"));
  for (Json& each : source["tools"])
    if (each["name"] == tool["name"]) each = tool;
  REQUIRE(blocks("json operate").size() == 1);
  source["archetypes"]["operate"] = must(parse_json(blocks("json operate")[0], "LANGUAGE.md"));
  const fixture::Folder folder;
  const auto factory = must(Factory::create({.domain = folder.write("library.json", source.dump()), .archetypes = {"operate"}}));
  for (int64_t index = 0; index < 5; ++index) {
    INFO("level " << factory->difficulties(index)[0]);
    const MadeTask made = must(factory->make(index));
    CHECK(made.certificate.sound);
    CHECK_THAT(made.task.system, Catch::Contains("Pickup of a reservation can be moved"));
  }
}

TEST_CASE("a level that cannot be reached says which side of its bands the candidates lie on") {
  const fixture::Folder folder;
  Json source = fixture::domain_source("observing");
  Json& level = source["archetypes"]["select"]["levels"]["2"];
  const auto error_with_chance = [&](double low, double high) {
    level["chance"] = {low, high};
    const auto factory = must(Factory::create({.domain = folder.write("observing.json", source.dump()), .difficulties = {2}}));
    const auto made = factory->make(0);
    REQUIRE_FALSE(made.ok());
    return made.error().what;
  };
  CHECK_THAT(error_with_chance(0.9, 0.95), Catch::Contains("60 times the chance rate stays below the band, however loose the bounds"));
  level["choose"] = {"above_the_haze"};   // no bound to tighten
  level["choose_count"] = {1, 1};
  CHECK_THAT(error_with_chance(0, 0.0001), Catch::Contains("the chance rate stays above the band, however tight the bounds"));
}

}  // namespace
}  // namespace assay
