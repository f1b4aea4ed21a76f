#include "engine/kernels/device.cuh"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256;

// A block is a row.
__global__ void __launch_bounds__(kThreads) add_selected(NoteSelectionParams params) {
  __shared__ uint64_t of_warps[kThreads / kWarp];
  const int64_t row = blockIdx.x;
  if (params.lengths[row] <= params.k) return;
  uint64_t sum = 0;
  for (int64_t i = threadIdx.x; i < params.counts[row]; i += kThreads) sum += mix64(static_cast<uint64_t>(params.indices[row * params.k + i]) + kSelectedOffset);
  for (int mask = kWarp / 2; mask > 0; mask /= 2) sum += __shfl_xor_sync(kAllLanes, sum, mask);
  if (lane_id() == 0) of_warps[warp_id()] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int warp = 1; warp < kThreads / kWarp; ++warp) sum += of_warps[warp];
  params.selections[row] = mix64(params.selections[row] + sum);
}

}  // namespace

void note_selection(const NoteSelectionParams& params, const Launch& launch) {
  if (params.rows > 0) add_selected<<<static_cast<unsigned>(params.rows), kThreads, 0, launch.stream>>>(params);
}

}  // namespace assay::cuda
