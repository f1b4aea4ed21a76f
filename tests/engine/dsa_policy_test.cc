// The policy dsa:DIR over random weights of a tiny model, in the world of the fixture. Nothing here hopes that they know anything.
#include <filesystem>
#include <map>
#include <thread>

#include "engine/checkpoint/identity.h"
#include "engine/checkpoint/synthetic.h"
#include "engine/policy_factory.h"
#include "envs/rollout_loop.h"
#include "tests/engine/folder.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;
using test::Folder;

std::string tiny_checkpoint(const Folder& folder, uint64_t seed = 0, int64_t positions = 16'384) {
  ModelConfig config = must(preset_config("tiny"));
  config.max_position_embeddings = positions;
  const std::string directory = folder.path() + "/model-" + std::to_string(seed) + "-" + std::to_string(positions);
  if (const Status written = write_synthetic(config, directory, {.dtype = WeightDType::kBF16, .seed = seed}); !written.ok()) FAIL(written.error().text());
  return directory;
}

PolicyOptions required_calls() {
  PolicyOptions options;
  options.max_tokens = 150;
  options.embedded.calls = "required";
  options.embedded.cache_tokens = 1 << 16;
  return options;
}

class Never final : public Verifier {
 public:
  Verdict judge(const Outcome& outcome) const override { return {0.0, false, {{"answer", false, outcome.answer}}, "test/1"}; }
};

std::map<int64_t, Rollout> play_group(Policy& policy, int64_t first, int64_t count, RolloutOptions options = {}, Limits limits = {.steps = 4}) {
  const Never verifier;
  ManualClock clock;
  const RolloutHost host{[](const Task&) -> Result<std::shared_ptr<Tools>> { return std::shared_ptr<Tools>(fixture::toolset()); },
                         [&](const Task&, const Outcome& outcome) -> Result<Verdict> { return verifier.judge(outcome); }, &clock, nullptr};
  const Task task = fixture::task(limits);
  std::vector<Attempt> attempts;
  for (int64_t sample = first; sample < first + count; ++sample) attempts.push_back({&task, sample});
  std::map<int64_t, Rollout> rollouts;
  const Status played = play(policy, host, options, attempts, [&](Rollout rollout) {
    const int64_t sample = rollout.sample;
    rollouts[sample] = std::move(rollout);
    return Status();
  });
  if (!played.ok()) FAIL(played.error().text());
  return rollouts;
}

void check_same(const std::map<int64_t, Rollout>& a, const std::map<int64_t, Rollout>& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [sample, rollout] : a) {
    CHECK(rollout.messages == b.at(sample).messages);
    // What stands in a cache already may be another part each time; what was sampled, and what of it is known, may not.
    REQUIRE(rollout.turns.size() == b.at(sample).turns.size());
    for (size_t i = 0; i < rollout.turns.size(); ++i) CHECK(rollout.turns[i] == b.at(sample).turns[i]);
  }
}

TEST_CASE("a group is played, its prompt is computed once, and its records say what was sampled") {
  const Folder folder;
  const auto policy = must(make_policy("dsa:" + tiny_checkpoint(folder), required_calls()));
  const auto rollouts = play_group(*policy, 0, 8);
  REQUIRE(rollouts.size() == 8);
  int64_t reused = 0, failed_calls = 0, calls = 0;
  for (const auto& [sample, rollout] : rollouts) {
    INFO(sample << (rollout.failure ? rollout.failure->text() : ""));
    REQUIRE(rollout.status == RolloutStatus::kScored);
    REQUIRE(rollout.turns.size() == static_cast<size_t>(rollout.steps));
    calls += rollout.calls;
    failed_calls += rollout.failed_calls;
    reused += rollout.usage.cached_tokens;
    int64_t before = 0;
    for (const TokenTurn& turn : rollout.turns) {
      CHECK(turn.shared == before);   // this conversation only grows
      CHECK_FALSE(turn.prompt.empty());
      REQUIRE(turn.log_probabilities.size() == turn.sampled.size());
      REQUIRE(turn.full_log_probabilities.size() == turn.sampled.size());
      for (size_t i = 0; i < turn.sampled.size(); ++i) {
        CHECK((std::isfinite(turn.log_probabilities[i]) && turn.log_probabilities[i] <= 0));
        CHECK(turn.full_log_probabilities[i] <= turn.log_probabilities[i] + 1e-5f);   // a mask and a cut only take away
      }
      CHECK(turn.policy_version == must(checkpoint_identity(folder.path() + "/model-0-16384")));
      before = turn.shared + static_cast<int64_t>(turn.prompt.size() + turn.sampled.size());
    }
  }
  CHECK(calls > failed_calls);   // get_all_cities takes no argument: even random weights can call it
  // Seven of eight opening prompts, and every later turn's history.
  const int64_t opening = static_cast<int64_t>(rollouts.at(0).turns[0].prompt.size());
  CHECK(reused >= 7 * (opening / 64 * 64));
}

TEST_CASE("rollouts are the same bits in any company: alone, a few at once, and over two threads") {
  const Folder folder;
  const std::string spec = "dsa:" + tiny_checkpoint(folder);
  const auto together = play_group(*must(make_policy(spec, required_calls())), 0, 6);
  check_same(together, play_group(*must(make_policy(spec, required_calls())), 0, 6, {.in_flight = 1}));
  const auto first = must(make_policy(spec, required_calls()));
  const auto second = first->sibling();
  REQUIRE(second);
  std::map<int64_t, Rollout> halves, other;
  std::thread thread([&] { other = play_group(*second, 3, 3); });
  halves = play_group(*first, 0, 3);
  thread.join();
  halves.merge(other);
  check_same(together, halves);
  RolloutOptions other_seed;
  other_seed.seed = 1;
  int64_t equal = 0;
  for (const auto& [sample, rollout] : play_group(*first, 0, 6, other_seed)) equal += rollout.turns == together.at(sample).turns;
  CHECK(equal < 6);
}

TEST_CASE("free calls of random weights are malformed or none, and that is data") {
  const Folder folder;
  PolicyOptions options;
  options.max_tokens = 40;
  const auto rollouts = play_group(*must(make_policy("dsa:" + tiny_checkpoint(folder), options)), 0, 4);
  for (const auto& [sample, rollout] : rollouts) {
    CHECK(rollout.status == RolloutStatus::kScored);
    CHECK(rollout.stop == "gave_up");
  }
}

TEST_CASE("history that a strategy drops is shared no more, and the rest still is") {
  const Folder folder;
  const auto policy = must(make_policy("dsa:" + tiny_checkpoint(folder), required_calls()));
  RolloutOptions options;
  options.context.strategy = ContextStrategy::kDiscardAll;
  options.context.window_tokens = 6000;
  const Rollout rollout = play_group(*policy, 0, 1, options, {.steps = 12}).at(0);
  REQUIRE(rollout.context);
  REQUIRE_FALSE(rollout.context->resets.empty());
  int64_t before = 0, shortened = 0;
  for (const TokenTurn& turn : rollout.turns) {
    CHECK(turn.shared <= before);
    if (turn.shared < before) {
      ++shortened;
      CHECK(turn.shared >= static_cast<int64_t>(rollout.turns[0].prompt.size()) - 1);   // the opening stays
    }
    before = turn.shared + static_cast<int64_t>(turn.prompt.size() + turn.sampled.size());
  }
  CHECK(shortened == static_cast<int64_t>(rollout.context->resets.size()));
}

TEST_CASE("a thinking model's reasoning ends with its budget") {
  const Folder folder;
  PolicyOptions options = required_calls();
  options.max_tokens = 260;
  options.embedded.thinking = true;
  options.embedded.thinking_budget = 20;
  const auto rollouts = play_group(*must(make_policy("dsa:" + tiny_checkpoint(folder), options)), 0, 3);
  for (const auto& [sample, rollout] : rollouts)
    for (const Message& message : rollout.messages)
      if (message.role == Role::kAssistant) {
        CHECK(message.reasoning.size() <= 20 + 16);
        CHECK_FALSE(message.tool_calls.empty());
      }
}

TEST_CASE("other weights, and options that decide what is said, are another policy; where they lie is not") {
  const Folder folder;
  const std::string directory = tiny_checkpoint(folder), copy = folder.path() + "/copy";
  std::filesystem::copy(directory, copy);
  const auto descriptor = [](const std::string& path, const PolicyOptions& options = {}) { return must(make_policy("dsa:" + path, options))->descriptor(); };
  PolicyOptions cool;
  cool.temperature = 0.5;
  CHECK(descriptor(directory) == descriptor(copy));
  CHECK(descriptor(directory) != descriptor(tiny_checkpoint(folder, 1)));
  CHECK(descriptor(directory, cool) == descriptor(directory) + "+temperature=0.5");
}

TEST_CASE("a directory that is replaced while it plays is said once, and the run keeps its weights") {
  const Folder folder;
  const std::string directory = tiny_checkpoint(folder);
  std::vector<std::string> told;
  PolicyOptions options = required_calls();
  options.notice = [&](const std::string& text) { told.push_back(text); };
  const auto policy = must(make_policy("dsa:" + directory, options));
  const auto before = play_group(*policy, 0, 2);
  CHECK(told.empty());
  std::filesystem::remove_all(directory);
  std::filesystem::rename(tiny_checkpoint(folder, 1), directory);
  check_same(before, play_group(*policy, 0, 2));
  play_group(*policy, 2, 1);
  REQUIRE(told.size() == 1);
  CHECK_THAT(told[0], Catch::Contains("has changed") && Catch::Contains(directory));
  CHECK(must(make_policy("dsa:" + directory, options))->descriptor() != policy->descriptor());
}

TEST_CASE("what cannot be served is refused at once, with what to try") {
  const Folder folder;
  const auto refused = [](const std::string& spec, const PolicyOptions& options) {
    const auto made = make_policy(spec, options);
    return made.ok() ? "made" : made.error().text();
  };
  PolicyOptions huge, unknown, budget;
  huge.embedded.cache_tokens = int64_t{1} << 40;
  unknown.embedded.backend = "abacus";
  budget.embedded.thinking_budget = 5;
  const std::string directory = tiny_checkpoint(folder);
  CHECK_THAT(refused("dsa:", {}), Catch::Contains("assay model make"));
  CHECK_THAT(refused("dsa:" + folder.path() + "/none", {}), Catch::Contains("none"));
  CHECK_THAT(refused("dsa:" + directory, huge), Catch::Contains("memory") && Catch::Contains("--cache-tokens"));
  CHECK_THAT(refused("dsa:" + directory, unknown), Catch::Contains("abacus") && Catch::Contains("cpu"));
  CHECK_THAT(refused("dsa:" + directory, budget), Catch::Contains("--thinking"));
}

TEST_CASE("a conversation that outgrows the model fails alone, at its limit") {
  const Folder folder;
  const auto policy = must(make_policy("dsa:" + tiny_checkpoint(folder, 0, 1024), required_calls()));
  const Rollout rollout = play_group(*policy, 0, 1).at(0);
  REQUIRE(rollout.failure);
  CHECK(rollout.failure->boundary == Boundary::kLimit);
  CHECK_THAT(rollout.failure->text(), Catch::Contains("--context-strategy"));
}

}  // namespace
}  // namespace assay
