// A weight matrix as the matrix product reads it. One layout for all kernels of the CPU: panels of 64 output rows,
// [ceil(rows / 64)][columns][64], so that a vector holds neighbouring outputs and every output is summed over the columns in
// one order, whatever the batch. Rows beyond the last are zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/numeric.h"

namespace assay {

enum class WeightType { kF32, kBf16, kE4m3 };

inline constexpr int64_t kPanelRows = 64;

struct Weight {
  WeightType type = WeightType::kF32;
  int64_t rows = 0;       // outputs
  int64_t columns = 0;    // inputs
  std::shared_ptr<std::byte> panels;      // aligned to 64
  std::shared_ptr<float> scales;          // kE4m3 only: [ceil(rows / 128), ceil(columns / 128)]

  // The value at (row, column), scale included.
  double at(int64_t row, int64_t column) const;
  size_t bytes() const;         // scales included
  size_t scale_bytes() const;
};

// Copies row-major values, data[row * stride + column] of the type named (strides in elements; column_stride for transposed
// sources), into panels. `scales` as in Weight, needed for kE4m3 alone.
Weight pack_weight(WeightType type, const void* data, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
                   const float* scales = nullptr);

}  // namespace assay
