#include "datasets/rl/rollout_score.h"

#include <cmath>
#include <span>

#include "datasets/rl/kl.h"
#include "datasets/rl/off_policy_mask.h"

namespace assay {
namespace {

// A list of numbers, each as `Number`; `wrong` says of a value why it is none.
template <typename Number, typename Wrong>
std::vector<Number> numbers(JsonReader& r, const char* name, const Wrong& wrong) {
  std::vector<Number> out;
  const Json& list = r.array(name);
  for (const Json& value : list) {
    const char* problem = value.is_number() ? wrong(value) : "expected a number";
    if (problem) {
      r.fail(name, std::string(problem) + ", not " + value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 40));
      return out;
    }
    out.push_back(value.get<Number>());
  }
  return out;
}

const char* wrong_token(const Json& value) {
  const bool token = value.is_number_integer() && value.get<int64_t>() >= 0 && value.get<int64_t>() <= INT32_MAX;
  return token ? nullptr : "expected the id of a token";
}

const char* wrong_probability(const Json& value) {
  const float number = value.get<float>();
  return std::isfinite(number) && number <= 1e-3f ? nullptr : "expected a natural log-probability, at most 0";
}

// The masked tokens of a sequence, as lists of their own.
struct Sampled {
  std::vector<int32_t> tokens;
  std::vector<float> old;

  Sampled(const TokenSequence& sequence, TrainerVocabulary vocabulary) {
    const std::vector<float>& from = vocabulary == TrainerVocabulary::kKept ? sequence.log_probabilities : sequence.full_log_probabilities;
    for (size_t i = 0; i < sequence.tokens.size(); ++i) {
      if (sequence.mask[i] == 0) continue;
      tokens.push_back(sequence.tokens[i]);
      old.push_back(from[i]);
    }
  }
};

std::vector<double> kl_sums(std::span<const float> policy, std::span<const float> old, std::span<const float> reference) {
  std::vector<double> sums;
  for (const KlEstimator& estimator : kl_estimators()) {
    double& sum = sums.emplace_back(0);
    for (size_t i = 0; i < policy.size(); ++i) sum += estimator.of({policy[i], old[i], reference[i]});
  }
  return sums;
}

Error others(const std::string& what, const Rollout& rollout, const std::string& where) {
  return input_error("log-probabilities of other tokens than rollout " + rollout.id.substr(0, 12) + " sampled: " + what, where,
                     "send the sampled tokens of that rollout as they were exported, turn after turn");
}

}  // namespace

Result<TrainerTokens> trainer_tokens_from_json(const Json& json, const std::string& where) {
  JsonReader r(json, where, "$");
  TrainerTokens trainer;
  trainer.rollout = r.text("rollout");
  trainer.tokens = numbers<int32_t>(r, "tokens", wrong_token);
  trainer.log_probabilities = numbers<float>(r, "log_probabilities", wrong_probability);
  const size_t count = trainer.tokens.size();
  if (trainer.log_probabilities.size() != count)
    r.fail("log_probabilities", std::to_string(trainer.log_probabilities.size()) + " of them for " + std::to_string(count) + " tokens");
  if (r.has("reference_log_probabilities")) {
    trainer.reference = numbers<float>(r, "reference_log_probabilities", wrong_probability);
    if (trainer.reference.size() != count)
      r.fail("reference_log_probabilities", std::to_string(trainer.reference.size()) + " of them for " + std::to_string(count) + " tokens");
  }
  ASSAY_TRY(r.finish());
  return trainer;
}

Result<std::vector<SequenceScore>> score_sequences(const Rollout& rollout, const TrainerTokens& trainer, TrainerVocabulary vocabulary,
                                                   const std::string& where) {
  ASSAY_ASSIGN(const std::vector<TokenSequence> sequences, token_sequences(rollout));
  if (sequences.empty()) return others("nothing was recorded of it", rollout, where);
  std::vector<SequenceScore> scores;
  size_t at = 0;
  for (const TokenSequence& sequence : sequences) {
    const Sampled sampled(sequence, vocabulary);
    const size_t count = sampled.tokens.size();
    for (size_t i = 0; i < count && at + i < trainer.tokens.size(); ++i)
      if (trainer.tokens[at + i] != sampled.tokens[i])
        return others("token " + std::to_string(at + i) + " is " + std::to_string(sampled.tokens[i]) + " there and " +
                          std::to_string(trainer.tokens[at + i]) + " here", rollout, where);
    if (at + count <= trainer.tokens.size()) {
      const std::span<const float> policy = std::span(trainer.log_probabilities).subspan(at, count);
      SequenceScore score{sequence.turns.front().turn, sequence.turns.back().turn, static_cast<int64_t>(count), mean_log_ratio(sampled.old, policy), {}};
      if (!trainer.reference.empty()) score.kl = kl_sums(policy, sampled.old, std::span(trainer.reference).subspan(at, count));
      scores.push_back(std::move(score));
    }
    at += count;
  }
  if (at != trainer.tokens.size())
    return others("it sampled " + std::to_string(at) + " tokens, and here are " + std::to_string(trainer.tokens.size()), rollout, where);
  return scores;
}

}  // namespace assay
