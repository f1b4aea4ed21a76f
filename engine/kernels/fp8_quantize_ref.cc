#include <algorithm>
#include <cmath>

#include "engine/kernels/fp8_quantize.h"
#include "engine/kernels/weight.h"
#include "engine/numeric.h"

namespace assay::reference {

void fp8_quantize(const Fp8QuantizeParams& params, Workers&) {
  const int64_t groups = (params.width + kScaleBlock - 1) / kScaleBlock;
  for (int64_t r = 0; r < params.rows; ++r) {
    const float* x = params.x + r * params.x_stride;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = group * kScaleBlock, last = std::min(params.width, first + kScaleBlock);
      float amax = 0;
      for (int64_t i = first; i < last; ++i) amax = std::fmax(amax, std::abs(x[i]));
      const float scale = power_of_two_scale(amax);
      params.scales[r * groups + group] = scale;
      for (int64_t i = first; i < last; ++i) params.codes[r * params.width + i] = float_to_e4m3(x[i] / scale);
    }
  }
}

}  // namespace assay::reference
