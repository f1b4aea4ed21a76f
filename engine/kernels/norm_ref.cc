#include <cmath>

#include "engine/kernels/norm.h"

namespace assay::reference {

void rms_norm(const NormParams& params, Workers&) {
  for (int64_t r = 0; r < params.rows; ++r) {
    const float* x = params.x + r * params.x_stride;
    float* y = params.y + r * params.y_stride;
    double squares = 0;
    for (int64_t i = 0; i < params.width; ++i) squares += static_cast<double>(x[i]) * x[i];
    const double root = std::sqrt(squares / static_cast<double>(params.width) + params.epsilon);
    for (int64_t i = 0; i < params.width; ++i) y[i] = static_cast<float>(params.weight[i] * (x[i] / root));
  }
}

void layer_norm(const NormParams& params, Workers&) {
  for (int64_t r = 0; r < params.rows; ++r) {
    const float* x = params.x + r * params.x_stride;
    float* y = params.y + r * params.y_stride;
    double sum = 0;
    for (int64_t i = 0; i < params.width; ++i) sum += x[i];
    const double mean = sum / static_cast<double>(params.width);
    double squares = 0;
    for (int64_t i = 0; i < params.width; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const double root = std::sqrt(squares / static_cast<double>(params.width) + params.epsilon);
    for (int64_t i = 0; i < params.width; ++i) {
      y[i] = static_cast<float>(params.weight[i] * ((x[i] - mean) / root) + params.bias[i]);
    }
  }
}

}  // namespace assay::reference
