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

using RopeKernel = void(const RopeParams& params, Workers& workers);

}  // namespace assay
