// Pairs of rollouts for training on preferences.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace assay {

struct PreferencePair {
  size_t chosen = 0, rejected = 0;   // places in the rewards

  bool operator==(const PreferencePair&) const = default;
};

// The best with the worst, the second best with the second worst, and so on while they differ; no rollout is in two pairs. Of rewards 0
// and 1 these are as many pairs as there can be. Of equal rewards the earlier place is the better.
std::vector<PreferencePair> preference_pairs(std::span<const double> rewards);

}  // namespace assay
