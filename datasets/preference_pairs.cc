#include "datasets/preference_pairs.h"

#include <algorithm>
#include <numeric>

namespace assay {

std::vector<PreferencePair> preference_pairs(std::span<const double> rewards) {
  std::vector<size_t> ranked(rewards.size());
  std::iota(ranked.begin(), ranked.end(), size_t{0});
  std::stable_sort(ranked.begin(), ranked.end(), [&](size_t a, size_t b) { return rewards[a] > rewards[b]; });
  std::vector<PreferencePair> pairs;
  for (size_t best = 0, worst = ranked.size(); best + 1 < worst && rewards[ranked[best]] > rewards[ranked[worst - 1]]; ++best, --worst)
    pairs.push_back({ranked[best], ranked[worst - 1]});
  return pairs;
}

}  // namespace assay
