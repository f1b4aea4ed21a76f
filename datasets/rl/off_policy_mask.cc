#include "datasets/rl/off_policy_mask.h"

#include "envs/base/status.h"

namespace assay {

double mean_log_ratio(std::span<const float> old, std::span<const float> policy) {
  ASSAY_ASSERT(old.size() == policy.size());
  double sum = 0;
  for (size_t i = 0; i < old.size(); ++i) sum += double{old[i]} - double{policy[i]};
  return old.empty() ? 0 : sum / static_cast<double>(old.size());
}

bool is_off_policy(double advantage, double mean_log_ratio, double delta) { return advantage < 0 && mean_log_ratio > delta; }

}  // namespace assay
