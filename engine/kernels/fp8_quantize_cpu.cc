#ifndef ASSAY_SIMD_BODY

#include "engine/kernels/fp8_quantize.h"
#include "engine/kernels/quantize_group.h"
#include "engine/kernels/split.h"

#define ASSAY_SIMD_BODY "engine/kernels/fp8_quantize_cpu.cc"
#include "engine/kernels/simd.h"

#else

namespace {

// The first `lanes` codes; no more memory is touched.
void store_codes(uint8_t* to, Vector rounded, int64_t lanes) {
  if (lanes == kLanes) return store_e4m3(to, rounded);
  uint8_t codes[kLanes];
  store_e4m3(codes, rounded);
  std::memcpy(to, codes, static_cast<size_t>(lanes));
}

void quantize_row(const Fp8QuantizeParams& params, int64_t r) {
  const int64_t groups = scale_groups(params.width);
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = group * kScaleBlock;
    uint8_t* codes = params.codes + r * params.width + first;
    params.scales[r * groups + group] =
        round_group(params.x + r * params.x_stride + first, std::min(kScaleBlock, params.width - first),
                    [&](int64_t i, Vector rounded, int64_t lanes) { store_codes(codes + i, rounded, lanes); });
  }
}

}  // namespace

void fp8_quantize(const Fp8QuantizeParams& params, Workers& workers) {
  for_rows(workers, params.rows, 2 * params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) quantize_row(params, r);
  });
}

#endif
