// Estimates of how often attempts succeed, from several attempts at each of several tasks.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

namespace assay {

// The attempts of one policy at one task.
struct Tally {
  int64_t attempts = 0, passed = 0;
};

// That at least one of k attempts passes: 1 - C(n - c, k) / C(n, k), unbiased for k <= n (Chen et al. 2021, arXiv 2107.03374).
double pass_at_k(const Tally& tally, int64_t k);
// That all of k attempts pass: C(c, k) / C(n, k), unbiased for k <= n.
double pass_all_k(const Tally& tally, int64_t k);

// A mean over tasks. The interval is for tasks like these and not for these tasks alone: tasks are the clusters, and their attempts
// are worth as many independent ones as the variance between tasks leaves (n_eff = mean (1 - mean) / (variance / tasks), at most
// all attempts; where every task says the same 0 or 1, one for each task). Wilson's 95% interval for so many.
struct Estimate {
  int64_t tasks = 0, attempts = 0;   // tasks with at least k attempts, and their attempts
  double mean = 0, low = 0, high = 1;
};

Estimate estimate(std::span<const Tally> tallies, int64_t k, const std::function<double(const Tally&, int64_t)>& of_task);

}  // namespace assay
