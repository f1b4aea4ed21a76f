#include "engine/kernels/quantize_group.cuh"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp;

// A warp is a group.
__global__ void quantize(Fp8QuantizeParams params) {
  const int64_t groups = ceil_div(params.width, kScaleBlock), i = blockIdx.x * int64_t{kWarps} + warp_id();
  if (i >= params.rows * groups) return;
  const int64_t row = i / groups, first = i % groups * kScaleBlock;
  const int width = static_cast<int>(smaller(kScaleBlock, params.width - first));
  const float* x = params.x + row * params.x_stride + first;
  uint8_t* codes = params.codes + row * params.width + first;
  const QuantizedGroup group = quantize_group(width, [&](int at) { return x[at]; });
  for (int j = 0; j < kGroupValues; ++j)
    if (lane_id() + j * kWarp < width) codes[lane_id() + j * kWarp] = group.codes[j];
  if (lane_id() == 0) params.scales[i] = group.scale;
}

}  // namespace

void fp8_quantize(const Fp8QuantizeParams& params, const Launch& launch) {
  const int64_t groups = params.rows * ceil_div(params.width, kScaleBlock);
  if (groups > 0) quantize<<<static_cast<unsigned>(ceil_div(groups, kWarps)), kThreads, 0, launch.stream>>>(params);
}

}  // namespace assay::cuda
