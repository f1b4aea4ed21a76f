#include "engine/kernels/fp8_quantize.h"
#include "engine/kernels/quantize_group.h"

namespace assay::reference {

void fp8_quantize(const Fp8QuantizeParams& params, Workers&) {
  const int64_t groups = scale_groups(params.width);
  for (int64_t r = 0; r < params.rows; ++r)
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t first = group * kScaleBlock;
      params.scales[r * groups + group] = quantize_group(params.x + r * params.x_stride + first, std::min(kScaleBlock, params.width - first),
                                                         params.codes + r * params.width + first);
    }
}

}  // namespace assay::reference
