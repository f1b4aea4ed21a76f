// sparse_attention.cu's sums, bit for bit, of DeepSeek-V3.2's sizes: rank 512, rope 64, in FP8.
#pragma once

#include "engine/kernels/sparse_attention.cuh"

namespace assay::cuda {

bool is_full(const SparseAttentionParams& params);
// Blocks of threads are 16 heads of a row, or with parts.sums of one of its splits.
void attend_in_tiles(const SparseAttentionParams& params, const Parts& parts, const Launch& launch);

}  // namespace assay::cuda
