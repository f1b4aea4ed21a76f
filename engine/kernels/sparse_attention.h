// MLA in its MQA form over chosen tokens (arXiv 2405.04434, 2512.02556): for every head
//   score[s] = scale * (q_latent . latent[s] + q_rope . rope[s]);  out = sum over s of softmax(score)[s] * latent[s].
// `indices` null: all tokens below the row's length (dense attention, for comparison); the dense result equals the sparse one
// with every token chosen, bit for bit. The tokens are taken in ascending order; sums depend on nothing but the row's own
// tokens. A row without tokens gives zeros. Tolerance: 2e-5 relative to the largest |latent| seen.
#pragma once

#include "engine/kernels/cache.h"

namespace assay {

struct SparseAttentionParams {
  LatentLayout layout;
  PagedRows context;                   // of latents
  int64_t rows = 0, heads = 0;
  const float* q_latent = nullptr;     // [rows, heads, rank], contiguous
  const float* q_rope = nullptr;       // q_rope[r * q_rope_row_stride + h * q_rope_head_stride + i]
  int64_t q_rope_row_stride = 0, q_rope_head_stride = 0;
  float scale = 0;
  const int32_t* indices = nullptr;    // [rows, index_stride], ascending token positions; or null
  int64_t index_stride = 0;            // without indices: the longest length if the caller knows it, or 0
  const int64_t* counts = nullptr;     // [rows]: how many indices; unused when indices is null
  float* out = nullptr;                // [rows, heads, rank], contiguous
};

using SparseAttentionKernel = void(const SparseAttentionParams& params, Workers& workers);

}  // namespace assay
