#include "datasets/report/estimates.h"

#include <algorithm>
#include <vector>

#include "envs/base/interval.h"
#include "envs/base/status.h"

namespace assay {
namespace {

// C(part, k) / C(whole, k), as a product whose factors lie in [0, 1].
double chosen_share(int64_t part, int64_t whole, int64_t k) {
  double share = 1;
  for (int64_t i = 0; i < k; ++i) share *= static_cast<double>(std::max<int64_t>(part - i, 0)) / static_cast<double>(whole - i);
  return share;
}

double effective_attempts(const std::vector<double>& values, double mean, int64_t attempts) {
  const double tasks = static_cast<double>(values.size());
  if (tasks == 1 || mean <= 0 || mean >= 1) return tasks;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double variance_of_mean = squares / (tasks - 1) / tasks, most = static_cast<double>(attempts);
  return variance_of_mean * most <= mean * (1 - mean) ? most : mean * (1 - mean) / variance_of_mean;
}

}  // namespace

double pass_at_k(const Tally& tally, int64_t k) {
  ASSAY_ASSERT(k >= 1 && k <= tally.attempts);
  return 1 - chosen_share(tally.attempts - tally.passed, tally.attempts, k);
}

double pass_all_k(const Tally& tally, int64_t k) {
  ASSAY_ASSERT(k >= 1 && k <= tally.attempts);
  return chosen_share(tally.passed, tally.attempts, k);
}

Estimate estimate(std::span<const Tally> tallies, int64_t k, const std::function<double(const Tally&, int64_t)>& of_task) {
  Estimate out;
  std::vector<double> values;
  double sum = 0;
  for (const Tally& tally : tallies) {
    if (tally.attempts < k) continue;
    out.attempts += tally.attempts;
    values.push_back(of_task(tally, k));
    sum += values.back();
  }
  out.tasks = static_cast<int64_t>(values.size());
  if (out.tasks == 0) return out;
  out.mean = sum / static_cast<double>(out.tasks);
  const double n = effective_attempts(values, out.mean, out.attempts);
  const auto [low, high] = wilson_interval(out.mean * n, n);
  out.low = std::min(low, out.mean);
  out.high = std::max(high, out.mean);
  return out;
}

}  // namespace assay
