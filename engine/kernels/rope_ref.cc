#include "engine/kernels/rope.h"

namespace assay::reference {

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
