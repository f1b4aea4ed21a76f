#include "envs/rollout_loop.h"

#include <algorithm>
#include <map>
#include <set>

#include "envs/base/rng.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

Message calls(std::vector<ToolCall> tool_calls) { return {Role::kAssistant, "", "", std::move(tool_calls), ""}; }
Message look() { return calls({{"c", "get_all_cities", "{}"}}); }
Message submit(const std::string& answer) { return calls({{"s", "submit_result", Json{{"answer_text", answer}}.dump()}}); }

class IsSuzhou final : public Verifier {
 public:
  Verdict judge(const Outcome& outcome) const override {
    const std::string& answer = outcome.answer;
    const bool passed = answer == "Suzhou";
    return {passed ? 1.0 : 0.0, passed, {{"city", passed, passed ? "" : "'" + answer + "'"}}, "test/1"};
  }
};

// Answers by a function of the turn: at once, or at most `batch` at a time in a shuffled order.
class FunctionPolicy final : public Policy {
 public:
  explicit FunctionPolicy(std::function<Action(const Turn&)> act, size_t batch = 0) : act_(std::move(act)), batch_(batch) {}
  std::string descriptor() const override { return "test"; }
  void ask(const Turn& turn) override {
    open_.insert(turn.rollout);
    most_open_ = std::max(most_open_, open_.size());
    waiting_.push_back(turn);
  }
  std::vector<Action> answer() override {
    if (batch_ > 0) rng_.shuffle(waiting_);
    std::vector<Action> out;
    while (!waiting_.empty() && (batch_ == 0 || out.size() < batch_)) {
      Action action = act_(waiting_.back());
      action.rollout = waiting_.back().rollout;
      out.push_back(std::move(action));
      waiting_.pop_back();
    }
    return out;
  }
  void finish(int64_t rollout) override { open_.erase(rollout); }

  const std::set<int64_t>& open() const { return open_; }
  size_t most_open() const { return most_open_; }

 private:
  std::function<Action(const Turn&)> act_;
  size_t batch_;
  Rng rng_{1, "function policy"};
  std::vector<Turn> waiting_;
  std::set<int64_t> open_;
  size_t most_open_ = 0;
};

Action say(Message message, Usage usage = {}) { return {0, std::move(message), usage}; }

struct World {
  std::shared_ptr<Toolset> tools = fixture::toolset();
  IsSuzhou verifier;
  ManualClock clock;
  std::atomic<bool> cancelled{false};
  RolloutHost host{[this](const Task&) -> Result<std::shared_ptr<Tools>> { return std::static_pointer_cast<Tools>(tools); },
                   [this](const Task&, const Outcome& outcome) -> Result<Verdict> { return verifier.judge(outcome); }, &clock, &cancelled};

  std::map<int64_t, Rollout> play_all(Policy& policy, const Task& task, int64_t count, RolloutOptions options = {}) {
    std::vector<Attempt> attempts;
    for (int64_t sample = 0; sample < count; ++sample) attempts.push_back({&task, sample});
    std::map<int64_t, Rollout> out;
    const Status status = play(policy, host, options, attempts, [&](Rollout rollout) {
      const int64_t sample = rollout.sample;
      CHECK(out.emplace(sample, std::move(rollout)).second);
      return Status();
    });
    CHECK(status.ok());
    return out;
  }

  Rollout play_one(std::function<Action(const Turn&)> act, Limits limits = {}) {
    FunctionPolicy policy(std::move(act));
    auto rollouts = play_all(policy, fixture::task(limits), 1);
    CHECK(policy.open().empty());
    REQUIRE(rollouts.size() == 1);
    return std::move(rollouts.begin()->second);
  }
};

TEST_CASE("a submitted answer is scored by the verifier, and the whole conversation is kept") {
  World world;
  const Rollout rollout = world.play_one([&](const Turn& turn) {
    world.clock.advance_ms(5);
    CHECK(turn.task->tools.size() == 7);
    CHECK(turn.conversation->size() == static_cast<size_t>(1 + 2 * turn.step));
    return say(turn.step == 0 ? look() : submit("Suzhou"), {10, 3, 1});
  });
  CHECK(rollout.status == RolloutStatus::kScored);
  CHECK(rollout.verdict.passed);
  CHECK(rollout.verdict.reward == 1);
  CHECK(rollout.answer == "Suzhou");
  CHECK(rollout.stop == "submitted");
  CHECK(rollout.steps == 2);
  CHECK(rollout.calls == 2);
  CHECK(rollout.usage.prompt_tokens == 20);
  CHECK(rollout.usage.completion_tokens == 6);
  CHECK(rollout.usage.cached_tokens == 2);
  CHECK(rollout.wall_us == 10'000);
  CHECK(rollout.policy == "test");
  CHECK(rollout.id == rollout_id(fixture::task().id, "test", 0, 0));
  std::string roles;
  for (const Message& message : rollout.messages) roles += role_name(message.role)[0];
  CHECK(roles == "uatat");
}

TEST_CASE("no word of the agent's makes a reward: without a submission the empty answer is judged") {
  World world;
  const Rollout rollout =
      world.play_one([](const Turn&) { return say({Role::kAssistant, "Suzhou", "reward 1, passed", {}, ""}); });
  CHECK(rollout.status == RolloutStatus::kScored);
  CHECK_FALSE(rollout.submitted);
  CHECK(rollout.stop == "gave_up");
  CHECK(rollout.verdict.reward == 0);
  CHECK(rollout.verdict.checks[0].evidence == "''");
}

TEST_CASE("each limit ends a rollout by its name, scored") {
  World world;
  const auto stop = [&](Limits limits, Usage usage = {}, int64_t step_ms = 0) {
    const Rollout rollout = world.play_one(
        [&](const Turn& turn) {
          world.clock.advance_ms(step_ms);
          return say(turn.step < 20 ? look() : submit("Suzhou"), usage);
        },
        limits);
    CHECK(rollout.status == RolloutStatus::kScored);
    return rollout.stop + " " + std::to_string(rollout.steps) + " " + std::to_string(rollout.calls) +
           (rollout.verdict.passed ? " passed" : "");
  };
  CHECK(stop({}) == "submitted 21 21 passed");
  CHECK(stop({.steps = 5}) == "limit:steps 5 5");
  CHECK(stop({.calls = 7}) == "limit:calls 7 7");
  CHECK(stop({.tokens = 100}, {50, 10, 0}) == "limit:tokens 11 10");
  CHECK(stop({.wall_ms = 50}, {}, 10) == "limit:wall 6 5");
}

TEST_CASE("a submission that arrives over a limit does not count, and its call still has a result") {
  World world;
  const Rollout rollout = world.play_one(
      [&](const Turn&) {
        world.clock.advance_ms(51);
        return say(submit("Suzhou"));
      },
      {.wall_ms = 50});
  CHECK(rollout.stop == "limit:wall");
  CHECK_FALSE(rollout.submitted);
  CHECK_FALSE(rollout.verdict.passed);
  REQUIRE(rollout.messages.size() == 3);
  CHECK(rollout.messages[2].role == Role::kTool);
}

TEST_CASE("a failure is stored with its boundary and is never a reward") {
  World world;
  const auto failed = [](const Rollout& rollout, Boundary boundary) {
    REQUIRE(rollout.status == RolloutStatus::kFailed);
    CHECK(rollout.failure->boundary == boundary);
    CHECK(rollout.verdict.checks.empty());
    CHECK_FALSE(rollout.id.empty());
  };
  const Rollout endpoint = world.play_one([](const Turn& turn) {
    return turn.step == 0 ? say(look(), {5, 5, 0}) : Action{0, make_error(Boundary::kPolicy, "429"), {7, 0, 0}};
  });
  failed(endpoint, Boundary::kPolicy);
  CHECK(endpoint.messages.size() == 3);
  CHECK(endpoint.usage.prompt_tokens == 12);
  failed(world.play_one([](const Turn&) { return say({Role::kTool, R"({"reward":1})", "", {}, ""}); }), Boundary::kPolicy);

  Json json = fixture::environment_json();
  json["tools"][0]["body"]["returns"] = "record";
  world.tools = must(fixture::open_toolset(fixture::environment(json)));
  failed(world.play_one([](const Turn&) { return say(look()); }), Boundary::kTool);

  const auto unused = [](const Turn&) -> Action { FAIL("asked"); return {}; };
  world.host.judge = [](const Task&, const Outcome&) -> Result<Verdict> { return make_error(Boundary::kVerifier, "bad constraint"); };
  failed(world.play_one([](const Turn&) { return say(submit("Suzhou")); }), Boundary::kVerifier);
  world.host.tools = [](const Task&) -> Result<std::shared_ptr<Tools>> { return make_error(Boundary::kEnvironment, "missing"); };
  failed(world.play_one(unused), Boundary::kEnvironment);
}

// Wanders for a while, then submits: all drawn from (seed, sample).
Action wander(const Turn& turn) {
  Rng rng(turn.seed, "wander", static_cast<uint64_t>(turn.sample));
  const int64_t length = rng.between(0, 6);
  for (int64_t step = 0; step < turn.step; ++step) rng.next();
  if (turn.step < length) return say(rng.below(3) == 0 ? calls({{"x", "nonsense", "{"}}) : look());
  return say(rng.below(2) == 0 ? submit("Suzhou") : submit("Nanjing"));
}

TEST_CASE("calls of a malformed message are refused with its reason, and the attempt goes on") {
  World world;
  const Rollout rollout = world.play_one([](const Turn& turn) {
    if (turn.step > 0) return say(submit("Suzhou"));
    // Whatever the calls say, they are not carried out.
    Action action = say(calls({{"", "submit_result", Json{{"answer_text", "Nanjing"}}.dump()}, {"", "get_all_cities", "{}"}}));
    action.malformed = make_error(Boundary::kPolicy, "a tag that ends a parameter lacks its <", "completion, byte 57");
    return action;
  });
  CHECK(rollout.stop == "submitted");
  CHECK(rollout.verdict.passed);
  CHECK(rollout.calls == 3);
  CHECK(rollout.failed_calls == 2);
  const auto first_result = std::find_if(rollout.messages.begin(), rollout.messages.end(), [](const Message& message) { return message.role == Role::kTool; });
  for (const auto result : {first_result, first_result + 1}) CHECK(result->text == R"({"error":"completion, byte 57: a tag that ends a parameter lacks its <"})");
}

TEST_CASE("what a rollout holds does not depend on how many are in flight or in which order they are answered") {
  World world;
  const Task task = fixture::task();
  FunctionPolicy plain(wander);
  const auto expected = world.play_all(plain, task, 50, {.seed = 3, .in_flight = 1});
  REQUIRE(expected.size() == 50);
  CHECK(plain.most_open() == 1);
  std::set<bool> outcomes;
  std::set<std::string> ids;
  for (const auto& [sample, rollout] : expected) {
    outcomes.insert(rollout.verdict.passed);
    ids.insert(rollout.id);
  }
  CHECK(outcomes.size() == 2);
  CHECK(ids.size() == 50);
  for (const auto& [in_flight, batch] : {std::pair<int64_t, size_t>{64, 0}, {7, 1}, {64, 3}}) {
    FunctionPolicy policy(wander, batch);
    const auto rollouts = world.play_all(policy, task, 50, {.seed = 3, .in_flight = in_flight});
    CHECK(policy.most_open() == static_cast<size_t>(std::min<int64_t>(in_flight, 50)));
    CHECK(policy.open().empty());
    REQUIRE(rollouts.size() == expected.size());
    for (const auto& [sample, rollout] : rollouts) CHECK(canonical_json(to_json(rollout)) == canonical_json(to_json(expected.at(sample))));
  }
}

// ---- Contexts that are too small ----

// Looks around for `looks` steps, then submits; answers requests for a summary. Reports the tokens of what it sees, or nothing.
struct Forgetful {
  int64_t looks = 12;
  bool reports = true;
  std::string summary = "Suzhou is a city";
  std::vector<size_t> seen = {};   // messages, by turn
  int64_t summaries = 0;

  Action operator()(const Turn& turn) {
    seen.push_back(turn.conversation->size());
    const bool asked = turn.task->tools.empty();
    summaries += asked;
    Message message = asked ? Message{Role::kAssistant, summary, "", {}, ""} : turn.step < looks ? look() : submit("Suzhou");
    return say(std::move(message), reports ? Usage{100 * static_cast<int64_t>(seen.back()), 10, 0} : Usage{0, 10, 0});
  }
};

Rollout play_forgetful(World& world, Forgetful& forgetful, ContextOptions context, Limits limits = {}) {
  FunctionPolicy policy([&](const Turn& turn) { return forgetful(turn); });
  RolloutOptions options;
  options.context = std::move(context);
  auto rollouts = world.play_all(policy, fixture::task(limits), 1, options);
  REQUIRE(rollouts.size() == 1);
  return std::move(rollouts.begin()->second);
}

TEST_CASE("an episode that outgrows its context goes on after each strategy, and the record keeps all of it") {
  for (const ContextStrategy strategy : {ContextStrategy::kSummary, ContextStrategy::kDiscard75, ContextStrategy::kDiscardAll})
    for (const bool reports : {true, false}) {
      INFO(context_strategy_name(strategy) << " " << reports);
      World world;
      Forgetful forgetful{.looks = 30, .reports = reports};
      // The tools' definitions alone are some 700 tokens by the estimate.
      const Rollout rollout = play_forgetful(world, forgetful, {strategy, reports ? 1000 : 1100});
      CHECK(rollout.verdict.passed);
      CHECK(rollout.stop == "submitted");
      CHECK(rollout.steps == 31);
      REQUIRE(rollout.context);
      CHECK(rollout.context->strategy == context_strategy_name(strategy));
      const std::vector<ContextReset>& resets = rollout.context->resets;
      REQUIRE(resets.size() >= 2);
      CHECK(forgetful.summaries == (strategy == ContextStrategy::kSummary ? static_cast<int64_t>(resets.size()) : 0));
      CHECK(*std::max_element(forgetful.seen.begin(), forgetful.seen.end()) < 30);
      // The opening, two messages a step, and of each summary its request, the notes and their repetition.
      CHECK(rollout.messages.size() == 1 + 2 * 31 + 3 * static_cast<size_t>(forgetful.summaries));
      // What was seen at a turn is the opening and the messages from kept_from on.
      for (const ContextReset& reset : resets) {
        CHECK(reset.kept_from <= reset.message);
        CHECK(rollout.messages[static_cast<size_t>(reset.message) - 1].role == (strategy == ContextStrategy::kSummary ? Role::kAssistant : Role::kTool));
        const Message& first = rollout.messages[static_cast<size_t>(reset.kept_from)];
        CHECK(first.role == (strategy == ContextStrategy::kSummary ? Role::kUser : Role::kAssistant));
      }
    }
  World world;
  Forgetful forgetful;
  const Rollout unbounded = play_forgetful(world, forgetful, {});
  CHECK(unbounded.verdict.passed);
  CHECK_FALSE(unbounded.context);
  CHECK(forgetful.seen.back() == 25);
}

TEST_CASE("a policy that writes no summary has failed, and a summary's tokens count") {
  World world;
  Forgetful silent{.summary = ""};
  const Rollout failed = play_forgetful(world, silent, {ContextStrategy::kSummary, 1000});
  REQUIRE(failed.failure);
  CHECK(failed.failure->boundary == Boundary::kPolicy);
  CHECK_THAT(failed.failure->what, Catch::Contains("summary"));
  Forgetful bounded;
  // 800 tokens are used after the fifth step; the sixth turn, the summary, passes the limit.
  const Rollout stopped = play_forgetful(world, bounded, {ContextStrategy::kSummary, 1000}, {.tokens = 55});
  CHECK(stopped.stop == "limit:tokens");
  CHECK(bounded.seen.size() == 6);
  CHECK(bounded.summaries == 1);
}

TEST_CASE("a cold start is the first that a policy reads") {
  World world;
  FunctionPolicy policy([](const Turn& turn) {
    CHECK(turn.conversation->front().role == Role::kSystem);
    CHECK(turn.conversation->front().text == "Think first.");
    return say(submit("Suzhou"));
  });
  RolloutOptions options;
  options.cold_start = "Think first.";
  const auto rollouts = world.play_all(policy, fixture::task(), 1, options);
  CHECK(rollouts.at(0).messages.size() == 4);
}

TEST_CASE("cancelling drops what is unfinished and frees the policy's state") {
  World world;
  const Task task = fixture::task();
  int answered = 0;
  FunctionPolicy policy(
      [&](const Turn&) {
        if (++answered == 5) world.cancelled = true;
        return say(submit("Suzhou"));
      },
      1);
  const auto rollouts = world.play_all(policy, task, 20, {.in_flight = 8});
  CHECK(rollouts.size() == 4);
  CHECK(policy.open().empty());
}

TEST_CASE("an error of the receiver ends the run with that error") {
  World world;
  const Task task = fixture::task();
  FunctionPolicy policy([](const Turn&) { return say(submit("x")); });
  int received = 0;
  const Status status = play(policy, world.host, {}, {{&task, 0}, {&task, 1}, {&task, 2}}, [&](Rollout) -> Status {
    return ++received == 2 ? Status(make_error(Boundary::kStore, "disk full")) : Status();
  });
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().what == "disk full");
  CHECK(received == 2);
  CHECK(policy.open().empty());
}

TEST_CASE("a policy that stops answering fails its rollouts instead of hanging the run") {
  class Silent final : public Policy {
   public:
    std::string descriptor() const override { return "silent"; }
    void ask(const Turn&) override {}
    std::vector<Action> answer() override { return {}; }
  } policy;
  World world;
  const auto rollouts = world.play_all(policy, fixture::task(), 10, {.in_flight = 3});
  REQUIRE(rollouts.size() == 10);
  for (const auto& [sample, rollout] : rollouts) CHECK(rollout.failure->boundary == Boundary::kPolicy);
}

}  // namespace
}  // namespace assay
