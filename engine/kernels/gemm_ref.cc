#include <algorithm>
#include <vector>

#include "engine/kernels/fp8_quantize.h"
#include "engine/kernels/gemm.h"
#include "engine/kernels/quantize_group.h"
#include "engine/numeric.h"

namespace assay::reference {

Fp8QuantizeKernel fp8_quantize;

namespace {

// One row of x as the product sees it: as it is, or quantised and back.
std::vector<double> activations(const float* x, const Weight& weight, Workers& workers) {
  const int64_t columns = weight.columns;
  std::vector<double> values(x, x + columns);
  if (weight.type != WeightType::kE4m3) return values;
  std::vector<uint8_t> codes(values.size());
  std::vector<float> scales(static_cast<size_t>(scale_groups(columns)));
  fp8_quantize({1, columns, x, columns, codes.data(), scales.data()}, workers);
  for (size_t c = 0; c < values.size(); ++c) {
    values[c] = static_cast<double>(e4m3_to_float(codes[c])) * scales[c / static_cast<size_t>(kScaleBlock)];
  }
  return values;
}

void multiply(const GemmProblem& problem, Workers& workers) {
  const Weight& weight = *problem.weight;
  for (int64_t r = 0; r < problem.rows; ++r) {
    const int64_t x_row = problem.x_rows ? problem.x_rows[r] : r;
    const std::vector<double> x = activations(problem.x + x_row * problem.x_stride, weight, workers);
    for (int64_t n = 0; n < weight.rows; ++n) {
      double sum = 0;
      for (int64_t c = 0; c < weight.columns; ++c) sum += x[static_cast<size_t>(c)] * weight.at(n, c);
      problem.y[r * problem.y_stride + n] = static_cast<float>(problem.bias ? sum + problem.bias[n] : sum);
    }
  }
}

}  // namespace

void gemm(std::span<const GemmProblem> problems, Workers& workers) {
  for (const GemmProblem& problem : problems) multiply(within_range(problem), workers);
}

}  // namespace assay::reference
