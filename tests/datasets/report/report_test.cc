#include "datasets/report/report.h"

#include <catch2/catch.hpp>

#include "datasets/report/facts.h"
#include "datasets/report/figures.h"
#include "envs/attack_report.h"
#include "envs/base/rng.h"
#include "tests/datasets/sample.h"

using namespace assay;

namespace {

const std::function<Status()> kNothing = [] { return Status(); };

// One store with an attempt for every way to end, and bands of the domain's that one task misses.
class Sample {
 public:
  Sample() : store_(Store::open(folder_.file("s.db"), StoreMode::kOpenOrCreate, system_clock()).value()) {
    const auto environment = sample::environment();
    REQUIRE(store_->put_environment(*environment).ok());
    for (int64_t i = 0; i < 5; ++i) {
      const Task task = sample::task(i, *environment);
      REQUIRE(store_->put_task(task).ok());
      if (i < 4) REQUIRE(store_->put_certificate(sample::certificate(task, i != 3)).ok());
      tasks.push_back(task);
    }
    // Certificates say 1.25% and 5 calls.
    const Json levels = {{"1", {{"chance", {0.01, 0.045}}, {"calls", {1, 5}}}}, {"2", {{"chance", {0.05, 0.7}}}}, {"3", {{"chance", {0.001, 0.0125}}}}, {"4", {{"calls", {6, 9}}}}};
    const Json source = {{"archetypes", {{"select", {{"levels", levels}}}}}};
    put_observation("domain travel 1", "source", {{"hash", "0"}, {"text", source.dump()}});
  }

  void put(Rollout rollout) { REQUIRE(store_->put_rollout(rollout).ok()); }
  void put_observation(const std::string& subject, const std::string& name, const Json& value) { REQUIRE(store_->put_observation(subject, name, value).ok()); }
  std::vector<TaskRow> rows() { return store_->tasks({}).value(); }
  OrderedJson figures(const std::vector<std::string>& policies = {}) { return report_figures(read_facts(*store_, rows(), policies, kNothing).value()); }
  Store& store() { return *store_; }

  std::vector<Task> tasks;

 private:
  sample::Folder folder_;
  std::unique_ptr<Store> store_;
};

Rollout broken_at(Boundary boundary, const Task& task, int64_t sample) {
  Rollout rollout = sample::broken_rollout(task, sample);
  rollout.failure->boundary = boundary;
  return rollout;
}

Rollout timed_out(const Task& task, int64_t sample) {
  Rollout rollout = sample::rollout(task, sample, false);
  rollout.stop = "limit:wall";
  return rollout;
}

}  // namespace

TEST_CASE("Outcomes are kept apart, and only verdicts are attempts of pass@k") {
  Sample sample;
  const Task& task = sample.tasks[0];
  sample.put(sample::rollout(task, 0, true));
  sample.put(sample::rollout(task, 1, false));
  sample.put(timed_out(task, 2));
  sample.put(broken_at(Boundary::kVerifier, task, 3));
  sample.put(broken_at(Boundary::kPolicy, task, 4));
  sample.put(broken_at(Boundary::kSandbox, task, 5));
  const OrderedJson figures = sample.figures();
  CHECK(figures["outcomes"] == OrderedJson{{"passed", 1}, {"failed", 1}, {"undecided", 0}, {"verifier_error", 1}, {"timed_out", 1}, {"broken", 2}});
  REQUIRE(figures["pass"].size() == 1);
  CHECK(figures["pass"][0]["attempts"] == 3);
  REQUIRE(figures["pass"][0]["at"].size() == 3);
  CHECK(figures["pass"][0]["at"][0]["any"]["mean"] == Approx(1.0 / 3));
  CHECK(figures["pass"][0]["at"][1]["any"]["mean"] == Approx(2.0 / 3));
  CHECK(figures["pass"][0]["at"][2]["any"]["mean"] == Approx(1));
  CHECK(figures["pass"][0]["at"][1]["all"]["mean"] == Approx(0).margin(1e-12));
  CHECK(figures["funnel"]["kinds"] == OrderedJson{{"policy", 1}, {"sandbox", 1}, {"shape", 2}, {"verifier", 1}});
  CHECK(figures["funnel"]["stops"]["limit:wall"] == 1);
}

TEST_CASE("A check goes by its name without its number") {
  Rollout rollout = sample::rollout(sample::task(), 0);
  rollout.verdict = {0, false, {{"c12.all_different", false, "x"}, {"c3.all_different", false, "x"}, {"shape", true, ""}, {"c.x", false, ""}, {"cat.x", false, ""}}, "v"};
  CHECK(failure_kinds(rollout) == std::vector<std::string>{"all_different", "c.x", "cat.x"});
}

TEST_CASE("Calibration compares what a certificate measured with the band that was asked for") {
  Sample sample;
  sample.put(sample::rollout(sample.tasks[0]));
  const OrderedJson levels = sample.figures()["calibration"];
  REQUIRE(levels.size() == 4);   // the fifth task has no certificate
  const auto counts = [&](size_t at) { return std::array{levels[at]["in_band"].get<int>(), levels[at]["outside"].get<int>(), levels[at]["no_band"].get<int>()}; };
  CHECK(counts(0) == std::array{1, 0, 0});   // calls of 5 lie in [1, 5]
  CHECK(counts(1) == std::array{0, 1, 0});
  CHECK(counts(2) == std::array{0, 1, 0});   // a chance of 1.25% lies not in [0.1%, 1.25%)
  CHECK(counts(3) == std::array{0, 1, 0});   // calls of 5 not in [6, 9]
  CHECK(levels[0]["chance"] == OrderedJson::array({0.0125, 0.0125, 0.0125, 0.0125, 0.0125}));
}

TEST_CASE("The funnel sums what the runs of synth stored, and takes the newest ending of a mined change") {
  Sample sample;
  sample.put(sample::rollout(sample.tasks[0]));
  const Json run = {{"tasks", 2}, {"seconds", 1.0}, {"jobs", 1}, {"funnel", {{"select", {{"candidates", 5}, {"certified", 2}, {"lost", {{"chance_above_band", 3}}}}}}}};
  sample.put_observation("store", "synth", run);
  Json again = run;
  again["seconds"] = 2.0;   // what is the same in all, its time too, is one observation
  sample.put_observation("store", "synth", again);
  sample.put_observation("store", "synth", {{"tasks", 2}, {"seconds", 1.0}, {"jobs", 1}});   // as it was stored before there was a funnel
  sample.put_observation("candidate a", "build", {{"reason", "no_clone"}});
  sample.put_observation("candidate a", "build", {{"reason", "certified"}});
  sample.put_observation("candidate b", "build", {{"reason", "flaky"}});
  AttackReport attack{.catalogue = "attacks 1"};
  attack.categories["letter_case"] = {3, 0, 1};
  sample.put_observation(sample.tasks[1].id, kAttackObservation, to_json(attack));
  sample.put_observation(sample.tasks[2].id, kAttackObservation, to_json(attack));
  attack.categories["letter_case"].hits = 0;
  sample.put_observation(sample.tasks[2].id, kAttackObservation, to_json(attack));
  const OrderedJson funnel = sample.figures()["funnel"];
  CHECK(funnel["candidates"] == OrderedJson{{"certified", 4}, {"lost", {{"chance_above_band", 6}}}});
  CHECK(funnel["mined"] == OrderedJson{{"certified", 1}, {"flaky", 1}});
  CHECK(funnel["tasks"]["sound"] == 3);
  CHECK(funnel["tasks"]["unsound"] == 1);
  CHECK(funnel["tasks"]["uncertified"] == 1);
  CHECK(funnel["tasks"]["attacked"] == 1);
}

TEST_CASE("Throughput adds up times and tokens, and takes what is not the tools' for the policy's where steps have no times") {
  Sample sample;
  Rollout timed = sample::rollout(sample.tasks[0], 0), plain = sample::rollout(sample.tasks[0], 1);
  timed.times = {{100, 7}, {200, 8}};
  timed.wall_us = 1000;
  timed.tool_us = 15;
  timed.usage = {50, 20, 0};
  plain.wall_us = 90;
  plain.tool_us = 40;
  sample.put(timed);
  sample.put(plain);
  const OrderedJson row = sample.figures()["throughput"][0];
  CHECK(row["policy_us"] == 350);
  CHECK(row["tool_us"] == 55);
  CHECK(row["wall_us"] == 1090);
  CHECK(row["prompt_tokens"] == 50);
  CHECK(row["completion_tokens"] == 20);
}

TEST_CASE("Policies that are not asked for are not read") {
  Sample sample;
  sample.put(sample::rollout(sample.tasks[0], 0, true, 1, 40, "random"));
  sample.put(sample::rollout(sample.tasks[0], 0, true, 1, 40, "greedy"));
  CHECK(sample.figures({"greedy"})["attempts"] == 1);
  CHECK_FALSE(make_report(sample.store(), sample.rows(), {.policies = {"nobody"}}, kNothing).ok());
}

TEST_CASE("A page keeps within its size by leaving out successes first") {
  Sample sample;
  for (const Task& task : sample.tasks)
    for (int64_t i = 0; i < 12; ++i) {
      Rollout rollout = sample::rollout(task, i, i % 2 == 0);
      Rng rng(3, task.id, static_cast<uint64_t>(i));
      for (int byte = 0; byte < 30'000; ++byte) rollout.messages[3].text += static_cast<char>('!' + rng.below(90));
      sample.put(rollout);
    }
  const Report all = make_report(sample.store(), sample.rows(), {.title = "t"}, kNothing).value();
  CHECK(all.whole == 60);
  const Report none = make_report(sample.store(), sample.rows(), {.title = "t", .bytes = 0}, kNothing).value();
  CHECK(none.whole == 0);
  const int64_t most = static_cast<int64_t>(all.html.size() + none.html.size()) / 2;
  const Report some = make_report(sample.store(), sample.rows(), {.title = "t", .bytes = most}, kNothing).value();
  CHECK(static_cast<int64_t>(some.html.size()) <= most);
  CHECK(some.whole > 0);
  CHECK(some.whole < 60);
  CHECK(some.figures["trajectories"] == some.whole);
  CHECK(some.figures["attempts"] == 60);
  // Half of the attempts are failures, and they come first: each of those that are whole is one.
  CHECK(some.whole <= 30);
}

TEST_CASE("A page is the same bytes each time, and holds no text of the store but the title as markup") {
  Sample sample;
  Rollout rollout = sample::rollout(sample.tasks[0], 0, true, 1, 40, "<script>alert(1)</script>@INDEX@");
  rollout.messages.push_back({Role::kAssistant, "</script><img src=x onerror=alert(2)>", "", {}, ""});
  sample.put(rollout);
  const ReportOptions options{.title = "</title><b>@SCRIPT@&\"\xff"};
  const Report page = make_report(sample.store(), sample.rows(), options, kNothing).value();
  CHECK(page.html == make_report(sample.store(), sample.rows(), options, kNothing)->html);
  CHECK(page.html.find("alert(") == std::string::npos);
  CHECK(page.html.find("<title>&lt;/title&gt;&lt;b&gt;@SCRIPT@&amp;&quot;\uFFFD</title>") != std::string::npos);
}
