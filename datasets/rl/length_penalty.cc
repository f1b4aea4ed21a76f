#include "datasets/rl/length_penalty.h"

#include <algorithm>

#include "envs/base/status.h"

namespace assay {

double overlong_penalty(int64_t length, int64_t limit, int64_t margin) {
  ASSAY_ASSERT(0 <= margin && margin <= limit);
  if (length > limit) return -1;
  const int64_t over = length - (limit - margin);
  return over <= 0 ? 0 : -static_cast<double>(over) / static_cast<double>(margin);
}

std::vector<double> length_rewards(std::span<const int64_t> lengths, const std::vector<bool>& passed) {
  ASSAY_ASSERT(lengths.size() == passed.size());
  std::vector<double> rewards(lengths.size());
  if (lengths.empty()) return rewards;
  const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
  if (*shortest == *longest) return rewards;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const double share = static_cast<double>(lengths[i] - *shortest) / static_cast<double>(*longest - *shortest);
    rewards[i] = passed[i] ? 0.5 - share : std::min(0.0, 0.5 - share);
  }
  return rewards;
}

}  // namespace assay
