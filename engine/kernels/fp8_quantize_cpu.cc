#ifndef ASSAY_SIMD_BODY

#include "engine/kernels/fp8_quantize.h"
#include "engine/kernels/split.h"
#include "engine/kernels/weight.h"
#include "engine/numeric.h"

#define ASSAY_SIMD_BODY "engine/kernels/fp8_quantize_cpu.cc"
#include "engine/kernels/simd.h"

#else

namespace {

// The scale is a power of two, so multiplying by its reciprocal is dividing by it.
float quantize_group(const float* x, int64_t count, uint8_t* codes) {
  const float scale = power_of_two_scale(largest_magnitude(x, count));
  const Vector reciprocal = broadcast(1 / scale);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store_e4m3(codes + i, round_to_e4m3(load(x + i) * reciprocal));
  if (i < count) {
    uint8_t rest[kLanes];
    store_e4m3(rest, round_to_e4m3(load_first(x + i, count - i) * reciprocal));
    std::memcpy(codes + i, rest, static_cast<size_t>(count - i));
  }
  return scale;
}

void quantize_row(const Fp8QuantizeParams& params, int64_t r) {
  const int64_t groups = (params.width + kScaleBlock - 1) / kScaleBlock;
  const float* x = params.x + r * params.x_stride;
  uint8_t* codes = params.codes + r * params.width;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = group * kScaleBlock;
    params.scales[r * groups + group] = quantize_group(x + first, std::min(kScaleBlock, params.width - first), codes + first);
  }
}

}  // namespace

void fp8_quantize(const Fp8QuantizeParams& params, Workers& workers) {
  for_rows(workers, params.rows, 2 * params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) quantize_row(params, r);
  });
}

#endif
