// The catalogue of attacks against certified tasks; one thread.
#include <chrono>

#include "cli/bench.h"
#include "synth/factory.h"
#include "verifiers/attack.h"
#include "verifiers/constraint_verifier.h"

namespace assay::bench::attack {
namespace {

constexpr int64_t kTasks = 64;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Prepared {
  Task task;
  std::shared_ptr<const Environment> environment;
  std::unique_ptr<Verifier> verifier;
};

Result<Prepared> prepare(Factory& factory, int64_t index) {
  ASSAY_ASSIGN(MadeTask made, factory.make(index));
  Prepared out{std::move(made.task), nullptr, nullptr};
  ASSAY_ASSIGN(out.environment, factory.environment(index));
  ASSAY_ASSIGN(out.verifier, make_verifier(out.task, out.environment));
  return out;
}

Result<std::vector<Figure>> run() {
  FactoryOptions options;
  options.preset = "report_like";
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  std::vector<Prepared> tasks;
  for (int64_t index = 0; index < kTasks; ++index) {
    ASSAY_ASSIGN(Prepared task, prepare(*factory, index));
    tasks.push_back(std::move(task));
  }
  ASSAY_ASSIGN(const auto database, Database::build(tasks[0].environment->tables));
  AttackReport all;
  int64_t attacked = 0;
  const auto start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 1) {
    ASSAY_ASSIGN(auto tools, Toolset::open(tasks[0].environment, database));
    ASSAY_ASSIGN(auto connection, Connection::open(database, {}, Access::kWrite));
    ASSAY_ASSIGN(const AttackReport shared, attack_environment({*tasks[0].environment, *tools, *connection}));
    all.add(shared);
    for (size_t i = 0; i < tasks.size(); ++i, ++attacked) {
      const std::string other = gold_of(tasks[(i + 1) % tasks.size()].task);
      ASSAY_ASSIGN(const AttackReport report, attack_task({tasks[i].task, *tasks[i].environment, *tasks[i].verifier, {&other, 1}}));
      all.add(report);
    }
  }
  const double seconds = seconds_since(start);
  if (all.total().hits > 0) return make_error(Boundary::kInternal, "an attack on a certified task succeeds", "bench attack");
  return std::vector<Figure>{{"attack", "tasks attacked", static_cast<double>(attacked) / seconds, "1/s", 1'000, true,
                              std::to_string(all.total().tried / attacked) + " attempts a report-like task, its environment attacked once for 64"}};
}

}  // namespace

BenchArea make() { return {"attack", "the catalogue of attacks", run}; }

}  // namespace assay::bench::attack
