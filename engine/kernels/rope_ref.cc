#include "engine/kernels/rope.h"

#include <cmath>

#include "engine/kernels/split.h"

namespace assay::reference {

void rope_angles(const RopeAnglesParams& params, Workers& workers) {
  for_rows(workers, params.rows, 64 * params.pairs, [&](int64_t first, int64_t last) {
    for (int64_t i = first * params.pairs; i < last * params.pairs; ++i) {
      const float angle = static_cast<float>(params.positions[i / params.pairs]) * params.frequencies[i % params.pairs];
      params.cosines[i] = static_cast<float>(std::cos(double{angle})) * params.factor;
      params.sines[i] = static_cast<float>(std::sin(double{angle})) * params.factor;
    }
  });
}

void rope(const RopeParams& params, Workers&) {
  const int64_t pairs = params.width / 2;
  const bool interleaved = params.layout == RopeLayout::kInterleaved;
  for (int64_t r = 0; r < params.rows; ++r) {
    for (int64_t h = 0; h < params.heads; ++h) {
      float* x = params.x + r * params.row_stride + h * params.head_stride;
      for (int64_t i = 0; i < pairs; ++i) {
        float& first = x[interleaved ? 2 * i : i];
        float& second = x[interleaved ? 2 * i + 1 : i + pairs];
        const float a = first, b = second, cosine = params.cosines[r * pairs + i], sine = params.sines[r * pairs + i];
        first = a * cosine - b * sine;
        second = b * cosine + a * sine;
      }
    }
  }
}

}  // namespace assay::reference
