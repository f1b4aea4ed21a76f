// RMSNorm: y[r, i] = w[i] * x[r, i] / sqrt(mean over i of x[r, i]^2 + epsilon)            (arXiv 1910.07467)
// LayerNorm: y[r, i] = w[i] * (x[r, i] - mean) / sqrt(variance + epsilon) + bias[i], the variance biased (arXiv 1607.06450)
// Sums in a fixed order that depends on width alone, in float32: |x| stays below 1e17. In place is allowed.
// Tolerance: 1e-6 relative to the largest |y| of the row.
#pragma once

#include <cstdint>

#include "engine/runtime/workers.h"

namespace assay {

struct NormParams {
  int64_t rows = 0, width = 0;
  float epsilon = 0;
  const float* x = nullptr;        // [rows, width], rows x_stride apart
  int64_t x_stride = 0;
  const float* weight = nullptr;   // [width]
  const float* bias = nullptr;     // [width]; LayerNorm only
  float* y = nullptr;              // [rows, width], rows y_stride apart
  int64_t y_stride = 0;
};

using NormKernel = void(const NormParams& params, Workers& workers);

}  // namespace assay
