// The rule of fp8_quantize.h for one group of a row, by one warp: lane i has the values i, i + 32, i + 64 and i + 96.
#pragma once

#include "engine/kernels/device.cuh"

namespace assay::cuda {

constexpr int kGroupValues = static_cast<int>(kScaleBlock) / kWarp;

struct QuantizedGroup {
  float scale = 0;
  uint8_t codes[kGroupValues] = {};
};

// value_at(i) is asked for i < width <= 128.
template <typename ValueAt>
__device__ QuantizedGroup quantize_group(int width, const ValueAt& value_at) {
  float values[kGroupValues], amax = 0;
#pragma unroll
  for (int j = 0; j < kGroupValues; ++j) {
    const int i = lane_id() + j * kWarp;
    values[j] = i < width ? value_at(i) : 0.0f;
    amax = fmaxf(amax, fabsf(values[j]));
  }
  QuantizedGroup group;
  group.scale = power_of_two_scale(warp_max(amax));
  // The inverse of a power of two is exact.
  const float inverse = 1 / group.scale;
#pragma unroll
  for (int j = 0; j < kGroupValues; ++j) group.codes[j] = to_e4m3(values[j] * inverse);
  return group;
}

}  // namespace assay::cuda
