// What explorers must cope with: here, what tools have not told yet.
#include "synth/factory.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;

TEST_CASE("entities that no tool has named yet may be what an unknown reference refers to") {
  // Nothing lists the constellations, and the explorer has no reason to: it meets them only as what targets refer to.
  Json source = fixture::domain_source("observing");
  Json& part = source["archetypes"]["select"];
  part["templates"]["kinds_differ"]["constraint"]["by"] = "constellation";
  for (auto& [level, settings] : part["levels"].items()) settings["always"].push_back("kinds_differ");
  const fixture::Folder folder;
  const std::string file = folder.write("observing.json", source.dump());
  const auto factory = must(Factory::create({.domain = file, .archetypes = {"select"}, .difficulties = {2, 3}}));
  for (int64_t index = 0; index < 4; ++index) {
    const MadeTask made = must(factory->make(index));
    CHECK(made.certificate.sound);
    CHECK(made.task.constraints.dump().find("constellation") != std::string::npos);
  }
}

TEST_CASE("a relation may be walked against its direction") {
  Json source = fixture::domain_source("observing");
  Json& part = source["archetypes"]["select"];
  Json& constraint = part["templates"]["short_moves"]["constraint"];
  std::swap(constraint["from"], constraint["to"]);
  for (auto& [level, settings] : part["levels"].items()) settings["always"].push_back("short_moves");
  const auto factory = must(Factory::create(must(compile_domain(source.dump(), "d.json")), {.archetypes = {"select"}, .difficulties = {1, 3}}));
  for (int64_t index = 0; index < 6; ++index) {
    const MadeTask made = must(factory->make(index));
    CHECK(made.certificate.sound);
    CHECK(made.task.constraints.dump().find("connected") != std::string::npos);
  }
}

}  // namespace
}  // namespace assay
