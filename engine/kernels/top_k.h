// The k largest of each row, exactly: ties go to the lowest index, NaN counts as minus infinity (and -0 equals +0).
// Fewer than k values: all of them. The indices come out in ascending order, so what reads them sums in one order.
#pragma once

#include <cstdint>

#include "engine/runtime/workers.h"

namespace assay {

struct TopKParams {
  int64_t rows = 0, k = 0;
  const float* values = nullptr;      // [rows, stride]
  int64_t stride = 0;
  const int64_t* lengths = nullptr;   // [rows]: how many of a row count
  int32_t* indices = nullptr;         // [rows, k]; the rest of a short row is -1
  int64_t* counts = nullptr;          // [rows]: min(k, length)
};

using TopKKernel = void(const TopKParams& params, Workers& workers);

}  // namespace assay
