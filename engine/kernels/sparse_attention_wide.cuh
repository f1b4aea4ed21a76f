// sparse_attention.cu's sums, bit for bit, for 64 heads at once in Hopper's warpgroups.
#pragma once

#include "engine/kernels/sparse_attention.cuh"

namespace assay::cuda {

// Whether there are warpgroups on this device, and sizes are those of is_full (sparse_attention_tile.cuh).
bool is_wide(const SparseAttentionParams& params);
// Blocks of threads are 64 heads of a row, or with parts.sums of one of its splits.
void attend_in_warpgroups(const SparseAttentionParams& params, const Parts& parts, const Launch& launch);

}  // namespace assay::cuda
