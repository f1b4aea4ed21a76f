// The off-policy sequence mask (arXiv 2512.02556, section 3.1): of what the policy has since moved away from, only successes teach.
#pragma once

#include <span>

namespace assay {

// (1/n) Σ log(π_old / π) over the sampled tokens of a sequence, [n] each; 0 if there are none.
double mean_log_ratio(std::span<const float> old, std::span<const float> policy);

// Whether the policy term of the sequence is dropped: A < 0 and mean log(π_old / π) > δ. Its KL term is not.
bool is_off_policy(double advantage, double mean_log_ratio, double delta);

}  // namespace assay
