#include "cli/task_plan.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>

namespace assay {
namespace {

// The first `environments` environments of a run over all domains, with so many tasks in each.
TaskPlan plan_of(int64_t environments, int64_t tasks) {
  auto plan = TaskPlan::of_all_domains({.archetypes = {"all"}}, environments, environments * tasks);
  REQUIRE(plan.ok());
  return std::move(*plan);
}

TEST_CASE("however many tasks an environment has, any first part of a run over all domains has as much of each difficulty") {
  for (const int64_t each : {1, 2, 3, 8, 45}) {
    const TaskPlan plan = plan_of(400, each);
    std::map<int, int64_t> tasks;
    for (int64_t index = 0; index < plan.batches(); ++index) {
      const TaskBatch batch = plan.batch(index);
      for (int64_t i = batch.first; i < batch.first + batch.count; ++i) ++tasks[batch.factory->difficulties(i).front()];
      if (index < 24) continue;
      INFO(each << " tasks in each of " << index + 1 << " environments");
      REQUIRE(tasks.size() == 5);
      const int64_t fair = (index + 1) * each / 5;
      for (const auto& [difficulty, count] : tasks) {
        INFO("difficulty " << difficulty);
        REQUIRE(std::abs(count - fair) <= fair / 3 + 3);
      }
    }
  }
}

TEST_CASE("every domain makes every archetype at every difficulty in its turn") {
  const int64_t domains = static_cast<int64_t>(plan_of(1, 1).factories().size());
  const TaskPlan plan = plan_of(20 * domains, 1);
  std::map<const Factory*, std::map<std::pair<std::string, int>, int>> made;
  for (int64_t index = 0; index < plan.batches(); ++index) {
    const TaskBatch batch = plan.batch(index);
    ++made[batch.factory][{batch.factory->archetype(batch.first), batch.factory->difficulties(batch.first).front()}];
  }
  CHECK(made.size() == static_cast<size_t>(domains));
  for (const auto& [factory, kinds] : made) {
    INFO(factory->domain().name);
    CHECK(kinds.size() == factory->archetypes().size() * 5);
  }
}

}  // namespace
}  // namespace assay
