#include "engine/kernels/device.cuh"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256;

// A thread is a pair of one head of one row.
__global__ void rotate(RopeParams params) {
  const int64_t pairs = params.width / 2, i = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (i >= params.rows * params.heads * pairs) return;
  const int64_t pair = i % pairs, head = i / pairs % params.heads, row = i / pairs / params.heads;
  float* x = params.x + row * params.row_stride + head * params.head_stride;
  const bool interleaved = params.layout == RopeLayout::kInterleaved;
  float& first = x[interleaved ? 2 * pair : pair];
  float& second = x[interleaved ? 2 * pair + 1 : pairs + pair];
  const float a = first, b = second, cosine = params.cosines[row * pairs + pair], sine = params.sines[row * pairs + pair];
  first = __fsub_rn(__fmul_rn(a, cosine), __fmul_rn(b, sine));
  second = __fadd_rn(__fmul_rn(b, cosine), __fmul_rn(a, sine));
}

__global__ void fill_angles(RopeAnglesParams params) {
  const int64_t i = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (i >= params.rows * params.pairs) return;
  const float angle = __fmul_rn(static_cast<float>(params.positions[i / params.pairs]), params.frequencies[i % params.pairs]);
  double sine, cosine;
  sincos(double{angle}, &sine, &cosine);
  params.cosines[i] = __fmul_rn(static_cast<float>(cosine), params.factor);
  params.sines[i] = __fmul_rn(static_cast<float>(sine), params.factor);
}

}  // namespace

void rope_angles(const RopeAnglesParams& params, const Launch& launch) {
  const int64_t angles = params.rows * params.pairs;
  if (angles > 0) fill_angles<<<static_cast<unsigned>(ceil_div(angles, kThreads)), kThreads, 0, launch.stream>>>(params);
}

void rope(const RopeParams& params, const Launch& launch) {
  const int64_t pairs = params.rows * params.heads * (params.width / 2);
  if (pairs > 0) rotate<<<static_cast<unsigned>(ceil_div(pairs, kThreads)), kThreads, 0, launch.stream>>>(params);
}

}  // namespace assay::cuda
