#include "engine/kernels/device.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kWidest = 8192;   // of a Hadamard transform: what 48 KiB of shared memory hold

// f(row, column) for every number, one to a thread.
template <typename Function>
__global__ void for_each(int64_t rows, int64_t width, Function f) {
  const int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (i < rows * width) f(i / width, i % width);
}

template <typename Function>
void launch_each(int64_t rows, int64_t width, const Launch& launch, Function f) {
  if (rows * width > 0) for_each<<<static_cast<unsigned>(ceil_div(rows * width, kThreads)), kThreads, 0, launch.stream>>>(rows, width, f);
}

// A block is a row.
__global__ void transform(HadamardParams params) {
  extern __shared__ float values[];
  float* x = params.x + blockIdx.x * params.width;
  const int width = static_cast<int>(params.width);
  for (int i = threadIdx.x; i < width; i += blockDim.x) values[i] = x[i];
  for (int half = 1; half < width; half *= 2) {
    __syncthreads();
    for (int pair = threadIdx.x; pair < width / 2; pair += blockDim.x) {
      const int first = pair / half * 2 * half + pair % half;
      const float a = values[first], b = values[first + half];
      values[first] = a + b;
      values[first + half] = a - b;
    }
  }
  __syncthreads();
  const float norm = 1 / sqrtf(static_cast<float>(width));
  for (int i = threadIdx.x; i < width; i += blockDim.x) x[i] = values[i] * norm;
}

}  // namespace

void gather(const GatherParams& params, const Launch& launch) {
  launch_each(params.rows, params.width, launch, [params] __device__(int64_t row, int64_t i) { params.y[row * params.width + i] = params.x[params.source[row] * params.width + i]; });
}

void scale(const ScaleParams& params, const Launch& launch) {
  launch_each(1, params.count, launch, [params] __device__(int64_t, int64_t i) { params.x[i] = __fmul_rn(params.x[i], params.factor); });
}

void add(const AddParams& params, const Launch& launch) {
  launch_each(params.rows, params.width, launch, [params] __device__(int64_t row, int64_t i) { params.y[row * params.y_stride + i] += params.x[row * params.x_stride + i]; });
}

void silu_mul(const SiluMulParams& params, const Launch& launch) {
  launch_each(params.rows, params.width, launch, [params] __device__(int64_t row, int64_t i) {
    // Of exp(-|a|), which never overflows.
    const float a = params.gate[row * params.x_stride + i], e = expf(-fabsf(a));
    params.y[row * params.y_stride + i] = (a < 0 ? a * e : a) / (1 + e) * params.up[row * params.x_stride + i];
  });
}

void combine(const CombineParams& params, const Launch& launch) {
  launch_each(params.rows, params.width, launch, [params] __device__(int64_t row, int64_t i) {
    float sum = 0;
    for (int64_t j = row * params.slots; j < (row + 1) * params.slots; ++j) sum = fmaf(params.weight[j], params.x[params.source[j] * params.width + i], sum);
    params.y[row * params.y_stride + i] += sum;
  });
}

void hadamard(const HadamardParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.width <= kWidest && (params.width & (params.width - 1)) == 0);
  if (params.rows == 0 || params.width == 0) return;
  const auto threads = static_cast<unsigned>(smaller<int64_t>(kThreads, larger<int64_t>(kWarp, params.width / 2)));
  transform<<<static_cast<unsigned>(params.rows), threads, static_cast<size_t>(params.width) * sizeof(float), launch.stream>>>(params);
}

}  // namespace assay::cuda
