// Rotary position embedding (arXiv 2104.09864), in place: the pair (a, b) becomes (a cos - b sin, b cos + a sin).
// Interleaved: pair i is (x[2i], x[2i + 1]). Half-split: pair i is (x[i], x[i + width / 2]).
// Each product is rounded on its own (no fused multiply-add), so every instruction set gives the same bits.
#pragma once

#include <cstdint>

#include "engine/rope_layout.h"
#include "engine/runtime/workers.h"

namespace assay {

struct RopeParams {
  int64_t rows = 0, heads = 0, width = 0;      // width: rotary dimensions, even
  float* x = nullptr;                          // x[r * row_stride + h * head_stride + i], i < width
  int64_t row_stride = 0, head_stride = 0;
  const float* cosines = nullptr;              // [rows, width / 2]
  const float* sines = nullptr;                // [rows, width / 2]
  RopeLayout layout = RopeLayout::kInterleaved;
};

// The angle of a pair is float32(position) * frequency, a float32 product, so that long positions agree with the reference
// implementations; its cosine and sine are computed in double, rounded, and multiplied by `factor`. Tolerance: 1e-7 times the factor.
struct RopeAnglesParams {
  int64_t rows = 0, pairs = 0;
  const int64_t* positions = nullptr;    // [rows]
  const float* frequencies = nullptr;    // [pairs]
  float factor = 1;
  float* cosines = nullptr;              // [rows, pairs]
  float* sines = nullptr;                // [rows, pairs]
};

using RopeAnglesKernel = void(const RopeAnglesParams& params, Workers& workers);
using RopeKernel = void(const RopeParams& params, Workers& workers);

}  // namespace assay
