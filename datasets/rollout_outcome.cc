#include "datasets/rollout_outcome.h"

namespace assay {
namespace {

constexpr const char* kNames[] = {"passed", "failed", "undecided", "verifier_error", "timed_out", "broken"};

RolloutOutcome outcome_of(bool scored, bool passed, const std::string& boundary, const std::string& stop) {
  if (!scored) return boundary == boundary_name(Boundary::kVerifier) ? RolloutOutcome::kVerifierError : RolloutOutcome::kBroken;
  if (passed) return RolloutOutcome::kPassed;
  return stop == "limit:wall" ? RolloutOutcome::kTimedOut : RolloutOutcome::kFailed;
}

}  // namespace

const char* outcome_name(RolloutOutcome outcome) { return kNames[static_cast<size_t>(outcome)]; }

std::vector<std::string> outcome_names() { return {std::begin(kNames), std::end(kNames)}; }

Result<RolloutOutcome> outcome_named(const std::string& name, const std::string& where) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<RolloutOutcome>(i);
  return unknown_name("outcome", name, outcome_names(), where);
}

RolloutOutcome outcome_of(const RolloutRow& row) { return outcome_of(row.scored, row.passed, row.boundary, row.stop); }

RolloutOutcome outcome_of(const Rollout& rollout) {
  const bool scored = rollout.status == RolloutStatus::kScored;
  return outcome_of(scored, scored && rollout.verdict.passed, rollout.failure ? boundary_name(rollout.failure->boundary) : "", rollout.stop);
}

}  // namespace assay
