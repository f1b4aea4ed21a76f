// What happens to each number alone, and small fixed sums.
//   gather:    y[r, i] = x[source[r], i]
//   scale:     x[i] *= factor
//   add:       y[r, i] += x[r, i]
//   silu_mul:  y[r, i] = silu(gate[r, i]) * up[r, i], silu(a) = a / (1 + exp(-a))
//   hadamard:  y = H x / sqrt(width), H the Walsh-Hadamard matrix in natural order; width a power of two; in place
//   combine:   y[r, i] += sum over j < slots, ascending, of weight[r, j] * x[source[r, j], i]     (experts back to their tokens)
// Tolerance: gather and scale are exact, silu_mul 1e-6 relative, the others 1e-6 relative to the sum of magnitudes.
#pragma once

#include <cstdint>

#include "engine/runtime/workers.h"

namespace assay {

struct GatherParams {
  int64_t rows = 0, width = 0;
  const float* x = nullptr;              // [.., width], contiguous; does not overlap y
  const int32_t* source = nullptr;       // [rows]
  float* y = nullptr;                    // [rows, width], contiguous
};

struct ScaleParams {
  int64_t count = 0;
  float* x = nullptr;                    // [count]
  float factor = 1;
};

struct AddParams {
  int64_t rows = 0, width = 0;
  const float* x = nullptr;
  int64_t x_stride = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
};

struct SiluMulParams {
  int64_t rows = 0, width = 0;
  const float* gate = nullptr;
  const float* up = nullptr;
  int64_t x_stride = 0;          // of gate and of up
  float* y = nullptr;            // may be gate
  int64_t y_stride = 0;
};

struct HadamardParams {
  int64_t rows = 0, width = 0;   // rows are width apart
  float* x = nullptr;
};

struct CombineParams {
  int64_t rows = 0, width = 0, slots = 0;
  const float* x = nullptr;            // [.., width], contiguous
  const int32_t* source = nullptr;     // [rows, slots]
  const float* weight = nullptr;       // [rows, slots]
  float* y = nullptr;                  // [rows, width], rows y_stride apart
  int64_t y_stride = 0;
};

using GatherKernel = void(const GatherParams& params, Workers& workers);
using ScaleKernel = void(const ScaleParams& params, Workers& workers);
using AddKernel = void(const AddParams& params, Workers& workers);
using SiluMulKernel = void(const SiluMulParams& params, Workers& workers);
using HadamardKernel = void(const HadamardParams& params, Workers& workers);
using CombineKernel = void(const CombineParams& params, Workers& workers);

}  // namespace assay
