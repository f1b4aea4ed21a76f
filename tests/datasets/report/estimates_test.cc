#include "datasets/report/estimates.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "envs/base/interval.h"
#include "envs/base/rng.h"

using namespace assay;

namespace {

// Over all ways to choose k of n attempts, of which the first c passed: the share that `counts` says yes to.
double by_choosing(int64_t n, int64_t c, int64_t k, bool (*counts)(int64_t passed, int64_t k)) {
  int64_t ways = 0, good = 0;
  for (uint32_t chosen = 0; chosen < 1u << n; ++chosen) {
    if (__builtin_popcount(chosen) != k) continue;
    ++ways;
    good += counts(__builtin_popcount(chosen & ((1u << c) - 1)), k);
  }
  return static_cast<double>(good) / static_cast<double>(ways);
}

}  // namespace

TEST_CASE("pass@k and pass^k are what choosing k attempts in every way gives") {
  for (int64_t n = 1; n <= 10; ++n)
    for (int64_t c = 0; c <= n; ++c)
      for (int64_t k = 1; k <= n; ++k) {
        CAPTURE(n, c, k);
        CHECK(pass_at_k({n, c}, k) == Approx(by_choosing(n, c, k, [](int64_t passed, int64_t) { return passed > 0; })).margin(1e-12));
        CHECK(pass_all_k({n, c}, k) == Approx(by_choosing(n, c, k, [](int64_t passed, int64_t all) { return passed == all; })).margin(1e-12));
      }
}

TEST_CASE("pass@k is unbiased where the plug-in estimate is not") {
  // The expectation over c ~ Binomial(6, 0.3), by enumeration.
  const int64_t n = 6, k = 3;
  const double p = 0.3;
  double unbiased = 0, plug_in = 0;
  for (int64_t c = 0; c <= n; ++c) {
    const double weight = std::tgamma(n + 1) / std::tgamma(c + 1) / std::tgamma(n - c + 1) * std::pow(p, c) * std::pow(1 - p, n - c);
    unbiased += weight * pass_at_k({n, c}, k);
    plug_in += weight * (1 - std::pow(1 - static_cast<double>(c) / n, k));
  }
  const double truth = 1 - std::pow(1 - p, k);
  CHECK(unbiased == Approx(truth).margin(1e-12));
  CHECK(std::abs(plug_in - truth) > 0.02);
}

TEST_CASE("An estimate leaves out tasks with fewer than k attempts") {
  const std::vector<Tally> tallies = {{4, 4}, {1, 0}, {4, 0}};
  const Estimate once = estimate(tallies, 1, pass_at_k), four = estimate(tallies, 4, pass_at_k), five = estimate(tallies, 5, pass_at_k);
  CHECK(once.tasks == 3);
  CHECK(once.attempts == 9);
  CHECK(once.mean == Approx(1.0 / 3));
  CHECK(four.tasks == 2);
  CHECK(four.mean == Approx(0.5));
  CHECK(five.tasks == 0);
  CHECK(five.low == 0);
  CHECK(five.high == 1);
}

TEST_CASE("Attempts at one task tell less than attempts at many") {
  const std::vector<Tally> all_or_nothing = {{8, 8}, {8, 0}, {8, 8}, {8, 0}}, alike = {{8, 4}, {8, 4}, {8, 4}, {8, 4}};
  const Estimate clustered = estimate(all_or_nothing, 1, pass_at_k), even = estimate(alike, 1, pass_at_k);
  CHECK(clustered.mean == even.mean);
  // Alike tasks are worth all 32 attempts; all or nothing is worth the tasks less one.
  CHECK(even.low == Approx(wilson_interval(16, 32).first));
  CHECK(clustered.low == Approx(wilson_interval(1.5, 3).first));
  // Where all pass nothing is known of the variance: one for each task.
  CHECK(estimate(std::vector<Tally>{{8, 8}, {8, 8}}, 1, pass_at_k).low == Approx(wilson_interval(2, 2).first));
}

TEST_CASE("The interval covers the true mean as often as it says") {
  // Tasks whose chance is the square of a uniform number (mean 1/3), four attempts each. An interval that took attempts for
  // independent covers 88% here.
  int covered = 0, naive = 0;
  constexpr int kTrials = 4000, kTasks = 25, kAttempts = 4;
  for (int trial = 0; trial < kTrials; ++trial) {
    Rng rng(1, "coverage", static_cast<uint64_t>(trial));
    std::vector<Tally> tallies;
    double passed = 0;
    for (int task = 0; task < kTasks; ++task) {
      const double u = rng.unit();
      Tally tally{kAttempts, 0};
      for (int i = 0; i < kAttempts; ++i) tally.passed += rng.unit() < u * u;
      passed += static_cast<double>(tally.passed);
      tallies.push_back(tally);
    }
    const Estimate made = estimate(tallies, 1, pass_at_k);
    covered += made.low <= 1.0 / 3 && 1.0 / 3 <= made.high;
    const auto [low, high] = wilson_interval(passed, kTasks * kAttempts);
    naive += low <= 1.0 / 3 && 1.0 / 3 <= high;
  }
  INFO("covered " << covered << ", taking attempts for independent " << naive << ", of " << kTrials);
  CHECK(covered > 0.935 * kTrials);
  CHECK(covered < 0.975 * kTrials);
  CHECK(naive < 0.90 * kTrials);
}
