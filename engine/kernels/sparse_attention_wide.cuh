// sparse_attention.cu's sums, bit for bit, for 64 heads at once in Hopper's warpgroups.
#pragma once

#include "engine/kernels/sparse_attention.cuh"

namespace assay::cuda {

// Whether there are warpgroups on this device, and the sizes are DeepSeek-V3.2's: rank 512, rope 64, in FP8.
bool is_wide(const SparseAttentionParams& params);
// Blocks of threads and where they leave their results are those of launch_attend.
void attend_in_warpgroups(const SparseAttentionParams& params, const Parts& parts, const Launch& launch);

}  // namespace assay::cuda
