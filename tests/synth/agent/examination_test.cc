// Every finding of an examination is provoked once: a sound domain with one fault in it.
#include "synth/agent/examination.h"

#include <set>

#include "tests/synth/fixture.h"

namespace assay {
namespace {

using Catch::Contains;

Json observing() { return fixture::domain_source("observing"); }

Json& table(Json& domain, const std::string& name) {
  for (Json& table : domain["tables"])
    if (table["name"] == name) return table;
  FAIL("no table " << name);
  return domain;
}

Json& tool(Json& domain, const std::string& name) {
  for (Json& tool : domain["tools"])
    if (tool["name"] == name) return tool;
  FAIL("no tool " << name);
  return domain;
}

// In the place of a tool: the same name, a query without parameters, and the claim that it lists all targets.
void answer_by(Json& tool, const std::string& sql) {
  tool = {{"name", tool["name"]}, {"description", "Lists targets."},
          {"parameters", {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}, {"additionalProperties", false}}},
          {"body", {{"sql", sql}, {"returns", "values"}}},
          {"reveals", {{{"table", "target"}, {"columns", {{"name", ""}}}, {"complete", true}}}}};
}

void keep_levels(Json& domain, const std::set<std::string>& kept) {
  Json& levels = domain["archetypes"]["select"]["levels"];
  for (const char* level : {"1", "2", "3", "4", "5"})
    if (!kept.count(level)) levels.erase(level);
}

Examination examined(const Json& domain) { return examine_domain(domain.dump(), "draft.json", {.tasks_per_level = 1, .seed = 5}); }

// The one code of all findings.
std::string code_of(const Examination& examination) {
  REQUIRE_FALSE(examination.findings.empty());
  for (const Finding& finding : examination.findings) CHECK(finding.code == examination.findings[0].code);
  return examination.findings[0].code;
}

TEST_CASE("a sound domain passes its examination at every level") {
  const Examination examination = examined(observing());
  INFO(examination_text(examination));
  CHECK(examination.passed());
  REQUIRE(examination.levels.size() == 5);
  for (const LevelSample& level : examination.levels) CHECK(level.certified == 1);
  CHECK_THAT(examination_text(examination), Contains("select, level 3: 1 of 1 tasks certified") && Contains("Nothing to mend."));
}

TEST_CASE("text that is no JSON, and JSON that is no domain") {
  const auto broken = examine_domain("{\"format\": ", "draft.json", {});
  CHECK(code_of(broken) == "not_json");
  CHECK_FALSE(broken.domain);
  Json domain = observing();
  table(domain, "target")["columns"][0]["references"] = "constelation";
  const Examination examination = examined(domain);
  CHECK(code_of(examination) == "does_not_compile");
  CHECK_THAT(examination.findings[0].text, Contains("draft.json: $.tables[1].columns[0].references"));
}

TEST_CASE("hostile SQL is refused by name") {
  for (const char* sql : {"SELECT name FROM target; DROP TABLE target", "ATTACH 'x' AS y", "SELECT load_extension('x') AS name",
                          "WITH RECURSIVE n(name) AS (SELECT 1 UNION ALL SELECT name + 1 FROM n) SELECT name FROM n",
                          "SELECT sql AS name FROM sqlite_master", "SELECT randomblob(1000000000) AS name"}) {
    INFO(sql);
    Json domain = observing();
    answer_by(tool(domain, "list_targets"), sql);
    CHECK(code_of(examined(domain)) == "sql_refused");
  }
}

TEST_CASE("an attack that hits is a finding, and names what it did") {
  Json domain = observing();
  // A text that stands for everybody.
  domain["tools"].push_back({{"name", "search_targets"}, {"description", "Names of targets."},
                             {"parameters", {{"type", "object"}, {"properties", {{"name", {{"type", "string"}, {"description", "The name"}}}}}, {"required", {"name"}}, {"additionalProperties", false}}},
                             {"body", {{"sql", "SELECT name FROM target WHERE name = :name OR :name = '%' ORDER BY name"}, {"returns", "values"}}},
                             {"reveals", Json::array()}});
  const Examination examination = examined(domain);
  INFO(examination_text(examination));
  CHECK(code_of(examination) == "attack_hit");
  CHECK_THAT(examination.findings[0].text, Contains("select, level 1: hostile_sql, SQL for an argument: search_targets(name = %)"));
  domain["tools"].back()["body"]["sql"] = "SELECT name FROM target WHERE instr(name, :name) > 0 ORDER BY name";
  CHECK(examined(domain).passed());
}

TEST_CASE("a domain whose tools write is examined, not turned away") {
  Json domain = fixture::domain_source("library_loans");
  const Examination examination = examined(domain);
  INFO(examination_text(examination));
  CHECK(examination.passed());
  CHECK(std::any_of(examination.levels.begin(), examination.levels.end(), [](const LevelSample& level) { return level.archetype == "operate" && level.certified == 1; }));
}

TEST_CASE("a tool that does not return what it declares is found out") {
  Json domain = observing();
  answer_by(tool(domain, "list_targets"), "SELECT name FROM target WHERE altitude > 40 ORDER BY name");
  const Examination examination = examined(domain);
  CHECK(code_of(examination) == "false_declaration");
  CHECK_THAT(examination.findings[0].text, Contains("list_targets") && Contains("leaves rows out"));
}

TEST_CASE("tables that cannot be filled, and tables that are too large") {
  Json domain = observing();
  Json& slew = table(domain, "slew");
  slew["rows"]["times"] = 2;   // the key repeats
  CHECK(code_of(examined(domain)) == "cannot_be_filled");
  slew["rows"].erase("times");
  table(domain, "target")["rows"]["count"] = 400;
  slew["rows"]["keep_percent"] = 0;
  CHECK(code_of(examined(domain)) == "too_large");
}

TEST_CASE("texts that double from column to column are stopped") {
  Json domain = observing();
  Json& columns = table(domain, "constellation")["columns"];
  for (int i = 0; i < 40; ++i) {
    const std::string last = i == 0 ? "season" : "c" + std::to_string(i - 1), both = "{=" + last + "}{=" + last + "}";
    columns.push_back({{"name", "c" + std::to_string(i)}, {"fill", {{"kind", "pattern"}, {"patterns", {both + both + both + both}}}}});
  }
  CHECK(code_of(examined(domain)) == "cannot_be_filled");
}

TEST_CASE("a template that cannot be judged is named") {
  Json domain = observing();
  domain["archetypes"]["select"]["templates"]["time_budget"]["constraint"]["terms"][1]["get"] = "limiting_magnitude";
  const Examination examination = examined(domain);
  CHECK(code_of(examination) == "bad_template");
  CHECK_THAT(examination.findings[0].text, Contains("'time_budget'") && Contains("different units or decimals"));
}

TEST_CASE("a level out of reach, and constraints that contradict each other at every level") {
  Json domain = observing();
  Json& part = domain["archetypes"]["select"];
  keep_levels(domain, {"1", "2", "4"});
  part["levels"]["2"]["chance"] = {0.9, 0.95};
  Examination examination = examined(domain);
  CHECK(code_of(examination) == "level_unreached");
  CHECK(examination.findings.size() == 1);
  CHECK_THAT(examination.findings[0].text, Contains("level 2") && Contains("stays below the band"));
  REQUIRE(examination.levels.size() == 3);
  CHECK(examination.levels[1].certified == 0);
  CHECK(examination.levels[2].certified == 1);

  domain = observing();
  keep_levels(domain, {"1", "2"});
  Json& templates = domain["archetypes"]["select"]["templates"];
  templates["high"] = {{"constraint", {{"op", "compare"}, {"slots", {{"fields", {"target"}}}}, {"get", "altitude"}, {"cmp", ">="}, {"value", 60}}}};
  templates["low"] = {{"constraint", {{"op", "compare"}, {"slots", {{"fields", {"target"}}}}, {"get", "altitude"}, {"cmp", "<"}, {"value", 50}}}};
  for (Json& level : domain["archetypes"]["select"]["levels"])
    for (const char* name : {"high", "low"}) level["always"].push_back(name);
  examination = examined(domain);
  CHECK(code_of(examination) == "unsatisfiable");
  CHECK(examination.findings.size() == 2);
}

TEST_CASE("a column that no tool reveals keeps the gold from being found") {
  Json domain = observing();
  keep_levels(domain, {"1"});
  tool(domain, "camera_info")["columns"] = {"setup"};
  const Examination examination = examined(domain);
  CHECK(code_of(examination) == "unsatisfiable");
  CHECK_THAT(examination.findings[0].text, Contains("no tool reveals 'limiting_magnitude'"));
}

TEST_CASE("an answer that stands in the prompt makes a task unsound") {
  Json domain = observing();
  keep_levels(domain, {"1"});
  domain["archetypes"]["select"]["presets"]["intro"] =
      "plan {groups} slots. The cameras are Aurora 9, Brightbox, Corvid II, Dray, Elm Wide, Falk 60, Gannet, Hush, Iris Mono, Jackdaw and Kestrel Pro.";
  CHECK(code_of(examined(domain)) == "unsound");
}

}  // namespace
}  // namespace assay
