#include "datasets/judgement.h"

#include <catch2/catch.hpp>

#include "datasets/selection.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

TEST_CASE("a judgement names the first check that failed, and is read back as it was written") {
  const Judgement judgement = judgement_of({0, false, {{"shape", true, ""}, {"c0.all_different", false, "twice"}, {"c1.belongs", false, "no"}}, "constraints/1"});
  CHECK(judgement == Judgement{"constraints/1", RolloutOutcome::kFailed, 0, "c0.all_different", "twice"});
  CHECK(judgement_of({1, true, {{"shape", true, ""}}, "v"}) == Judgement{"v", RolloutOutcome::kPassed, 1, "", ""});
  for (const std::string& name : outcome_names()) {
    Judgement each = judgement;
    each.outcome = outcome_named(name, "").value();
    CHECK(judgement_from_json(to_json(each), "").value() == each);
  }
  Json wrong = to_json(judgement);
  wrong["outcome"] = "perhaps";
  CHECK_FALSE(judgement_from_json(wrong, "").ok());
  wrong = to_json(judgement);
  wrong["format"] = "assay-judgement/2";
  CHECK_FALSE(judgement_from_json(wrong, "").ok());
}

TEST_CASE("a rollout is disputed by what any verifier said last, and never by who could not tell") {
  const auto said = [](std::initializer_list<std::pair<const char*, RolloutOutcome>> all) {
    Json observations = Json::array({{{"name", "another"}, {"value", 7}, {"unix_ms", 1}}});
    for (const auto& [verifier, outcome] : all) observations.push_back({{"name", kJudgementObservation}, {"value", to_json(Judgement{verifier, outcome, 0, "", ""})}, {"unix_ms", 1}});
    return observations;
  };
  using enum RolloutOutcome;
  CHECK_FALSE(is_disputed(said({}), true, "").value());
  CHECK_FALSE(is_disputed(said({{"a", kPassed}, {"b", kUndecided}, {"c", kVerifierError}, {"d", kTimedOut}}), true, "").value());
  CHECK(is_disputed(said({{"a", kPassed}, {"b", kFailed}}), true, "").value());
  CHECK(is_disputed(said({{"b", kPassed}}), false, "").value());
  CHECK_FALSE(is_disputed(said({{"b", kPassed}, {"b", kFailed}}), false, "").value());
  CHECK(newest_judgement(said({{"a", kPassed}, {"b", kFailed}, {"a", kTimedOut}}), "a", "").value()->outcome == kTimedOut);
  CHECK_FALSE(newest_judgement(said({{"a", kPassed}}), "b", "").value());
}

TEST_CASE("disputed rollouts are left out of a selection unless they are asked for, and the stored verdict stays") {
  sample::Folder folder;
  auto store = Store::open(folder.file("s.db"), StoreMode::kOpenOrCreate, system_clock()).value();
  const auto environment = sample::environment();
  const Task task = sample::task(0, *environment);
  REQUIRE(store->put_environment(*environment).ok());
  REQUIRE(store->put_task(task).ok());
  REQUIRE(store->put_certificate(sample::certificate(task)).ok());
  std::vector<Rollout> rollouts;
  for (int i = 0; i < 3; ++i) {
    rollouts.push_back(sample::rollout(task, i));
    REQUIRE(store->put_rollout(rollouts.back()).ok());
  }
  const auto judge = [&](int i, RolloutOutcome outcome) { REQUIRE(store->put_observation(rollouts[static_cast<size_t>(i)].id, kJudgementObservation, to_json(Judgement{"other", outcome, 0, "", ""})).ok()); };
  judge(0, RolloutOutcome::kFailed);
  judge(1, RolloutOutcome::kPassed);
  const SelectionNeeds needs{.rollouts = true};
  const SelectionPlan plan = plan_selection(*store, {}, needs).value();
  CHECK(plan.tasks.at(0).rollouts == std::vector<std::string>{rollouts[1].id, rollouts[2].id});
  CHECK(plan.funnel.rollouts.lost == std::map<Loss, int64_t>{{Loss::kDisputed, 1}});
  CHECK(plan_selection(*store, {.disputed = true}, needs).value().tasks.at(0).rollouts.size() == 3);
  CHECK(store->rollout(rollouts[0].id).value().verdict.passed);
  judge(0, RolloutOutcome::kPassed);
  CHECK(plan_selection(*store, {}, needs).value().tasks.at(0).rollouts.size() == 3);
}

}  // namespace
}  // namespace assay
