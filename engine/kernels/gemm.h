// Matrix products: y[r, n] = sum over c of x[row(r), c] * w[n, c]  (+ bias[n]), for a list of independent problems in one call:
// a projection is one problem, absorbed heads are one for each head, experts one for each expert that was chosen.
//
// The order of summation depends on nothing but `columns`: float32 fused multiply-adds over ascending c, from zero, the bias
// added last. So a row's result is the same bits in any batch. With kE4m3 weights x is first quantised as fp8_quantize.h says,
// in groups of 128 columns; each group is summed as above, and the group sums, times activation scale times weight scale, are
// added in ascending order by one fused multiply-add each: total = fma(group, x_scale * w_scale, total).
// (DeepSeek-V3 report, arXiv 2412.19437, section 3.3.2.)
//
// Tolerance against the reference: 1e-5 relative to sum |x||w| (float32 sums of at most 20,000 terms).
#pragma once

#include <span>

#include "engine/kernels/weight.h"
#include "engine/runtime/workers.h"

namespace assay {

struct GemmProblem {
  const Weight* weight = nullptr;
  const float* x = nullptr;          // [.., columns], rows x_stride apart
  int64_t x_stride = 0;
  const int32_t* x_rows = nullptr;   // [rows]: which row of x; null: row r is r
  float* y = nullptr;                // [rows, weight->rows], rows y_stride apart
  int64_t y_stride = 0;
  int64_t rows = 0;                  // may be 0
  const float* bias = nullptr;       // [weight->rows] or null
  // Null: the problem is `rows` rows. Otherwise two numbers that a kernel may have written: it is the rows [range[0], range[1]) of those,
  // which the problems of a call share: ranges overlap only where they are one. All problems of a call have ranges, or none has.
  const int32_t* range = nullptr;
};

// The problem of a range in host memory, as one without.
inline GemmProblem within_range(GemmProblem problem) {
  if (!problem.range) return problem;
  const int64_t first = problem.range[0];
  problem.rows = problem.range[1] - first;
  if (problem.x_rows) problem.x_rows += first;
  else problem.x += first * problem.x_stride;
  problem.y += first * problem.y_stride;
  problem.range = nullptr;
  return problem;
}

// x and y may not overlap.
using GemmKernel = void(std::span<const GemmProblem> problems, Workers& workers);

}  // namespace assay
