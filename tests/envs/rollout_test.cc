#include "envs/rollout.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

Rollout sample() {
  Rollout out;
  out.task = std::string(64, 'a');
  out.policy = "openai:m";
  out.seed = UINT64_MAX;
  out.sample = 3;
  out.id = rollout_id(out.task, out.policy, out.seed, out.sample);
  out.messages = {{Role::kUser, "凤凰?", "", {}, ""},
                  {Role::kAssistant, "", "hm", {{"c1", "f", "{broken"}}, ""},
                  {Role::kTool, "[]", "", {}, "c1"}};
  out.answer = "[1]";
  out.submitted = true;
  out.verdict = {1, true, {{"shape", true, ""}}, "constraints/1"};
  out.stop = "submitted";
  out.steps = 1, out.calls = 2, out.failed_calls = 1;
  out.usage = {10, 20, 5};
  out.wall_us = 7, out.tool_us = 6;
  out.times = {{1, 6}};
  return out;
}

TEST_CASE("a rollout reads back from its JSON, scored or failed") {
  Rollout rollout = sample();
  const Json scored = to_json(rollout);
  CHECK(to_json(must(rollout_from_json(scored, "t"))) == scored);
  CHECK(to_json(must(rollout_from_json(must(parse_json(canonical_json(scored), "t")), "t"))) == scored);
  for (int boundary = 0; boundary <= static_cast<int>(Boundary::kInternal); ++boundary) {
    rollout.status = RolloutStatus::kFailed;
    rollout.failure = Error{static_cast<Boundary>(boundary), "what", "where", "hint"};
    const Rollout back = must(rollout_from_json(to_json(rollout), "t"));
    CHECK(back.status == RolloutStatus::kFailed);
    CHECK(back.failure->boundary == rollout.failure->boundary);
    CHECK(to_json(back) == to_json(rollout));
  }
}

TEST_CASE("a rollout with a context strategy reads back with its resets, and one without has none") {
  Rollout rollout = sample();
  CHECK_FALSE(to_json(rollout).contains("context"));
  CHECK_FALSE(must(rollout_from_json(to_json(rollout), "t")).context);
  rollout.context = ContextRecord{"discard-all", 4096, {{3, 3, 3300}}};
  CHECK(must(rollout_from_json(to_json(rollout), "t")).context == rollout.context);
}

TEST_CASE("a rollout's identity is its task, policy, seed and sample") {
  const std::string id = rollout_id("t", "p", 1, 2);
  CHECK(id.size() == 64);
  CHECK(id == rollout_id("t", "p", 1, 2));
  CHECK(id != rollout_id("u", "p", 1, 2));
  CHECK(id != rollout_id("t", "q", 1, 2));
  CHECK(id != rollout_id("t", "p", 2, 2));
  CHECK(id != rollout_id("t", "p", 1, 3));
}

TEST_CASE("a rollout with a member missing, of another type or unknown is refused") {
  const Json good = to_json(sample());
  for (const auto& [key, value] : good.items()) {
    INFO(key);
    Json bad = good;
    bad[key] = Json::array({Json::object({{"x", 1}})});
    CHECK_FALSE(rollout_from_json(bad, "t").ok());
    bad.erase(key);
    CHECK(rollout_from_json(bad, "t").ok() == (key == "submitted" || key == "times"));
  }
  Json both = good;
  both["failure"] = {{"boundary", "tool"}, {"what", ""}, {"where", ""}, {"hint", ""}};
  CHECK_FALSE(rollout_from_json(both, "t").ok());
  both.erase("verdict");
  CHECK(rollout_from_json(both, "t").ok());
  both["failure"]["boundary"] = "weather";
  CHECK_FALSE(rollout_from_json(both, "t").ok());
  Json more = good;
  more["reward"] = 1;
  CHECK_FALSE(rollout_from_json(more, "t").ok());
  more = good;
  more["seed"] = -1;
  CHECK_FALSE(rollout_from_json(more, "t").ok());
}

}  // namespace
}  // namespace assay
