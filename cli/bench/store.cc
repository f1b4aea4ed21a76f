// Rollout rows put into a store on disk, synced and committed; one thread.
#include <chrono>
#include <filesystem>

#include "cli/bench.h"
#include "datasets/store.h"
#include "envs/database.h"
#include "envs/episode.h"
#include "synth/explorer.h"
#include "synth/factory.h"
#include "verifiers/constraint_verifier.h"

namespace assay::bench::store {
namespace {

// A gold rollout of a report-like task, as `assay rollout` stores it.
Result<Rollout> gold_rollout() {
  FactoryOptions options;
  options.preset = "report_like";
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  ASSAY_ASSIGN(const auto environment, factory->environment(0));
  ASSAY_ASSIGN(const auto database, Database::build(environment->tables));
  ASSAY_ASSIGN(auto tools, Toolset::open(environment, database));
  ASSAY_ASSIGN(const MadeTask made, factory->make(0));
  ASSAY_ASSIGN(const Exploration exploration, gold_exploration(made.task, *environment, *tools));
  ASSAY_ASSIGN(auto verifier, make_verifier(made.task, environment));
  Rollout rollout;
  rollout.task = made.task.id;
  rollout.policy = "bench";
  rollout.messages = Episode(made.task, *tools).opening();
  rollout.messages.insert(rollout.messages.end(), exploration.transcript.begin(), exploration.transcript.end());
  rollout.answer = exploration.answer;
  rollout.submitted = true;
  rollout.stop = "submitted";
  rollout.verdict = verifier->judge(Outcome{exploration.answer, {}});
  rollout.calls = exploration.calls;
  return rollout;
}

Result<std::vector<Figure>> run() {
  ASSAY_ASSIGN(Rollout rollout, gold_rollout());
  char folder[] = "/tmp/assay-bench-XXXXXX";
  if (!::mkdtemp(folder)) return make_error(Boundary::kStore, "cannot make a folder", folder);
  const int64_t kRows = 20'000;
  double seconds = 0;
  {
    ASSAY_ASSIGN(auto store, Store::open(std::string(folder) + "/bench.db", StoreMode::kOpenOrCreate, system_clock()));
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < kRows; ++i) {
      rollout.sample = i;
      rollout.id = rollout_id(rollout.task, rollout.policy, 0, i);
      ASSAY_TRY(store->put_rollout(rollout));
    }
    ASSAY_TRY(store->flush());
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  const size_t bytes = to_json(rollout).dump().size();
  return std::vector<Figure>{{"store", "rollout rows", static_cast<double>(kRows) / seconds, "1/s", 20'000, true,
                              std::to_string(bytes) + " bytes of JSON each, in /tmp"}};
}

}  // namespace

BenchArea make() { return {"store", "rollout rows put into a store", run}; }

}  // namespace assay::bench::store
