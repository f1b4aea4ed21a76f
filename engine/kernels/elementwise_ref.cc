#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/kernels/elementwise.h"
#include "engine/kernels/split.h"

namespace assay::reference {

void gather(const GatherParams& params, Workers& workers) {
  for_rows(workers, params.rows, params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) std::copy_n(params.x + params.source[r] * params.width, params.width, params.y + r * params.width);
  });
}

void scale(const ScaleParams& params, Workers&) {
  for (int64_t i = 0; i < params.count; ++i) params.x[i] *= params.factor;
}

void add(const AddParams& params, Workers&) {
  for (int64_t r = 0; r < params.rows; ++r) {
    for (int64_t i = 0; i < params.width; ++i) params.y[r * params.y_stride + i] += params.x[r * params.x_stride + i];
  }
}

void silu_mul(const SiluMulParams& params, Workers&) {
  for (int64_t r = 0; r < params.rows; ++r) {
    for (int64_t i = 0; i < params.width; ++i) {
      const double gate = params.gate[r * params.x_stride + i], up = params.up[r * params.x_stride + i];
      params.y[r * params.y_stride + i] = static_cast<float>(gate / (1 + std::exp(-gate)) * up);
    }
  }
}

void hadamard(const HadamardParams& params, Workers&) {
  std::vector<double> sums(static_cast<size_t>(params.width));
  for (int64_t r = 0; r < params.rows; ++r) {
    float* x = params.x + r * params.width;
    for (int64_t i = 0; i < params.width; ++i) {
      double sum = 0;
      // Entry (i, j) of the matrix is -1 to the number of bits that i and j share.
      for (int64_t j = 0; j < params.width; ++j) sum += __builtin_parityll(static_cast<uint64_t>(i & j)) ? -x[j] : x[j];
      sums[static_cast<size_t>(i)] = sum;
    }
    for (int64_t i = 0; i < params.width; ++i) {
      x[i] = static_cast<float>(sums[static_cast<size_t>(i)] / std::sqrt(static_cast<double>(params.width)));
    }
  }
}

void combine(const CombineParams& params, Workers&) {
  for (int64_t r = 0; r < params.rows; ++r) {
    for (int64_t i = 0; i < params.width; ++i) {
      double sum = 0;
      for (int64_t j = 0; j < params.slots; ++j) {
        const int64_t slot = r * params.slots + j;
        sum += static_cast<double>(params.weight[slot]) * params.x[params.source[slot] * params.width + i];
      }
      float& y = params.y[r * params.y_stride + i];
      y = static_cast<float>(y + sum);
    }
  }
}

}  // namespace assay::reference
