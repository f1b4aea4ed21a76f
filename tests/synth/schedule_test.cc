// Schedules: activities are given, and what comes of that for answers, tasks, certificates and domain files.
#include <set>

#include "envs/database.h"
#include "envs/toolset.h"
#include "synth/certify.h"
#include "synth/factory.h"
#include "synth/templates.h"
#include "tests/synth/fixture.h"
#include "verifiers/constraint_verifier.h"

namespace assay {
namespace {

using fixture::must;

std::vector<std::string> schedule_domains() {
  std::vector<std::string> out;
  for (const std::string& name : domain_names())
    if (must(load_domain(name))->archetypes.contains("schedule")) out.push_back(name);
  return out;
}

std::unique_ptr<Factory> factory_of(const std::string& domain) {
  return must(Factory::create({.domain = domain, .archetypes = {"schedule"}, .seed = 5}));
}

TEST_CASE("every domain of schedules gives certified tasks of every difficulty, the same again in an audit") {
  REQUIRE(schedule_domains().size() >= 3);
  for (const std::string& name : schedule_domains()) {
    const auto factory = factory_of(name);
    CHECK(must(factory->notes()).empty());
    for (int64_t index = 0; index < 5; ++index) {
      INFO(name << " " << index);
      const MadeTask made = must(factory->make(index));
      for (const std::string& problem : made.certificate.problems) UNSCOPED_INFO(problem);
      CHECK(made.certificate.sound);
      CHECK(made.task.difficulty == index + 1);
      const auto environment = must(factory->environment(index));
      const auto tools = must(Toolset::open(environment, must(Database::build(environment->tables))));
      const AuditRequest audit = must(request_of(made.task, must(load_domain(name)), environment, *tools));
      CHECK(canonical_json(to_json(must(certify(made.task, audit.request)))) == canonical_json(to_json(made.certificate)));
    }
  }
}

TEST_CASE("the activities of a task are drawn by its seed, none twice, and named in the prompt") {
  const auto domain = must(load_domain("workshop"));
  const auto environment = must(generate_environment(*domain, 1, 0));
  std::set<std::vector<std::string>> drawn;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed, "jobs");
    const AnswerShape shape = must(shape_for(*domain, "schedule", environment->tables, 6, rng));
    const std::vector<std::string> jobs = shape.fields[0].literals;
    CHECK(std::set<std::string>(jobs.begin(), jobs.end()).size() == 6);
    drawn.insert(jobs);
    const AnswerShape again = must(answer_shape_from_json(to_json(shape), "shape", "$"));
    CHECK(again.fields[0].literals == jobs);
    CHECK(again.fields[0].table == "job");
  }
  CHECK(drawn.size() == 20);
  Rng rng(0, "jobs");
  CHECK_FALSE(shape_for(*domain, "schedule", environment->tables, 32, rng).ok());
  const MadeTask made = must(factory_of("workshop")->make(0));
  for (const std::string& job : made.task.answer.fields[0].literals) CHECK(made.task.prompt.find(job) != std::string::npos);
}

TEST_CASE("an answer about another activity than the one given has the wrong shape") {
  const auto factory = factory_of("workshop");
  const MadeTask made = must(factory->make(1));
  const auto verifier = must(ConstraintVerifier::create(made.task, must(factory->environment(1))));
  CHECK(verifier->judge(made.task.gold).passed);
  const auto& jobs = made.task.answer.fields[0].literals;
  std::string answer = made.task.gold;
  answer.replace(answer.find(jobs[0]), jobs[0].size(), jobs[1]);
  CHECK(verifier->judge(answer).checks[0].evidence.find("\"" + jobs[0] + "\"") != std::string::npos);
}

TEST_CASE("mistakes in what is given are refused by name") {
  const auto error_with = [](const std::function<void(Json&)>& harm) {
    Json source = fixture::domain_source("workshop");
    harm(source["archetypes"]["schedule"]["answer"]["fields"]);
    const auto compiled = compile_domain(source.dump(), "d.json");
    REQUIRE_FALSE(compiled.ok());
    return compiled.error().text();
  };
  using Catch::Contains;
  CHECK_THAT(error_with([](Json& fields) { fields[0].erase("given"); }), Contains("exactly one field with \"given\""));
  CHECK_THAT(error_with([](Json& fields) { fields[1]["given"] = true; }), Contains("exactly one field with \"given\""));
  CHECK_THAT(error_with([](Json& fields) { fields[0]["given"] = 1; }), Contains("fields[0].given: expected true"));
  CHECK_THAT(error_with([](Json& fields) { fields[0]["literals"] = {"a"}; }), Contains("no literals"));
  CHECK_THAT(error_with([](Json& fields) { fields[0].erase("table"); }), Contains("a table"));
  CHECK_THAT(error_with([](Json& fields) { fields[0]["scope"] = "machine"; }), Contains("what is given has no scope"));
}

}  // namespace
}  // namespace assay
