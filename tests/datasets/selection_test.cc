#include "datasets/selection.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "envs/attack_report.h"
#include "envs/base/hash.h"
#include "envs/pass_rate.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

using sample::Folder;

struct Fixture {
  Folder folder;
  std::shared_ptr<const Environment> environment = sample::environment();
  std::unique_ptr<Store> store = Store::open(folder.file("s.db"), StoreMode::kOpenOrCreate, system_clock()).value();

  Fixture() { REQUIRE(store->put_environment(*environment).ok()); }

  Task add(int64_t index, const std::function<void(Task&)>& change = nullptr, const std::function<void(Certificate&)>& claim = nullptr) {
    Task task = sample::task(index, *environment);
    if (change) change(task);
    seal_task(task);
    Certificate certificate = sample::certificate(task);
    if (claim) claim(certificate);
    seal_certificate(certificate);
    REQUIRE(store->put_task(task).ok());
    REQUIRE(store->put_certificate(certificate).ok());
    return task;
  }
  Rollout roll(const Task& task, int64_t sample, bool passed = true, const std::function<void(Rollout&)>& change = nullptr) {
    Rollout rollout = sample::rollout(task, sample, passed);
    if (change) change(rollout);
    REQUIRE(store->put_rollout(rollout).ok());
    return rollout;
  }
  void say(const Task& task, const PassRate& rate) { REQUIRE(store->put_observation(task.id, kPassObservation, to_json(rate)).ok()); }

  SelectionPlan plan(const SelectionRules& rules, SelectionNeeds needs = {}) {
    auto plan = plan_selection(*store, rules, needs);
    if (!plan.ok()) FAIL(plan.error().text());
    for (const auto* stage : {&plan->funnel.tasks, &plan->funnel.rollouts}) CHECK(stage->left() >= 0);
    CHECK(plan->funnel.tasks.left() == static_cast<int64_t>(plan->tasks.size()));
    int64_t rollouts = 0;
    for (const SelectedTask& task : plan->tasks) rollouts += static_cast<int64_t>(task.rollouts.size());
    CHECK(plan->funnel.rollouts.left() == rollouts);
    return std::move(plan).value();
  }
};

using Ids = std::vector<std::string>;
Ids tasks_of(const SelectionPlan& plan) {
  Ids ids;
  for (const SelectedTask& task : plan.tasks) ids.push_back(task.id);
  return ids;
}
Ids rollouts_of(const SelectionPlan& plan) {
  Ids ids;
  for (const SelectedTask& task : plan.tasks) ids.insert(ids.end(), task.rollouts.begin(), task.rollouts.end());
  return ids;
}
Ids ids_of(const std::vector<Rollout>& rollouts) {
  Ids ids;
  for (const Rollout& rollout : rollouts) ids.push_back(rollout.id);
  return ids;
}
const SelectionNeeds kRollouts{.rollouts = true};

TEST_CASE("a split is a function of the name and follows the percentages") {
  std::map<std::string, int> counts;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = json_identity(i);
    const std::string split = split_of(id, 80, 15);
    CHECK(split == split_of(id, 80, 15));
    ++counts[split];
    // More for training takes from the end of the others, so nothing moves back.
    if (split == "train") CHECK(split_of(id, 90, 5) == "train");
  }
  CHECK(counts["train"] == Approx(8000).margin(150));
  CHECK(counts["validation"] == Approx(1500).margin(150));
  CHECK(counts["test"] == Approx(500).margin(100));
  // SHA-256("a") begins with ca978112, which is 3398926610.
  CHECK(split_of("a", 10, 0) == "test");
  CHECK(split_of("a", 11, 0) == "train");
}

TEST_CASE("every rule on tasks takes what it names, and counts the rest under its reason") {
  Fixture f;
  const Task travel = f.add(0);   // difficulty 1
  const Task other = f.add(1, [](Task& t) { t.provenance.domain = "meetings"; t.archetype = "schedule"; t.provenance.preset = "report"; });
  const Task paged = f.add(2, [](Task& t) { t.provenance.variants = {"pages", "units"}; });
  const Task sure = f.add(3, nullptr, [](Certificate& c) { c.chance_hits = 0; c.solutions = 1; });
  const auto lost = [&](const SelectionRules& rules, Loss loss, int64_t count) {
    const SelectionPlan plan = f.plan(rules);
    CHECK(plan.funnel.tasks.seen == 4);
    CHECK(plan.funnel.tasks.lost == std::map<Loss, int64_t>{{loss, count}});
    Ids ids = tasks_of(plan);
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  const auto sorted = [](Ids ids) {
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  CHECK(lost({.domains = {"meetings"}}, Loss::kRule, 3) == Ids{other.id});
  CHECK(lost({.presets = {"report"}}, Loss::kRule, 3) == Ids{other.id});
  CHECK(lost({.archetypes = {"schedule"}}, Loss::kRule, 3) == Ids{other.id});
  CHECK(lost({.difficulties = {1, 3}}, Loss::kRule, 2) == sorted({travel.id, paged.id}));
  CHECK(lost({.variants = {"units"}}, Loss::kRule, 3) == Ids{paged.id});
  CHECK(lost({.variants = {"none"}}, Loss::kRule, 1) == sorted({travel.id, other.id, sure.id}));
  CHECK(lost({.chance_at_most = 0.01}, Loss::kChance, 3) == Ids{sure.id});
  CHECK(lost({.unique_only = true}, Loss::kSolutions, 3) == Ids{sure.id});
  SelectionNeeds needs{.specialist = [](const Task& task, const Certificate&) { return task.archetype == "schedule" ? "logic" : "mathematics"; }};
  CHECK(tasks_of(f.plan({.specialists = {"logic"}}, needs)) == Ids{other.id});
  needs = {.takes = [&](const Task& task) { return task.id != other.id; }};
  CHECK(f.plan({}, needs).funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kFormat, 1}});
  CHECK(f.plan({.limit = 3}).funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kLimit, 1}});
}

TEST_CASE("pass rates are those that the policy was last measured with") {
  Fixture f;
  std::vector<Task> tasks;
  for (int i = 0; i < 5; ++i) {
    tasks.push_back(f.add(i));
    f.say(tasks.back(), {.policy = "a=b:c", .attempts = 4, .passed = 4 - i, .kept = i != 4});
  }
  f.add(5);
  f.say(tasks[0], {.policy = "another", .attempts = 4, .passed = 2, .kept = true});
  SelectionPlan plan = f.plan({.pass_rate = PassBand{"a=b:c", 0.25, 0.75}});
  CHECK(plan.funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kNotMeasured, 1}, {Loss::kPassRate, 2}});
  CHECK(plan.tasks.size() == 3);
  plan = f.plan({.kept_by = "a=b:c"});
  CHECK(plan.funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kNotMeasured, 1}, {Loss::kPassRate, 1}});
  f.say(tasks[4], {.policy = "a=b:c", .attempts = 4, .passed = 4, .kept = true});
  CHECK(f.plan({.kept_by = "a=b:c"}).tasks.size() == 5);
}

TEST_CASE("outcomes stay apart: passed, failed, timed out; what has no verdict is never selected") {
  Fixture f;
  const Task task = f.add(0);
  const Rollout passed = f.roll(task, 0), failed = f.roll(task, 1, false);
  const Rollout late = f.roll(task, 2, false, [](Rollout& r) { r.stop = "limit:wall"; });
  const Rollout late_and_right = f.roll(task, 3, true, [](Rollout& r) { r.stop = "limit:wall"; });
  const auto broken = [&](int64_t number, Boundary boundary) {
    Rollout rollout = sample::broken_rollout(task, number);
    rollout.failure->boundary = boundary;
    REQUIRE(f.store->put_rollout(rollout).ok());
    return rollout;
  };
  const Rollout verifier = broken(4, Boundary::kVerifier), policy = broken(5, Boundary::kPolicy);
  std::map<std::string, std::string> told;
  const std::vector<RolloutRow> rows = f.store->rollouts({}).value();
  for (const RolloutRow& row : rows) told[row.id] = outcome_name(outcome_of(row));
  CHECK(told == std::map<std::string, std::string>{{passed.id, "passed"}, {failed.id, "failed"}, {late.id, "timed_out"}, {late_and_right.id, "passed"},
                                                   {verifier.id, "verifier_error"}, {policy.id, "broken"}});
  for (const Rollout& rollout : {passed, failed, late, late_and_right, verifier, policy}) CHECK(outcome_name(outcome_of(rollout)) == told[rollout.id]);
  CHECK(rollouts_of(f.plan({}, kRollouts)) == ids_of({passed, late_and_right}));
  CHECK(rollouts_of(f.plan({.outcomes = {RolloutOutcome::kTimedOut}}, kRollouts)) == ids_of({late}));
  CHECK(rollouts_of(f.plan({.outcomes = {RolloutOutcome::kFailed}}, kRollouts)) == ids_of({failed}));
  const SelectionPlan all = f.plan({.outcomes = {}}, kRollouts);
  CHECK(all.tasks[0].rollouts.size() == 4);
  CHECK(all.funnel.rollouts.lost == std::map<Loss, int64_t>{{Loss::kNoVerdict, 2}});
  CHECK_FALSE(plan_selection(*f.store, {.outcomes = {RolloutOutcome::kVerifierError}}, kRollouts).ok());
  for (const std::string& name : outcome_names()) CHECK(outcome_name(outcome_named(name, "").value()) == name);
  CHECK_FALSE(outcome_named("pased", "--outcome").ok());
}

TEST_CASE("rules on rollouts: policy, how they failed, lengths, reasoning") {
  Fixture f;
  const Task task = f.add(0);
  const Rollout plain = f.roll(task, 0, true, [](Rollout& r) { r.usage.completion_tokens = 50; for (Message& m : r.messages) m.reasoning.clear(); });
  const Rollout longer = f.roll(task, 1, true, [](Rollout& r) { r.usage.completion_tokens = 500; r.messages.push_back(r.messages.back()); });
  const Rollout unknown = f.roll(task, 2);
  const Rollout shape = f.roll(task, 3, false);
  const Rollout rule = f.roll(task, 4, false, [](Rollout& r) { r.verdict.checks = {{"shape", true, ""}, {"c1.all_different", false, "twice"}}; });
  const Rollout limit = f.roll(task, 5, false, [](Rollout& r) { r.stop = "limit:steps"; r.verdict.checks = {}; });
  Rollout other = sample::rollout(task, 0, true, 1, 40, "other");
  REQUIRE(f.store->put_rollout(other).ok());
  const auto chosen = [&](const SelectionRules& rules) { return rollouts_of(f.plan(rules, kRollouts)); };
  CHECK(chosen({.policies = {"other"}}) == ids_of({other}));
  const SelectionRules failed{.outcomes = {RolloutOutcome::kFailed}};
  const auto failing = [&](const std::vector<std::string>& how) {
    SelectionRules rules = failed;
    rules.failures = how;
    return chosen(rules);
  };
  CHECK(failing({"shape"}) == ids_of({shape}));
  CHECK(failing({"all_different"}) == ids_of({rule}));
  CHECK(failing({"c1.all_different", "limit:steps"}) == ids_of({rule, limit}));
  CHECK(failing({"different"}).empty());
  CHECK(chosen({.policies = {"random"}, .tokens = {100, 1000}}) == ids_of({longer}));
  CHECK(f.plan({.policies = {"random"}, .tokens = {100, 1000}}, kRollouts).funnel.rollouts.count(Loss::kTokensUnknown) == 1);
  CHECK(chosen({.policies = {"random"}, .messages = {0, 6}}) == ids_of({plain, unknown}));
  CHECK(chosen({.policies = {"random"}, .reasoning = Reasoning::kThinking}) == ids_of({longer, unknown}));
  CHECK(chosen({.policies = {"random"}, .reasoning = Reasoning::kNonThinking}).size() == 3);
  // A task of which nothing is left is lost, too.
  CHECK(f.plan({.policies = {"nobody"}}, kRollouts).funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kNoRollout, 1}});
}

TEST_CASE("of a task's rollouts the first, the shortest or random ones are kept, always the same") {
  Fixture f;
  const Task task = f.add(0);
  std::vector<Rollout> all;
  for (int i = 0; i < 8; ++i) all.push_back(f.roll(task, i, true, [i](Rollout& r) { r.messages[2].text = std::string(static_cast<size_t>(80 - 10 * i), 'x'); }));
  const auto chosen = [&](Preference preference, uint64_t seed) {
    return rollouts_of(f.plan({.most_per_task = 3, .preference = preference, .seed = seed}, kRollouts));
  };
  CHECK(chosen(Preference::kStored, 0) == ids_of({all[0], all[1], all[2]}));
  CHECK(chosen(Preference::kShortest, 0) == ids_of({all[5], all[6], all[7]}));
  std::set<Ids> random;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CHECK(chosen(Preference::kRandom, seed) == chosen(Preference::kRandom, seed));
    random.insert(chosen(Preference::kRandom, seed));
  }
  CHECK(random.size() > 10);
  CHECK(f.plan({.most_per_task = 3}, kRollouts).funnel.rollouts.lost == std::map<Loss, int64_t>{{Loss::kEnough, 5}});
}

TEST_CASE("repeated prompts and attempts are left out, exactly or nearly") {
  Fixture f;
  std::string base;
  for (int i = 0; i < 100; ++i) base += "word" + std::to_string(i) + " ";
  const auto with_prompt = [&](int64_t index, const std::string& prompt) { return f.add(index, [&](Task& t) { t.prompt = prompt; t.difficulty = 1; }); };
  const Task first = with_prompt(0, base + "end"), same = with_prompt(1, base + " END."), near = with_prompt(2, base + "fin"), other = with_prompt(3, "Something else.");
  CHECK(tasks_of(f.plan({})).size() == 4);
  SelectionPlan plan = f.plan({.duplicates = Duplicates::kExact});
  CHECK(tasks_of(plan) == Ids{first.id, near.id, other.id});
  CHECK(plan.funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kDuplicate, 1}});
  plan = f.plan({.duplicates = Duplicates::kNear});
  CHECK(tasks_of(plan) == Ids{first.id, other.id});
  CHECK(plan.funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kDuplicate, 1}, {Loss::kNearDuplicate, 1}});
  CHECK(tasks_of(f.plan({.duplicates = Duplicates::kNear, .near_threshold = 0.99})).size() == 3);

  const Rollout one = f.roll(first, 0);
  f.roll(first, 1, true, [](Rollout& r) { r.messages[3].text = "another result"; });
  const Rollout two = f.roll(first, 2, true, [](Rollout& r) { r.messages[2].text = "I wonder."; });
  plan = f.plan({.duplicates = Duplicates::kExact}, kRollouts);
  CHECK(plan.tasks[0].rollouts == ids_of({one, two}));
  CHECK(plan.funnel.rollouts.lost == std::map<Loss, int64_t>{{Loss::kRepeated, 1}});
}

TEST_CASE("tasks with one prompt share a split, and those nearly the same where that is asked for") {
  Fixture f;
  std::map<std::string, int> group;   // task -> its family
  for (int family = 0; family < 30; ++family) {
    std::string base;
    for (int i = 0; i < 60; ++i) base += "f" + std::to_string(family) + "w" + std::to_string(i) + " ";
    // A chain: each is nearly the next one, the ends are not alike.
    for (int step = 0; step < 4; ++step) {
      std::string text = base;
      for (int k = 0; k <= 2 * step; ++k) text += "s" + std::to_string(k) + " ";
      group[f.add(family * 10 + step, [&](Task& t) { t.prompt = text; t.difficulty = 1; }).id] = family;
    }
  }
  const auto torn = [&](const SelectionRules& rules) {
    std::map<int, std::set<std::string>> splits;
    for (const SelectedTask& task : f.plan(rules).tasks) splits[group.at(task.id)].insert(task.split);
    return std::count_if(splits.begin(), splits.end(), [](const auto& each) { return each.second.size() > 1; });
  };
  const SelectionRules by_prompt{.near_threshold = 0.9, .train_percent = 50, .validation_percent = 25};
  SelectionRules similar = by_prompt;
  similar.split_unit = SplitUnit::kSimilar;
  CHECK(torn(by_prompt) > 15);
  CHECK(torn(similar) == 0);
  std::set<std::string> splits;
  for (const SelectedTask& task : f.plan(similar).tasks) splits.insert(task.split);
  CHECK(splits.size() == 3);
  // One alone is where its id says; one that repeats a prompt goes with the least id.
  for (const SelectedTask& task : f.plan(by_prompt).tasks) CHECK(task.split == split_of(task.id, 50, 25));
  const Task again = f.add(999, [&](Task& t) { t.prompt = "s"; t.difficulty = 1; }), twin = f.add(998, [&](Task& t) { t.prompt = "S!"; t.difficulty = 1; });
  for (const SelectedTask& task : f.plan(by_prompt).tasks)
    if (task.id == again.id || task.id == twin.id) CHECK(task.split == split_of(std::min(again.id, twin.id), 50, 25));
}

TEST_CASE("what shares thirteen words with a held-out text is left out, with the words") {
  Fixture f;
  const std::string question = "a farmer has seventeen sheep and all but nine of them run away how many are left";
  const Task clean = f.add(0), dirty = f.add(1, [&](Task& t) { t.prompt = "Solve this. A farmer has seventeen sheep, and all but nine of them run away! Go."; });
  const Rollout fine = f.roll(clean, 0), quoting = f.roll(clean, 1, true, [&](Rollout& r) { r.messages[2].reasoning = "I know: " + question; });
  f.roll(dirty, 0);
  std::ofstream(f.folder.file("held.txt")) << question << "\n\ntoo short\n";
  const SelectionPlan plan = f.plan({.held_out = {f.folder.file("held.txt")}}, kRollouts);
  CHECK(tasks_of(plan) == Ids{clean.id});
  CHECK(rollouts_of(plan) == Ids{fine.id});
  CHECK(plan.held_out_texts == 1);
  CHECK(plan.held_out_too_short == 1);
  REQUIRE(plan.contaminations.size() == 2);
  const auto about = [&](const std::string& rollout) { return *std::find_if(plan.contaminations.begin(), plan.contaminations.end(), [&](const Contamination& c) { return c.rollout == rollout; }); };
  CHECK(about("").task == dirty.id);
  CHECK(about("").words == "a farmer has seventeen sheep and all but nine of them run away");
  CHECK(about("").held_out == f.folder.file("held.txt") + ":1");
  CHECK(about(quoting.id).words == question);
  CHECK(plan.funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kContaminated, 1}});
  CHECK(plan.funnel.rollouts.lost == std::map<Loss, int64_t>{{Loss::kTaskLost, 1}, {Loss::kContaminatedRollout, 1}});
  CHECK(tasks_of(f.plan({.held_out = {f.folder.file("held.txt")}, .gram_words = 14})).size() == 2);
  CHECK_FALSE(plan_selection(*f.store, {.held_out = {f.folder.file("none")}}, {}).ok());
  CHECK_FALSE(plan_selection(*f.store, {.gram_words = 3}, {}).ok());
}

TEST_CASE("balancing keeps so many of a group, by hash, and more where more are asked for") {
  Fixture f;
  for (int i = 0; i < 60; ++i)
    f.add(i, [i](Task& t) {
      t.provenance.domain = i < 40 ? "travel" : "meetings";
      t.difficulty = 1 + i % 2;
    });
  const auto chosen = [&](int64_t most, uint64_t seed, const std::vector<std::string>& by = {"domain", "difficulty"}) {
    const Ids ids = tasks_of(f.plan({.balance = Balance{by, most}, .seed = seed}));
    return std::set<std::string>(ids.begin(), ids.end());
  };
  std::map<std::pair<std::string, int>, int> groups;
  const auto five = chosen(5, 0);
  const std::vector<TaskRow> rows = f.store->tasks({}).value();
  for (const TaskRow& row : rows)
    if (five.contains(row.id)) ++groups[{row.domain, row.difficulty}];
  CHECK(groups == std::map<std::pair<std::string, int>, int>{{{"travel", 1}, 5}, {{"travel", 2}, 5}, {{"meetings", 1}, 5}, {{"meetings", 2}, 5}});
  const auto seven = chosen(7, 0);
  CHECK(std::includes(seven.begin(), seven.end(), five.begin(), five.end()));
  CHECK(chosen(5, 1) != five);
  CHECK(chosen(100, 0).size() == 60);
  CHECK(chosen(3, 0, {"archetype"}).size() == 3);
  CHECK(f.plan({.balance = Balance{{"domain"}, 5}}).funnel.tasks.lost == std::map<Loss, int64_t>{{Loss::kBalance, 50}});
  CHECK_FALSE(plan_selection(*f.store, {.balance = Balance{{"colour"}, 5}}, {}).ok());
}

TEST_CASE("a funnel says each reason in words, and adds up") {
  SelectionFunnel funnel;
  funnel.tasks = {10, {{Loss::kUnsound, 2}, {Loss::kLimit, 1}}};
  CHECK(funnel.tasks.left() == 7);
  CHECK(to_json(funnel)["tasks"] == OrderedJson::parse(R"({"seen":10,"lost":{"unsound":2,"limit":1},"left":7})"));
  CHECK(funnel_lines(funnel.tasks, "task", "  ") == "  2 tasks: the certificate says that it is not sound\n  1 task: over the limit\n");
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(Loss::kEnough); ++i) CHECK(names.insert(loss_name(static_cast<Loss>(i))).second);
}

}  // namespace
}  // namespace assay
