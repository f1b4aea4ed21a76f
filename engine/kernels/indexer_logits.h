// The lightning indexer (arXiv 2512.02556, equation 1): I[r, s] = sum over heads j of w[r, j] * relu(q[r, j] . k[s]),
// for s < lengths[r]; what lies beyond is not written. With kE4m3 keys the query of each head is quantised first as
// fp8_quantize.h says (groups of 128), and the products are of dequantised values. w comes with its scales in it.
// A logit depends on its own query and key alone: any batch, any chunk, the same bits.
// Tolerance: 1e-5 relative to sum |w| |q| |k|.
#pragma once

#include "engine/kernels/cache.h"

namespace assay {

struct IndexerLogitsParams {
  IndexLayout layout;
  PagedRows context;                // of indexer keys
  int64_t rows = 0, heads = 0;
  const float* q = nullptr;         // [rows, heads, width], contiguous
  const float* w = nullptr;         // [rows, heads], rows w_stride apart
  int64_t w_stride = 0;
  float* logits = nullptr;          // [rows, logits_stride], logits_stride >= the longest length
  int64_t logits_stride = 0;
};

using IndexerLogitsKernel = void(const IndexerLogitsParams& params, Workers& workers);

}  // namespace assay
