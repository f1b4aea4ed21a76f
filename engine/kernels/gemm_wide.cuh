// Products of many rows with bfloat16 weights in Hopper's warpgroups: the sums of gemm.cu, bit for bit, in tiles of 128 rows.
#pragma once

#include "engine/kernels/cuda_kernels.h"

namespace assay::cuda {

// Whether the call's products by bfloat16 weights are enough to fill the device with such tiles, and scratch holds the least of what they need.
bool wants_wide_tiles(std::span<const GemmProblem> problems, const Launch& launch);
// Those products; others are passed over.
void gemm_in_wide_tiles(std::span<const GemmProblem> problems, const Launch& launch);

}  // namespace assay::cuda
