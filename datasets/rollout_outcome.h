// What became of a rollout: things that a trainer must not confuse.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datasets/store.h"

namespace assay {

enum class RolloutOutcome {
  kPassed,
  kFailed,          // judged, and not right
  kUndecided,       // a verifier could not tell; the built-in ones always can
  kVerifierError,   // the verifier broke: nothing is known about the attempt
  kTimedOut,        // the attempt ran out of time and was judged on what it had; or the verifier did
  kBroken,          // broke elsewhere (policy, tool, sandbox, …) before there was anything to judge
};

// "passed", "failed", "undecided", "verifier_error", "timed_out", "broken".
const char* outcome_name(RolloutOutcome outcome);
std::vector<std::string> outcome_names();
Result<RolloutOutcome> outcome_named(const std::string& name, const std::string& where);

// As stored when it was played.
RolloutOutcome outcome_of(const RolloutRow& row);
RolloutOutcome outcome_of(const Rollout& rollout);

// Whether it has a verdict, and so a reward.
inline bool has_verdict(RolloutOutcome outcome) { return outcome == RolloutOutcome::kPassed || outcome == RolloutOutcome::kFailed || outcome == RolloutOutcome::kTimedOut; }

}  // namespace assay
