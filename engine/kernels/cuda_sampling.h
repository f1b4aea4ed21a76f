// sampling.h for many rows of logits on a CUDA device, which stay there.
//
// Weights are exp((logit - largest) / temperature) in double, rounded to multiples of 2^-s, s = 62 - ceil(log2(vocabulary)); their sums are
// integers, so no order of adding shows. Where a cut or a draw falls within vocabulary * 2^-s of a token's border another than the
// reference's may come out. Log-probabilities agree with it to 1e-9.
#pragma once

#include <vector>

#include "engine/kernels/cuda_kernels.h"

namespace assay::cuda {

struct RowDraw {
  double temperature = 1, top_p = 1, min_p = 0;
  int64_t top_k = 0;
  uint64_t uniform = 0;                  // of 2^64
  const uint32_t* allowed = nullptr;     // [ceil(vocabulary / 64) * 2], or null; on the device
};

struct RowDrawn {
  double log_probability = 0, log_probability_full = 0;
  int64_t kept_count = 0;
  int32_t token = -1;
  int32_t finite = 1;                    // whether all logits of the row are
};

struct SampleParams {
  int64_t rows = 0, vocabulary = 0;      // vocabulary < 2^30
  const float* logits = nullptr;         // [rows, vocabulary]
  const RowDraw* draws = nullptr;        // [rows]
  RowDrawn* drawn = nullptr;             // [rows]
  uint32_t* kept = nullptr;              // [rows, ceil(vocabulary / 64) * 2]: a bit for each token kept; not set where kept_count is the vocabulary
};

constexpr int64_t mask_words(int64_t vocabulary) { return (vocabulary + 63) / 64 * 2; }

// Scratch: scratch_bytes(params).
void sample(const SampleParams& params, const Launch& launch);
size_t scratch_bytes(const SampleParams& params);

RowDraw row_draw(const Draw& draw, const uint32_t* allowed);
// What sampling.h returns, from copies on the host of what the kernel wrote.
Sampled sampled_of(const RowDrawn& drawn, const uint32_t* kept, int64_t vocabulary);

}  // namespace assay::cuda
