// What a trainer's log-probabilities say of a stored rollout: what of it would be trained on, and how far the policy has moved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/token_sequence.h"
#include "envs/base/json.h"

namespace assay {

// One line of a trainer's file: the tokens that the rollout sampled, turn after turn, and what the trainer makes of each.
//   {"rollout": ID, "tokens": [n], "log_probabilities": [n], "reference_log_probabilities": [n]}      the last is optional
struct TrainerTokens {
  std::string rollout;
  std::vector<int32_t> tokens;
  std::vector<float> log_probabilities;  // log π
  std::vector<float> reference;          // log π_ref; or empty
};

// Refuses other members, other types, lists of other lengths, and what is no log-probability.
Result<TrainerTokens> trainer_tokens_from_json(const Json& json, const std::string& where);

// What π is compared with: the trainer's log-probabilities are under the kept sets, as they should be, or over the whole vocabulary.
enum class TrainerVocabulary { kKept, kFull };

struct SequenceScore {
  int64_t first_turn = 0, last_turn = 0;
  int64_t tokens = 0;           // sampled
  double mean_log_ratio = 0;    // of log(π_old / π)
  std::vector<double> kl;       // in the order of kl_estimators(), summed over tokens; empty without a reference
};

// One for each sequence of the rollout. Refuses, naming both sides, tokens that are not the rollout's.
Result<std::vector<SequenceScore>> score_sequences(const Rollout& rollout, const TrainerTokens& trainer, TrainerVocabulary vocabulary,
                                                   const std::string& where);

}  // namespace assay
