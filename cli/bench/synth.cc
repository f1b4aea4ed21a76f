// Certified tasks made, and gold transcripts played again as episodes; one thread unless it says two.
#include <chrono>

#include "cli/bench.h"
#include "cli/jobs.h"
#include "cli/task_plan.h"
#include "envs/database.h"
#include "envs/episode.h"
#include "synth/explorer.h"
#include "synth/factory.h"
#include "verifiers/constraint_verifier.h"

namespace assay::bench::synth {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<Figure> certified(const std::string& archetype, const std::string& preset, int64_t count, const std::string& note) {
  FactoryOptions options;
  options.archetypes = {archetype};
  options.preset = preset;
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  int64_t sound = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < count; ++i) {
    ASSAY_ASSIGN(const MadeTask made, factory->make(i));
    sound += made.certificate.sound;
  }
  return Figure{"synth", "certified tasks, " + (archetype == "select" ? preset : archetype), static_cast<double>(sound) / seconds_since(start), "1/s", 100, true, note};
}

// A sample of the large run: an environment of every domain, with the tasks that would be made first in it.
Result<Figure> all_domains() {
  constexpr int64_t kTasks = 10;   // in each environment: every archetype, and for most every difficulty
  constexpr double kTasksOfRun = 86'000, kSecondsOfRun = 600;
  FactoryOptions options;
  options.archetypes = {"all"};
  options.variants = {"any"};
  const int64_t environments = static_cast<int64_t>(domain_names().size());
  ASSAY_ASSIGN(const TaskPlan plan, TaskPlan::of_all_domains(options, environments, environments * kTasks));
  int64_t sound = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto make = [&](int64_t index, int) -> Result<int64_t> {
    const TaskBatch batch = plan.batch(index);
    int64_t made = 0;
    for (int64_t i = batch.first; i < batch.first + batch.count; ++i)
      if (const auto task = batch.factory->make(i); task.ok()) made += task->certificate.sound;
    batch.factory->release(batch.first);
    return made;
  };
  ASSAY_ASSIGN([[maybe_unused]] const int64_t reached, ordered_map<int64_t>(0, plan.batches(), {.jobs = 2}, make, [&](int64_t, int64_t made) -> Status {
    sound += made;
    return {};
  }));
  return Figure{"synth", "certified tasks, all domains and archetypes, two threads", static_cast<double>(sound) / seconds_since(start), "1/s", kTasksOfRun / kSecondsOfRun, true,
                std::to_string(plan.tasks()) + " tasks, " + std::to_string(kTasks) + " an environment (a large run has 45, so environments weigh less there); not stored"};
}

Result<Figure> replayed() {
  FactoryOptions options;
  options.preset = "report_like";
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  ASSAY_ASSIGN(const auto environment, factory->environment(0));
  ASSAY_ASSIGN(const auto database, Database::build(environment->tables));
  ASSAY_ASSIGN(auto tools, Toolset::open(environment, database));
  struct Gold {
    Task task;
    Conversation transcript;
    std::unique_ptr<Verifier> verifier;
  };
  std::vector<Gold> golds;
  int64_t calls = 0;
  for (int64_t i = 0; i < 16; ++i) {
    ASSAY_ASSIGN(MadeTask made, factory->make(i));
    ASSAY_ASSIGN(Exploration exploration, gold_exploration(made.task, *environment, *tools));
    ASSAY_ASSIGN(auto verifier, make_verifier(made.task, environment));
    calls += exploration.calls;
    golds.push_back({std::move(made.task), std::move(exploration.transcript), std::move(verifier)});
  }
  int64_t played = 0, passed = 0;
  const auto start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 2)
    for (const Gold& gold : golds) {
      Episode episode(gold.task, *tools);
      for (const Message& message : gold.transcript)
        if (message.role == Role::kAssistant) ASSAY_TRY(episode.step(message));
      passed += gold.verifier->judge(Outcome{episode.answer(), {}}).passed;
      ++played;
    }
  if (passed != played) return make_error(Boundary::kInternal, "a gold episode does not pass", "bench synth");
  return Figure{"synth", "gold episodes played again", static_cast<double>(played) / seconds_since(start), "1/s", 2'000, true,
                "16 report-like tasks, " + std::to_string(calls / 16) + " tool calls each on average, full verdict included"};
}

Result<std::vector<Figure>> run() {
  std::vector<Figure> out;
  ASSAY_ASSIGN(Figure like, certified("select", "report_like", 100, "gold through tools and certificate included; 64 tasks an environment"));
  ASSAY_ASSIGN(Figure report, certified("select", "report", 20, "the report's own task: a new environment for every task"));
  ASSAY_ASSIGN(Figure bands, certified("select", "difficulty", 50, "all five difficulties in turn, search included"));
  ASSAY_ASSIGN(Figure questions, certified("query", "difficulty", 320, "questions, all five difficulties in turn; 64 tasks an environment"));
  ASSAY_ASSIGN(Figure all, all_domains());
  ASSAY_ASSIGN(Figure replay, replayed());
  out = {std::move(all), std::move(like), std::move(report), std::move(bands), std::move(questions), std::move(replay)};
  return out;
}

}  // namespace

BenchArea make() { return {"synth", "certified tasks made, gold episodes played again", run}; }

}  // namespace assay::bench::synth
