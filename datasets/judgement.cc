#include "datasets/judgement.h"

#include <map>

namespace assay {
namespace {

constexpr const char* kFormat = "assay-judgement/1";

// By verifier.
Result<std::map<std::string, Judgement>> newest(const Json& observations, const std::string& where) {
  std::map<std::string, Judgement> found;
  for (const Json& observation : observations) {
    if (observation.value("name", "") != kJudgementObservation) continue;
    ASSAY_ASSIGN(Judgement judgement, judgement_from_json(observation.at("value"), where));
    std::string verifier = judgement.verifier;
    found[std::move(verifier)] = std::move(judgement);
  }
  return found;
}

}  // namespace

Judgement judgement_of(const Verdict& verdict) {
  Judgement judgement{verdict.verifier, verdict.passed ? RolloutOutcome::kPassed : RolloutOutcome::kFailed, verdict.reward, "", ""};
  for (const Check& check : verdict.checks) {
    if (check.passed) continue;
    judgement.check = check.name;
    judgement.evidence = check.evidence;
    break;
  }
  return judgement;
}

Json to_json(const Judgement& judgement) {
  return {{"format", kFormat}, {"verifier", judgement.verifier}, {"outcome", outcome_name(judgement.outcome)},
          {"reward", judgement.reward}, {"check", judgement.check}, {"evidence", judgement.evidence}};
}

Result<Judgement> judgement_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  if (r.text("format") != kFormat) r.fail("format", std::string("expected ") + kFormat);
  Judgement judgement;
  judgement.verifier = r.text("verifier");
  const std::string outcome = r.text("outcome");
  judgement.reward = r.number("reward");
  judgement.check = r.text("check");
  judgement.evidence = r.text("evidence");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(judgement.outcome, outcome_named(outcome, where));
  return judgement;
}

Result<std::optional<Judgement>> newest_judgement(const Json& observations, const std::string& verifier, const std::string& where) {
  ASSAY_ASSIGN(auto all, newest(observations, where));
  const auto found = all.find(verifier);
  return found == all.end() ? std::optional<Judgement>() : std::optional(std::move(found->second));
}

Result<bool> is_disputed(const Json& observations, bool passed, const std::string& where) {
  ASSAY_ASSIGN(const auto all, newest(observations, where));
  for (const auto& [verifier, judgement] : all)
    if (judgement.outcome == (passed ? RolloutOutcome::kFailed : RolloutOutcome::kPassed)) return true;
  return false;
}

}  // namespace assay
