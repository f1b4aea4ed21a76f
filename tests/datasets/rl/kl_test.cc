// By enumeration: over a small vocabulary every expectation is a sum, so that an estimator's bias is a number and not a matter of luck.
#include "datasets/rl/kl.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "envs/base/rng.h"

namespace assay {
namespace {

constexpr size_t kTokens = 5;
using Logits = std::array<double, kTokens>;

Logits random_logits(Rng& rng) {
  Logits logits;
  for (double& logit : logits) logit = 3 * rng.unit();
  return logits;
}

Logits log_softmax(const Logits& logits) {
  double sum = 0;
  for (double logit : logits) sum += std::exp(logit);
  Logits out;
  for (size_t i = 0; i < kTokens; ++i) out[i] = logits[i] - std::log(sum);
  return out;
}

double divergence(const Logits& policy, const Logits& reference) {
  const Logits p = log_softmax(policy), q = log_softmax(reference);
  double sum = 0;
  for (size_t i = 0; i < kTokens; ++i) sum += std::exp(p[i]) * (p[i] - q[i]);
  return sum;
}

// The mean of an estimator over tokens drawn from π_old. What it depends on of the policy's logits is what a trainer differentiates.
double expectation(const KlEstimator& estimator, const Logits& policy, const Logits& old, const Logits& reference) {
  const Logits p = log_softmax(policy), o = log_softmax(old), q = log_softmax(reference);
  double sum = 0;
  for (size_t i = 0; i < kTokens; ++i) sum += std::exp(o[i]) * estimator.of({p[i], o[i], q[i]});
  return sum;
}

template <typename Function>
Logits gradient(const Function& function, const Logits& at) {
  constexpr double kStep = 1e-5;
  Logits out;
  for (size_t i = 0; i < kTokens; ++i) {
    Logits more = at, less = at;
    more[i] += kStep;
    less[i] -= kStep;
    out[i] = (function(more) - function(less)) / (2 * kStep);
  }
  return out;
}

double distance(const Logits& a, const Logits& b) {
  double most = 0;
  for (size_t i = 0; i < kTokens; ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

const KlEstimator& named(const std::string& name) {
  for (const KlEstimator& estimator : kl_estimators())
    if (estimator.name == name) return estimator;
  FAIL(name);
  return kl_estimators()[0];
}

// Of the mean gradient from the true one.
double gradient_bias(const std::string& name, const Logits& policy, const Logits& old, const Logits& reference) {
  const Logits truth = gradient([&](const Logits& logits) { return divergence(logits, reference); }, policy);
  return distance(gradient([&](const Logits& logits) { return expectation(named(name), logits, old, reference); }, policy), truth);
}

TEST_CASE("the gradient of the unbiased estimator has the right mean, off policy and on, and that of plain k3 has not") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "kl");
    const Logits policy = random_logits(rng), old = random_logits(rng), reference = random_logits(rng);
    CHECK(gradient_bias("unbiased", policy, old, reference) < 1e-8);
    CHECK(gradient_bias("k3", policy, old, reference) > 0.01);
    CHECK(gradient_bias("unbiased", policy, policy, reference) < 1e-8);
    CHECK(gradient_bias("k3", policy, policy, reference) > 0.001);
  }
}

TEST_CASE("the value of k1, k3 and the unbiased estimator has the right mean on policy; off policy only the unbiased one's has") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "kl/value");
    const Logits policy = random_logits(rng), old = random_logits(rng), reference = random_logits(rng);
    const double truth = divergence(policy, reference);
    for (const char* name : {"k1", "k3", "unbiased"}) CHECK(expectation(named(name), policy, policy, reference) == Approx(truth).epsilon(1e-9));
    CHECK(expectation(named("unbiased"), policy, old, reference) == Approx(truth).epsilon(1e-9));
    CHECK(std::abs(expectation(named("k3"), policy, old, reference) - truth) > 1e-4);
  }
}

TEST_CASE("the estimators are their formulas, also where policies nearly agree") {
  const TokenProbabilities token{std::log(0.25), std::log(0.5), std::log(0.75)};
  CHECK(named("k1").of(token) == Approx(-std::log(3)));
  CHECK(named("k2").of(token) == Approx(std::pow(std::log(3), 2) / 2));
  CHECK(named("k3").of(token) == Approx(2 - std::log(3)));
  CHECK(named("unbiased").of(token) == Approx((2 - std::log(3)) / 2));
  CHECK(named("k3").of({-1, -1, -1}) == 0);
  CHECK(named("k3").of({-1, -1, -1 + 1e-7}) == Approx(0.5e-14).epsilon(1e-2));
}

}  // namespace
}  // namespace assay
