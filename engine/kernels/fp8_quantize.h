// FP8 e4m3 in groups of up to 128 neighbouring values of a row: scale = the power of two at or above max(amax, 1e-4) / 448,
// code = round-to-nearest-even(x / scale), saturating. NaN stays NaN. (engine/numeric.h has the conversions.)
// Exact: every implementation gives the same codes and scales.
#pragma once

#include <cstdint>

#include "engine/runtime/workers.h"

namespace assay {

struct Fp8QuantizeParams {
  int64_t rows = 0, width = 0;
  const float* x = nullptr;      // [rows, width], rows x_stride apart
  int64_t x_stride = 0;
  uint8_t* codes = nullptr;      // [rows, width]
  float* scales = nullptr;       // [rows, ceil(width / 128)]
};

using Fp8QuantizeKernel = void(const Fp8QuantizeParams& params, Workers& workers);

}  // namespace assay
