// A rollout: one attempt of a policy at a task, with its verdict or with the boundary it broke at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "envs/context_strategy.h"
#include "envs/message.h"
#include "envs/token_turn.h"
#include "envs/verifier.h"

namespace assay {

// How long an assistant message took to come, and its tool calls to run.
struct StepTime {
  int64_t policy_us = 0, tool_us = 0;

  bool operator==(const StepTime&) const = default;
};

enum class RolloutStatus { kScored, kFailed };

struct Rollout {
  std::string id;         // identity of (task, policy, seed, sample): see rollout_id
  std::string task;
  std::string policy;     // descriptor: "random", "openai:MODEL"; never holds a key or an address with credentials
  uint64_t seed = 0;
  int64_t sample = 0;     // index within the group
  Conversation messages;  // system, user, then the attempt: all that was said, in order
  std::optional<ContextRecord> context;  // with a context strategy: what of the messages the policy saw when
  std::string answer;     // what was submitted, if anything was
  Json state;             // what was changed (envs/state.h); null where nothing can be
  bool submitted = false;
  RolloutStatus status = RolloutStatus::kScored;
  std::optional<Error> failure;  // when status is kFailed: boundary and what happened
  Verdict verdict;               // when status is kScored; a rollout without submission is scored on the empty answer
  std::string stop;              // "submitted", "gave_up", or the limit that ended it: "limit:steps", …
  int64_t steps = 0, calls = 0, failed_calls = 0;
  Usage usage;
  std::vector<TokenTurn> turns;      // one for each assistant message, or none; a record of its own, not part of the JSON form
  int64_t wall_us = 0, tool_us = 0;  // measured; not part of any identity
  std::vector<StepTime> times;       // one for each assistant message; measured
};

std::string rollout_id(const std::string& task, const std::string& policy, uint64_t seed, int64_t sample);

Json to_json(const Rollout& rollout);
Result<Rollout> rollout_from_json(const Json& json, const std::string& where);

}  // namespace assay
