// FP8 by the words of fp8_quantize.h, found by trying every code: what the kernels' tricks with bits are held against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/numeric.h"

namespace assay::testing {

// The code of the value nearest to x; of two the even one, so zero is +0. Ties to even, saturating.
inline uint8_t nearest_e4m3(double x) {
  uint8_t best = 0;
  for (int code = 0; code < 256; ++code) {
    const double value = e4m3_to_float(static_cast<uint8_t>(code)), before = e4m3_to_float(best);
    if (std::isnan(value)) continue;
    if (std::abs(value - x) < std::abs(before - x) || (std::abs(value - x) == std::abs(before - x) && code % 2 == 0 && best % 2 == 1))
      best = static_cast<uint8_t>(code);
  }
  return best;
}

inline double scale_of(double amax) { return std::exp2(std::ceil(std::log2(std::max(amax, double{1e-4f}) / 448))); }

}  // namespace assay::testing
