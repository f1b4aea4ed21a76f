// Tasks judged by state: verdicts, gold trajectories of 20 calls carried out again, certified tasks made; one thread.
#include <chrono>

#include "cli/bench.h"
#include "envs/database.h"
#include "envs/episode.h"
#include "synth/factory.h"
#include "verifiers/state_verifier.h"

namespace assay::bench::operate {
namespace {

constexpr const char* kDomain = "library_loans";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Error wrong(const std::string& what) { return make_error(Boundary::kInternal, what, "bench operate"); }

struct Gold {
  Task task;
  std::unique_ptr<StateVerifier> verifier;
  Conversation transcript;
  int64_t calls = 0;
  std::vector<Json> states;   // right, as it was in the beginning, and one call short
};

// Tasks of about 20 calls, in one environment.
Result<std::vector<Gold>> golds(Factory& factory, const std::shared_ptr<const Environment>& environment, Tools& tools) {
  std::vector<Gold> out;
  for (int64_t i = 0; out.size() < 16; ++i) {
    ASSAY_ASSIGN(MadeTask made, factory.make(i));
    Gold gold;
    gold.task = std::move(made.task);
    ASSAY_ASSIGN(gold.verifier, StateVerifier::create(gold.task.goal, environment->tables, "bench"));
    ASSAY_ASSIGN(std::shared_ptr<const Domain> domain, load_domain(gold.task.provenance.domain));
    ASSAY_ASSIGN(const AuditRequest audit, request_of(gold.task, std::move(domain), environment, tools));
    ASSAY_ASSIGN(const Archetype* archetype, find_archetype("operate"));
    ASSAY_ASSIGN(Exploration exploration, archetype->gold(gold.task, audit.request));
    gold.transcript = std::move(exploration.transcript);
    gold.calls = exploration.calls;
    Json short_of = gold.task.goal;
    short_of.erase(short_of.begin().key());
    gold.states = {gold.task.goal, Json::object(), std::move(short_of)};
    if (std::abs(gold.calls - 20) <= 3) out.push_back(std::move(gold));
  }
  return out;
}

Result<Figure> verdicts(const std::vector<Gold>& golds) {
  int64_t passed = 0, judged = 0;
  const auto start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 1)
    for (const Gold& gold : golds)
      for (const Json& state : gold.states) passed += gold.verifier->holds(state), ++judged;
  if (passed * 3 != judged) return wrong("the verdicts are not the ones the states were made for");
  return Figure{"operate", "states judged", static_cast<double>(judged) / seconds_since(start), "1/s", 200'000, true,
                "16 tasks of about 20 calls: the right state, the initial one, one with a table short"};
}

Result<Figure> replays(const std::vector<Gold>& golds, Tools& tools) {
  int64_t played = 0, passed = 0, calls = 0;
  const auto start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 2)
    for (const Gold& gold : golds) {
      ASSAY_TRY(tools.reset());
      Episode episode(gold.task, tools);
      for (const Message& message : gold.transcript)
        if (message.role == Role::kAssistant) ASSAY_TRY(episode.step(message));
      ASSAY_ASSIGN(const Outcome outcome, episode.outcome());
      passed += gold.verifier->judge(outcome).passed;
      calls += episode.calls();
      ++played;
    }
  if (passed != played) return wrong("a gold episode does not pass");
  return Figure{"operate", "gold trajectories of 20 calls carried out", static_cast<double>(calls) / 20 / seconds_since(start), "1/s", 5'000, true,
                "reset, calls, state and full verdict; " + std::to_string(calls / played) + " calls on average, counted as 20 each"};
}

Result<Figure> certified() {
  FactoryOptions options;
  options.domain = kDomain;
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  int64_t sound = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < 256; ++i) {
    ASSAY_ASSIGN(const MadeTask made, factory->make(i));
    sound += made.certificate.sound;
  }
  return Figure{"operate", "certified tasks", static_cast<double>(sound) / seconds_since(start), "1/s", 200, true,
                "all five difficulties in turn, 64 tasks an environment"};
}

Result<std::vector<Figure>> run() {
  FactoryOptions options;
  options.domain = kDomain;
  options.difficulties = {4};
  options.tasks_per_environment = 1'000'000;
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  ASSAY_ASSIGN(const auto environment, factory->environment(0));
  ASSAY_ASSIGN(const auto database, Database::build(environment->tables));
  ASSAY_ASSIGN(auto tools, Toolset::open(environment, database));
  ASSAY_ASSIGN(const auto gold, golds(*factory, environment, *tools));
  ASSAY_ASSIGN(Figure judged, verdicts(gold));
  ASSAY_ASSIGN(Figure played, replays(gold, *tools));
  ASSAY_ASSIGN(Figure made, certified());
  return std::vector<Figure>{std::move(judged), std::move(played), std::move(made)};
}

}  // namespace

BenchArea make() { return {"operate", "states judged, trajectories carried out, certified tasks made", run}; }

}  // namespace assay::bench::operate
