#include "datasets/rl/kl.h"

#include <cmath>

namespace assay {
namespace {

double k1(const TokenProbabilities& token) { return token.policy - token.reference; }

double k2(const TokenProbabilities& token) { return 0.5 * k1(token) * k1(token); }

// expm1: where the policies are close, r - 1 would lose all of its digits.
double k3(const TokenProbabilities& token) {
  const double log_ratio = token.reference - token.policy;
  return std::expm1(log_ratio) - log_ratio;
}

double unbiased(const TokenProbabilities& token) { return std::exp(token.policy - token.old) * k3(token); }

constexpr KlEstimator kEstimators[] = {
    {"k1", "-log r", "J. Schulman, Approximating KL Divergence, 2020", k1},
    {"k2", "(log r)^2 / 2", "J. Schulman, Approximating KL Divergence, 2020", k2},
    {"k3", "r - 1 - log r", "J. Schulman, Approximating KL Divergence, 2020; arXiv 2402.03300, equation 4", k3},
    {"unbiased", "(π / π_old) (r - 1 - log r)", "arXiv 2512.02556, section 3.1, unbiased KL estimate", unbiased},
};

}  // namespace

std::span<const KlEstimator> kl_estimators() { return kEstimators; }

}  // namespace assay
