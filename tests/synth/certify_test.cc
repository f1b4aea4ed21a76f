// Every claim of a certificate is itself checked: a sound task is made unsound in one way, and the certificate must say so.
#include <catch2/catch.hpp>

#include "envs/database.h"
#include "synth/certify.h"
#include "synth/explorer.h"
#include "synth/factory.h"

namespace assay {
namespace {

struct Bench {   // a sound task, and what is needed to certify it again
  std::unique_ptr<Factory> factory;
  std::shared_ptr<const Environment> environment;
  std::unique_ptr<Toolset> tools;
  AuditRequest audit;
  MadeTask made;
};

std::unique_ptr<Toolset> toolset_of(std::shared_ptr<const Environment> environment) {
  auto database = Database::build(environment->tables);
  REQUIRE(database.ok());
  auto tools = Toolset::open(environment, *database);
  REQUIRE(tools.ok());
  return std::move(*tools);
}

Bench sound_task(const std::string& preset = "report", const std::string& domain = "travel") {
  Bench bench;
  FactoryOptions options;
  options.domain = domain;
  options.preset = preset;
  options.seed = 3;
  auto factory = Factory::create(options);
  REQUIRE(factory.ok());
  bench.factory = std::move(*factory);
  auto made = bench.factory->make(0);
  REQUIRE(made.ok());
  bench.made = std::move(*made);
  bench.environment = *bench.factory->environment(0);
  bench.tools = toolset_of(bench.environment);
  auto audit = request_of(bench.made.task, *load_domain(domain), bench.environment, *bench.tools);
  REQUIRE(audit.ok());
  bench.audit = std::move(*audit);
  return bench;
}

Certificate certify_again(const Bench& bench, Task task) {
  seal_task(task);
  auto certificate = certify(task, bench.audit.request);
  REQUIRE(certificate.ok());
  return *certificate;
}

// The same world with its tools changed.
Certificate certify_with_tools(Bench& bench, const std::function<void(std::vector<ToolSpec>&)>& change) {
  Environment environment = *bench.environment;
  change(environment.tools);
  auto finished = finish_environment(std::move(environment));
  REQUIRE(finished.ok());
  auto tools = toolset_of(*finished);
  MakeRequest request = bench.audit.request;
  request.environment = *finished;
  request.tools = tools.get();
  Task task = bench.made.task;
  task.environment = (*finished)->id;
  seal_task(task);
  auto certificate = certify(task, request);
  REQUIRE(certificate.ok());
  return *certificate;
}

TEST_CASE("an audit of a sound task gives the same certificate, byte for byte") {
  for (const char* preset : {"report", "difficulty"}) {
    const Bench bench = sound_task(preset);
    REQUIRE(bench.made.certificate.sound);
    auto again = certify(bench.made.task, bench.audit.request);
    REQUIRE(again.ok());
    CHECK(canonical_json(to_json(*again)) == canonical_json(to_json(bench.made.certificate)));
    for (const MutantClaim& mutant : again->mutants) CHECK((mutant.outcome == "killed" || mutant.outcome == "impossible"));
  }
}

TEST_CASE("a gold that fails its verifier is caught") {
  const Bench bench = sound_task();
  Task task = bench.made.task;
  task.gold.replace(task.gold.find("2025-10-01"), 10, "2025-10-09");
  const Certificate certificate = certify_again(bench, task);
  CHECK_FALSE(certificate.gold_passes);
  CHECK_FALSE(certificate.same_bytes);
  CHECK_FALSE(certificate.sound);
}

TEST_CASE("a gold that stands in the prompt is caught") {
  const Bench bench = sound_task();
  Task task = bench.made.task;
  const Json gold = Json::parse(task.gold);
  task.prompt += " (" + gold[1]["hotel"].get<std::string>() + ")";
  CHECK_FALSE(certify_again(bench, task).no_leak);
}

TEST_CASE("a task that the first entity of every list solves is caught") {
  const Bench bench = sound_task();
  Task task = bench.made.task;
  task.constraints = Json::array();
  const Certificate certificate = certify_again(bench, task);
  CHECK_FALSE(certificate.trivial_fail);
  CHECK_FALSE(certificate.sound);
}

TEST_CASE("a task without a solution is caught") {
  const Bench bench = sound_task();
  Task task = bench.made.task;
  task.constraints.push_back(Json::parse(R"({"op":"compare","slots":{"fields":["hotel"]},"get":"price","cmp":"<","value":1})"));
  const Certificate certificate = certify_again(bench, task);
  CHECK(certificate.solutions == 0);
  CHECK(certificate.solutions_exact);
  CHECK_FALSE(certificate.sound);
}

TEST_CASE("a constraint that others imply is named as redundant") {
  const Bench bench = sound_task();
  Task task = bench.made.task;
  const Certificate before = bench.made.certificate;
  task.constraints.push_back(Json::parse(R"({"op":"compare","slots":{"fields":["hotel"]},"get":"price","cmp":">=","value":0})"));
  const Certificate after = certify_again(bench, task);
  CHECK(after.redundant.size() == before.redundant.size() + 1);
  CHECK(after.redundant.back() == "c7.compare");
}

TEST_CASE("a constraint that only a missing value breaks is not called unbreakable for want of a near miss") {
  Bench bench = sound_task("difficulty", "observing");
  Environment environment = *bench.environment;
  Table& target = environment.tables.tables[static_cast<size_t>(environment.tables.table_index("target"))];
  target.columns[static_cast<size_t>(target.spec.column_index("exposure"))][0] = kNull;
  const auto finished = finish_environment(std::move(environment));
  REQUIRE(finished.ok());
  const auto tools = toolset_of(*finished);
  MakeRequest request = bench.audit.request;
  request.environment = *finished;
  request.tools = tools.get();
  Task task = bench.made.task;
  task.constraints = Json::parse(R"([{"op":"all_different","slots":{"fields":["target"]}},
    {"op":"aggregate","how":"sum","terms":[{"slots":{"fields":["target"]},"get":"exposure"}],"at_least":0}])");
  seal_task(task);
  const auto certificate = certify(task, request);
  REQUIRE(certificate.ok());
  REQUIRE(certificate->mutants.size() == 2);
  CHECK(certificate->mutants[1].outcome == "killed");
}

TEST_CASE("a task whose provenance makes another task is caught") {
  Bench bench = sound_task();
  bench.audit.request.seed += 1;
  bench.audit.request.preset = "report_like";
  CHECK_FALSE(certify_again(bench, bench.made.task).same_bytes);
}

TEST_CASE("a tool that declares a complete list and leaves rows out is caught") {
  Bench bench = sound_task();
  const Certificate certificate = certify_with_tools(bench, [](std::vector<ToolSpec>& tools) {
    for (ToolSpec& tool : tools)
      if (tool.name == "get_all_hotels_by_city") {
        std::string sql = tool.body["sql"];
        tool.body["sql"] = sql + " LIMIT 3";
      }
  });
  CHECK_FALSE(certificate.learnable);
  CHECK_FALSE(certificate.sound);
}

TEST_CASE("a tool whose rows come in no order of their own is caught") {
  Bench bench = sound_task();
  const Certificate certificate = certify_with_tools(bench, [](std::vector<ToolSpec>& tools) {
    for (ToolSpec& tool : tools)
      if (tool.name == "get_all_hotels_by_city") {
        const std::string sql = tool.body["sql"];
        tool.body["sql"] = sql.substr(0, sql.find(" ORDER BY"));
      }
  });
  CHECK_FALSE(certificate.learnable);
  CHECK_FALSE(certificate.sound);
}

TEST_CASE("a column that no tool reveals is caught") {
  Bench bench = sound_task();
  const Certificate certificate = certify_with_tools(bench, [](std::vector<ToolSpec>& tools) {
    for (ToolSpec& tool : tools)
      for (Reveal& reveal : tool.reveals)
        if (reveal.table == "hotel") reveal.columns.erase("price");
  });
  CHECK_FALSE(certificate.learnable);
  CHECK_FALSE(certificate.gold_passes);
}

TEST_CASE("the explorer stays within the limits of the episode") {
  const Bench bench = sound_task();
  Task task = bench.made.task;
  task.limits.calls = 5;
  auto exploration = gold_exploration(task, *bench.environment, *bench.tools);
  REQUIRE_FALSE(exploration.ok());
  CHECK(exploration.error().boundary == Boundary::kLimit);
}

}  // namespace
TEST_CASE("tasks are made over an environment as a store gives it back, cell by cell") {
  // Else what a bounded search finds, and so a certificate, could differ when it is audited.
  for (const char* domain : {"travel", "spare_parts"}) {
    FactoryOptions options;
    options.domain = domain;
    options.preset = "difficulty";
    auto factory = Factory::create(options);
    REQUIRE(factory.ok());
    const auto made = (*factory)->environment(0);
    REQUIRE(made.ok());
    const auto stored = environment_from_json(to_json(**made), domain);
    REQUIRE(stored.ok());
    for (size_t t = 0; t < (*made)->tables.tables.size(); ++t) CHECK((*made)->tables.tables[t].columns == (*stored)->tables.tables[t].columns);
  }
}

}  // namespace assay
