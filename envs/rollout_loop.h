// Plays rollouts: asks the policy for every open episode's next message, carries it out, scores what ends.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "envs/base/clock.h"
#include "envs/context_strategy.h"
#include "envs/policy.h"
#include "envs/rollout.h"
#include "envs/task.h"
#include "envs/toolset.h"
#include "envs/verifier.h"

namespace assay {

// One attempt to play. Everything is borrowed and outlives the loop.
struct Attempt {
  const Task* task = nullptr;
  int64_t sample = 0;
};

struct RolloutHost {
  // The tools of a task, bound for this thread. Those that keep no state may serve many episodes; others are made for each.
  std::function<Result<std::shared_ptr<Tools>>(const Task&)> tools;
  // The verdict on what an attempt left behind. An Error is no verdict: the rollout has failed at its boundary.
  std::function<Result<Verdict>(const Task&, const Outcome&)> judge;
  Clock* clock = nullptr;
  const std::atomic<bool>* cancelled = nullptr;   // checked between steps; what is unfinished is dropped, not stored
};

struct RolloutOptions {
  uint64_t seed = 0;
  int64_t in_flight = 64;   // episodes open at once
  ContextOptions context;   // what happens when an episode outgrows the policy's context
  std::string cold_start;   // a system prompt put before the task's own, or empty
};

// Plays every attempt; `done` receives each finished rollout as it ends. Returns an error only if `done` does. The reward is the
// verifier's, on the submitted answer, or on the empty one where none was submitted, and on the state the tools are left in.
//
// Limits of the task: steps and calls as in Episode; time from the opening to a message's arrival; tokens as completion tokens
// over all turns. A message that arrives over a limit is kept and its calls are refused. Rollouts end in the order in which the
// policy lets them; with a policy that is a function of its turn their content, times excepted, does not depend on in_flight.
//
// A context strategy acts between steps. A summary is a turn without tools that counts as no step, but its tokens count; where
// the policy writes none, or calls a tool instead, the rollout has failed at the policy.
Status play(Policy& policy, const RolloutHost& host, const RolloutOptions& options, const std::vector<Attempt>& attempts,
            const std::function<Status(Rollout)>& done);

}  // namespace assay
