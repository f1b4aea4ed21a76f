#include "engine/kernels/device.cuh"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256;

struct Moments {
  float sum = 0, squares = 0;
};

// Of x - shift over a row: every thread sums each 256th value, then a tree.
__device__ Moments moments(const float* x, int64_t width, float shift) {
  __shared__ Moments of_warps[kThreads / kWarp];
  Moments mine;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    const float value = x[i] - shift;
    mine.sum += value;
    mine.squares = fmaf(value, value, mine.squares);
  }
  mine = {warp_sum(mine.sum), warp_sum(mine.squares)};
  __syncthreads();   // the last call's sums have been read
  if (lane_id() == 0) of_warps[warp_id()] = mine;
  __syncthreads();
  Moments total;
  for (const Moments& warp : of_warps) total.sum += warp.sum, total.squares += warp.squares;
  return total;
}

__global__ void rms_norm_rows(NormParams params) {
  const float* x = params.x + blockIdx.x * params.x_stride;
  float* y = params.y + blockIdx.x * params.y_stride;
  const float mean = moments(x, params.width, 0).squares / static_cast<float>(params.width);
  const float factor = 1 / sqrtf(mean + params.epsilon);
  for (int64_t i = threadIdx.x; i < params.width; i += kThreads) y[i] = params.weight[i] * (x[i] * factor);
}

// As on the CPU: what a float32 mean misses is kept apart.
__global__ void layer_norm_rows(NormParams params) {
  const float* x = params.x + blockIdx.x * params.x_stride;
  float* y = params.y + blockIdx.x * params.y_stride;
  const float width = static_cast<float>(params.width);
  const float mean = moments(x, params.width, 0).sum / width;
  const Moments rest = moments(x, params.width, mean);
  const float missing = rest.sum / width;
  const float variance = rest.squares / width - missing * missing;
  const float factor = 1 / sqrtf(variance + params.epsilon);
  for (int64_t i = threadIdx.x; i < params.width; i += kThreads)
    y[i] = params.weight[i] * (((x[i] - mean) - missing) * factor) + params.bias[i];
}

}  // namespace

void rms_norm(const NormParams& params, const Launch& launch) {
  if (params.rows > 0 && params.width > 0) rms_norm_rows<<<static_cast<unsigned>(params.rows), kThreads, 0, launch.stream>>>(params);
}

void layer_norm(const NormParams& params, const Launch& launch) {
  if (params.rows > 0 && params.width > 0) layer_norm_rows<<<static_cast<unsigned>(params.rows), kThreads, 0, launch.stream>>>(params);
}

}  // namespace assay::cuda
