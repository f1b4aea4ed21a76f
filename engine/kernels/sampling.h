// One token from one row of logits. Temperature 0 takes the largest logit, the lowest index among equals. Otherwise the
// distribution softmax(logits / temperature) is cut to the kept set: of the tokens sorted by probability (ties to the lowest
// index) the first `top_k` (0: all), of those the fewest whose probability reaches `top_p`, of those the ones with at
// least `min_p` times the largest probability; at least one stays. Each cut goes by the probabilities before any. With a mask all of this is
// done as if the vocabulary were the tokens it allows; only log_probability_full is over all tokens. The draw inverts the kept distribution in ascending token
// order at `uniform`, which the caller draws from (seed, rollout, position). NaN counts as minus infinity; a row that holds plus infinity
// or nothing else than minus infinity among the allowed is refused (kept is empty, token -1). Sums are in double, in ascending token order.
#pragma once

#include <cstdint>
#include <vector>

namespace assay {

struct SamplingParams {
  double temperature = 1;
  int64_t top_k = 0;
  double top_p = 1;
  double min_p = 0;
  const uint64_t* allowed = nullptr;   // [ceil(vocabulary / 64)], token t is bit t % 64 of word t / 64; null: all
};

// How a token is drawn from a row of logits.
struct Draw {
  SamplingParams params;
  double uniform = 0;   // [0, 1)
};

struct Sampled {
  int32_t token = -1;
  double log_probability = 0;        // under the kept set, renormalised: the policy that acted
  double log_probability_full = 0;   // under softmax(logits / temperature) before mask and cut
  std::vector<int32_t> kept;         // ascending; empty when nothing was cut (every token kept) or the row was refused
  int64_t kept_count = 0;
};

using SamplingKernel = Sampled(const float* logits, int64_t vocabulary, const SamplingParams& params, double uniform);

}  // namespace assay
