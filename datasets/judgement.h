// What a verifier said of a stored rollout when it was asked again. The verdict that the rollout was stored with stays as it was; a
// judgement stands beside it, as an observation of the rollout named kJudgementObservation, with the verifier's name. The newest one of a
// verifier counts.
#pragma once

#include <optional>
#include <string>

#include "datasets/rollout_outcome.h"

namespace assay {

inline constexpr const char* kJudgementObservation = "judgement";

struct Judgement {
  std::string verifier;   // "constraints/1", "plain", "command:…"
  RolloutOutcome outcome = RolloutOutcome::kPassed;   // of the judging: never kBroken
  double reward = 0;      // 0 unless the outcome is kPassed or kFailed
  std::string check;      // the first that failed, or ""
  std::string evidence;   // of that check; or what the verifier broke at

  bool operator==(const Judgement&) const = default;
};

// Of a verdict.
Judgement judgement_of(const Verdict& verdict);

// {"format":"assay-judgement/1","verifier","outcome","reward","check","evidence"}.
Json to_json(const Judgement& judgement);
Result<Judgement> judgement_from_json(const Json& json, const std::string& where);

// The newest of that verifier among the observations of a rollout (Store::observations).
Result<std::optional<Judgement>> newest_judgement(const Json& observations, const std::string& verifier, const std::string& where);
// Whether any verifier's newest judgement says passed of what did not, or failed of what did. Who could not tell contradicts nobody.
Result<bool> is_disputed(const Json& observations, bool passed, const std::string& where);

}  // namespace assay
