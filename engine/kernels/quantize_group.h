// The rule of fp8_quantize.h for one group of a row, in plain arithmetic: for references, and for kernels that quantise what they
// are about to store. vector.inc has it in vectors (round_group); tests hold both to the same codes and scales.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/numeric.h"

namespace assay {

inline constexpr int64_t scale_groups(int64_t width) { return (width + kScaleBlock - 1) / kScaleBlock; }

// Fills `codes` [width], width <= 128, and returns the scale. A NaN has no say in the scale.
inline float quantize_group(const float* x, int64_t width, uint8_t* codes) {
  float amax = 0;
  for (int64_t i = 0; i < width; ++i) amax = std::max(amax, std::abs(x[i]));
  const float scale = power_of_two_scale(amax);
  for (int64_t i = 0; i < width; ++i) codes[i] = float_to_e4m3(x[i] / scale);
  return scale;
}

}  // namespace assay
