// What is taken off a reward for length, counted in sampled tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay {

// Soft overlong punishment (arXiv 2503.14476, equation 13), with `limit` L_max and `margin` L_cache: 0 up to limit - margin, from there
// falling evenly to -1 at the limit, -1 beyond. A margin of 0 is a step. 0 <= margin <= limit.
double overlong_penalty(int64_t length, int64_t limit, int64_t margin);

// Length rewards of a group, [G] (arXiv 2501.12599, section 2.3.3): λ = 1/2 - (length - min) / (max - min); λ for what passed,
// min(0, λ) for what did not; 0 for all if all are equally long.
std::vector<double> length_rewards(std::span<const int64_t> lengths, const std::vector<bool>& passed);

}  // namespace assay
