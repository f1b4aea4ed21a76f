// Lineages: what each step keeps and adds, what it measures, how tools grow, and that all of it follows from provenance.
#include "synth/lineage.h"

#include <algorithm>
#include <set>

#include "synth/certify.h"
#include "synth/factory.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using Catch::Contains;
using fixture::must;

struct Case {
  const char *domain, *archetype;
  size_t least;   // tasks of two lineages of three; a question can often not be asked further
};
const Case kCases[] = {{"travel", "select", 5}, {"observing", "select", 5}, {"meetings", "schedule", 5}, {"travel", "query", 4}, {"library_loans", "operate", 5}};

std::unique_ptr<Factory> factory_of(const Case& which, std::vector<int> difficulties = {1, 2, 3}) {
  return must(Factory::create({.domain = which.domain, .preset = kLineagePreset, .archetypes = {which.archetype}, .difficulties = std::move(difficulties), .seed = 11}));
}

// Made once; every test looks at them.
const Lineage& lineage(size_t which, int64_t index) {
  static std::map<std::pair<size_t, int64_t>, Lineage> all;
  auto [it, fresh] = all.try_emplace({which, index});
  if (fresh) it->second = must(factory_of(kCases[which])->make_lineage(index));
  return it->second;
}

std::set<std::string> tools_of(const LineageTask& task) {
  std::set<std::string> out;
  for (const ToolSpec& tool : task.environment->tools) out.insert(tool.name);
  return out;
}

bool contains(const Json& list, const Json& item) { return std::find(list.begin(), list.end(), item) != list.end(); }

// Whether the task keeps what the one before asks for, and asks for more.
void check_step(const Task& before, const Task& now, const Certificate& earlier, const Certificate& later) {
  if (now.archetype == "operate") {
    const Json done = Json::parse(before.gold), all = Json::parse(now.gold);
    REQUIRE(all.size() > done.size());
    for (size_t i = 0; i < done.size(); ++i) CHECK(all[i] == done[i]);
    CHECK(later.calls_high > earlier.calls_high);
  } else if (now.archetype == "query") {
    CHECK(later.measures.at("hops") >= earlier.measures.at("hops"));
    CHECK(later.measures.at("operators") >= earlier.measures.at("operators"));
    CHECK(later.measures != earlier.measures);
  } else {
    CHECK(now.constraints.size() > before.constraints.size());
    CHECK(now.answer.groups >= before.answer.groups);
    if (now.answer.groups == before.answer.groups)
      for (const Json& constraint : before.constraints) CHECK(contains(now.constraints, constraint));
    for (size_t f = 0; f < now.answer.fields.size(); ++f)
      CHECK(std::equal(before.answer.fields[f].literals.begin(), before.answer.fields[f].literals.end(), now.answer.fields[f].literals.begin()));
    CHECK(later.chance_hits <= earlier.chance_hits);
    CHECK(later.interacting >= earlier.interacting);
  }
}

TEST_CASE("each task of a lineage keeps what the one before asks for, adds to it, and is measured no easier") {
  for (size_t which = 0; which < std::size(kCases); ++which) {
    size_t steps = 0;
    for (int64_t index = 0; index < 2; ++index) {
      const Lineage& made = lineage(which, index);
      INFO(kCases[which].domain << " " << kCases[which].archetype << " " << index << ": " << made.reason << " at " << made.stopped_at << ", " << made.detail);
      CHECK((made.stopped_at == 0) == (made.tasks.size() == 3));
      for (size_t step = 0; step < made.tasks.size(); ++step) {
        const MadeTask& now = made.tasks[step].made;
        CHECK(now.certificate.sound);
        CHECK(now.task.environment == made.tasks[step].environment->id);
        CHECK(now.task.difficulty == static_cast<int>(step) + 1);
        CHECK(now.task.provenance.step == static_cast<int64_t>(step));
        CHECK(now.task.provenance.parent == (step == 0 ? "" : made.tasks[step - 1].made.task.id));
        if (step > 0) check_step(made.tasks[step - 1].made.task, now.task, made.tasks[step - 1].made.certificate, now.certificate);
      }
      steps += made.tasks.size();
    }
    INFO(kCases[which].domain << " " << kCases[which].archetype);
    CHECK(steps >= kCases[which].least);
  }
}

TEST_CASE("tools begin as few as the first task needs, and grow") {
  size_t added = 0;
  for (size_t which = 0; which < std::size(kCases); ++which)
    for (int64_t index = 0; index < 2; ++index) {
      const Lineage& made = lineage(which, index);
      REQUIRE_FALSE(made.tasks.empty());
      const size_t all = must(load_domain(kCases[which].domain))->tools.size();
      CHECK(tools_of(made.tasks[0]).size() < all);
      for (size_t step = 1; step < made.tasks.size(); ++step) {
        const auto before = tools_of(made.tasks[step - 1]), now = tools_of(made.tasks[step]);
        CHECK(std::includes(now.begin(), now.end(), before.begin(), before.end()));
        added += now.size() - before.size();
      }
      // None of the reading tools of the first task can be done without.
      const Task& first = made.tasks[0].made.task;
      for (const ToolSpec& tool : made.tasks[0].environment->tools) {
        if (tool.effect != ToolEffect::kRead) continue;
        Environment fewer = *made.tasks[0].environment;
        std::erase_if(fewer.tools, [&](const ToolSpec& other) { return other.name == tool.name; });
        const auto environment = must(finish_environment(std::move(fewer)));
        const auto tools = must(Toolset::open(environment, must(Database::build(environment->tables))));
        if (first.archetype != "select") continue;   // the others' golds need the request that made them
        const auto gold = gold_exploration(first, *environment, *tools);
        INFO(kCases[which].domain << " without " << tool.name);
        CHECK((!gold.ok() || gold->plain_calls > 100));
      }
    }
  CHECK(added > 0);
}

TEST_CASE("any task of a lineage is made again from its provenance alone, with its certificate and its gold") {
  for (size_t which = 0; which < std::size(kCases); ++which)
    for (const LineageTask& made : lineage(which, 0).tasks) {
      INFO(kCases[which].domain << " " << kCases[which].archetype << ", step " << made.made.task.provenance.step);
      const auto tools = must(Toolset::open(made.environment, must(Database::build(made.environment->tables))));
      AuditRequest audit = must(request_of(made.made.task, must(load_domain(kCases[which].domain)), made.environment, *tools));
      CHECK(must(certify(made.made.task, audit.request)).id == made.made.certificate.id);
      CHECK(must(must(find_archetype(made.made.task.archetype))->gold(made.made.task, audit.request)).calls == made.made.certificate.calls_high);
    }
}

TEST_CASE("a lineage is refused where its tools, its attempts or its steps are not what its provenance gives") {
  const LineageTask& made = lineage(0, 0).tasks.back();
  const auto tools = must(Toolset::open(made.environment, must(Database::build(made.environment->tables))));
  const auto domain = must(load_domain("travel"));
  Environment more = *made.environment;
  more.tools = tools_over(domain->tools, more.tables);
  CHECK_THAT(request_of(made.made.task, domain, must(finish_environment(std::move(more))), *tools).error().text(), Contains("not those that its lineage has"));
  Task other = made.made.task;
  other.provenance.step = 5;
  CHECK_THAT(request_of(other, domain, made.environment, *tools).error().text(), Contains("no lineage has step 5 at difficulty"));
  other = made.made.task;
  other.provenance.parent = lineage(0, 1).tasks[0].made.task.id;
  seal_task(other);
  const Certificate forged = must(certify(other, must(request_of(other, domain, made.environment, *tools)).request));
  CHECK_FALSE(forged.sound);
  CHECK_FALSE(forged.same_bytes);
}

TEST_CASE("a lineage that cannot go on says where and why") {
  Json source = fixture::domain_source("observing");
  Json& levels = source["archetypes"]["select"]["levels"];
  levels["2"]["always"] = levels["1"]["always"];
  levels["2"]["choose"] = Json::array();
  levels["2"]["choose_count"] = {0, 0};
  levels["2"]["groups"] = levels["1"]["groups"];
  const auto factory = must(Factory::create(must(compile_domain(source.dump(), "draft.json")), {.preset = kLineagePreset, .archetypes = {"select"}, .difficulties = {1, 2}}));
  const Lineage made = must(factory->make_lineage(0));
  CHECK(made.tasks.size() == 1);
  CHECK(made.stopped_at == 2);
  CHECK(made.reason == "no_candidate");
  CHECK_THAT(made.detail, Contains("nothing can be added"));
}

TEST_CASE("what cannot be escalated is refused by name") {
  CHECK_THAT(Factory::create({.preset = kLineagePreset, .difficulties = {1, 3}}).error().text(), Contains("one difficulty at a time"));
  CHECK_THAT(Factory::create({.preset = kLineagePreset, .data = "somewhere"}).error().text(), Contains("a domain's own tables"));
  const auto factory = must(Factory::create({.domain = "compute", .preset = kLineagePreset}));
  CHECK_THAT(factory->make_lineage(0).error().text(), Contains("do not grow out of each other"));
}

}  // namespace
}  // namespace assay
