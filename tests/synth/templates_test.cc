#include "synth/templates.h"

#include <catch2/catch.hpp>

#include "synth/factory.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;

TEST_CASE("every template of every domain says what its tables have") {
  for (const std::string& name : domain_names()) {
    const auto domain = must(load_domain(name));
    for (const auto& [archetype, part] : domain->archetypes) {
      if (!part.contains("templates")) continue;
      const auto notes = must(Factory::create({.domain = name, .archetypes = {archetype}}))->notes();
      INFO(name << " " << archetype << ": " << (notes.ok() ? "" : notes.error().text()));
      CHECK(notes.ok());
    }
  }
}

TEST_CASE("a template that no data could support is an error that names it, and the like that there is") {
  struct Fault {
    const char *template_name, *constraint, *said;
  };
  const Fault faults[] = {
      {"above_the_haze", R"({"op": "compare", "slots": {"fields": ["target"]}, "get": "altitud", "cmp": ">=", "value": 30})", "altitude"},
      {"above_the_haze", R"({"op": "compair", "slots": {"fields": ["target"]}, "get": "altitude", "cmp": ">=", "value": 30})", "compare"},
      {"above_the_haze", R"({"op": "compare", "slots": {"fields": ["traget"]}, "get": "altitude", "cmp": ">=", "value": 30})", "target"},
      {"above_the_haze", R"({"op": "compare", "slots": {"fields": ["target"]}, "get": "altitude", "cmp": ">=", "value": "$haze"})", "no setting 'haze'"},
      {"above_the_haze", R"({"op": "compare", "slots": {"fields": ["target"]}, "get": "altitude", "cmp": ">=", "value": {"$draw": [30]}})", "'$draw'"},
      {"above_the_haze", R"({"op": "compare", "slots": {"fields": ["target"]}, "get": "altitude", "cmp": ">=", "value": {"$pick": [30, 35, 40, "$haze"]}})", "no setting 'haze'"},
      {"not_there", R"({"op": "compare", "slots": {"fields": ["target"]}, "get": "constellation", "cmp": "!=", "value": {"$value_of": {"table": "constellation", "column": "nam"}}})", "constellation.nam"},
  };
  for (const Fault& fault : faults) {
    INFO(fault.constraint);
    Json source = fixture::domain_source("observing");
    source["archetypes"]["select"]["templates"][fault.template_name]["constraint"] = must(parse_json(fault.constraint, "fault"));
    const fixture::Folder folder;
    const auto factory = must(Factory::create({.domain = folder.write("observing.json", source.dump()), .archetypes = {"select"}}));
    const auto notes = factory->notes();
    REQUIRE_FALSE(notes.ok());
    CHECK(notes.error().boundary == Boundary::kInput);
    CHECK_THAT(notes.error().text(), Catch::Contains(fault.template_name) && Catch::Contains(fault.said));
  }
}

}  // namespace
}  // namespace assay
