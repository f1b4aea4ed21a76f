// Turns as an engine could have recorded them, drawn at random: growing and cut histories, sets, experts, changes of policy.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>

#include "envs/base/rng.h"
#include "tests/datasets/sample.h"

namespace assay::sample {

struct TurnShape {
  int turns = 4;
  int prompt = 6, sampled = 8;  // at most, of a turn
  int vocabulary = 50;
  int layers = 3, experts_per_token = 2, experts = 16;  // layers 0: none recorded
  bool cut = true;    // histories
  bool truncate = true;  // sampling
};

inline std::vector<int32_t> random_tokens(Rng& rng, size_t count, const TurnShape& shape) {
  std::vector<int32_t> tokens(count);
  for (int32_t& token : tokens) token = static_cast<int32_t>(rng.below(static_cast<uint64_t>(shape.vocabulary)));
  return tokens;
}

inline void draw_experts(Rng& rng, int64_t rows, const TurnShape& shape, std::vector<uint16_t>& out) {
  for (int64_t choice = 0; choice < rows * shape.layers; ++choice) {
    std::set<uint16_t> chosen;
    while (chosen.size() < static_cast<size_t>(shape.experts_per_token)) {
      const uint16_t expert = static_cast<uint16_t>(rng.below(static_cast<uint64_t>(shape.experts)));
      if (chosen.insert(expert).second) out.push_back(expert);
    }
  }
}

inline void draw_sampled(Rng& rng, size_t count, const TurnShape& shape, TokenTurn& turn) {
  turn.sampled = random_tokens(rng, count, shape);
  for (int32_t token : turn.sampled) {
    turn.log_probabilities.push_back(static_cast<float>(std::log(1 - rng.unit() * 0.99)));
    turn.full_log_probabilities.push_back(turn.log_probabilities.back() - static_cast<float>(rng.unit()));
    std::set<int32_t> kept;
    if (shape.truncate && rng.below(3) != 0) kept.insert(token);
    while (!kept.empty() && rng.below(4) != 0) kept.insert(random_tokens(rng, 1, shape)[0]);
    turn.kept_counts.push_back(static_cast<int32_t>(kept.size()));
    turn.kept.insert(turn.kept.end(), kept.begin(), kept.end());
  }
}

// A rollout whose messages are in number what its turns need.
inline Rollout random_turns(Rng& rng, const TurnShape& shape, int64_t index = 0) {
  Rollout rollout = sample::rollout(sample::task(), index, true, shape.turns - 1);
  int64_t before = 0, rows = 0;   // left behind; of experts among them
  for (int i = 0; i < shape.turns; ++i) {
    TokenTurn turn;
    turn.shared = before == 0 || (shape.cut && rng.below(3) == 0) ? static_cast<int64_t>(rng.below(static_cast<uint64_t>(before + 1))) : before;
    turn.prompt = random_tokens(rng, 1 + rng.below(static_cast<uint64_t>(shape.prompt)), shape);
    draw_sampled(rng, rng.below(static_cast<uint64_t>(shape.sampled) + 1), shape, turn);
    const int64_t tokens = turn.shared + static_cast<int64_t>(turn.prompt.size() + turn.sampled.size());
    const int64_t known = rows = std::min(turn.shared, rows);
    if (shape.layers > 0 && rng.below(8) != 0) {
      turn.expert_layers = shape.layers;
      turn.experts_per_token = shape.experts_per_token;
      turn.experts_from = rng.below(4) == 0 ? static_cast<int64_t>(rng.below(static_cast<uint64_t>(known + 1))) : known;
      draw_experts(rng, tokens - 1 - turn.experts_from, shape, turn.experts);
      rows = tokens - 1;
    }
    if (rng.below(2)) turn.selection_digest = std::string(64, "0123456789abcdef"[rng.below(16)]);
    turn.policy_version = "step-" + std::to_string(rng.below(2));
    rollout.turns.push_back(std::move(turn));
    before = tokens;
  }
  return rollout;
}

}  // namespace assay::sample
