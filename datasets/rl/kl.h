// Estimators of KL(π || π_ref) from one sampled token x, of natural log-probabilities.
//
// Written with r = π_ref(x) / π(x). All have the right mean where x is drawn from π (k2 only nearly); what a trainer follows is their
// *gradient*, drawn from π_old, and only that of "unbiased" has the right mean (tests/datasets/rl/kl_test.cc, by enumeration).
#pragma once

#include <span>

namespace assay {

struct TokenProbabilities {
  double policy = 0;     // log π(x): of the weights being trained
  double old = 0;        // log π_old(x): of the engine that sampled x
  double reference = 0;  // log π_ref(x)
};

struct KlEstimator {
  const char* name;
  const char* formula;
  const char* source;
  double (*of)(const TokenProbabilities& token);
};

// "k1", "k2", "k3", "unbiased".
std::span<const KlEstimator> kl_estimators();

}  // namespace assay
