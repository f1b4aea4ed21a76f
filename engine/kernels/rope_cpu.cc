#ifndef ASSAY_SIMD_BODY

#include "engine/kernels/rope.h"
#include "engine/kernels/split.h"

#define ASSAY_SIMD_BODY "engine/kernels/rope_cpu.cc"
#include "engine/kernels/simd.h"

#else

namespace {

constexpr float kMinusPlus[16] = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};

void rotate_pair(float& first, float& second, float cosine, float sine) {
  const float a = first, b = second;
  first = a * cosine - b * sine;
  second = b * cosine + a * sine;
}

void half_split(float* x, const float* cosines, const float* sines, int64_t pairs) {
  int64_t i = 0;
  for (; i + kLanes <= pairs; i += kLanes) {
    const Vector a = load(x + i), b = load(x + pairs + i), cosine = load(cosines + i), sine = load(sines + i);
    store(x + i, a * cosine - b * sine);
    store(x + pairs + i, b * cosine + a * sine);
  }
  for (; i < pairs; ++i) rotate_pair(x[i], x[pairs + i], cosines[i], sines[i]);
}

// A vector is kLanes / 2 pairs: x times its cosine, plus its partner times minus the sine (first) or the sine (second).
void interleaved(float* x, const float* cosines, const float* sines, int64_t pairs) {
  int64_t i = 0;
  const Vector signs = load(kMinusPlus);
  for (; i + kLanes / 2 <= pairs; i += kLanes / 2) {
    const Vector value = load(x + 2 * i);
    store(x + 2 * i, value * load_twice(cosines + i) + swap_lanes<1>(value) * (load_twice(sines + i) * signs));
  }
  for (; i < pairs; ++i) rotate_pair(x[2 * i], x[2 * i + 1], cosines[i], sines[i]);
}

void rotate_row(const RopeParams& params, int64_t r) {
  const int64_t pairs = params.width / 2;
  const float* cosines = params.cosines + r * pairs;
  const float* sines = params.sines + r * pairs;
  for (int64_t h = 0; h < params.heads; ++h) {
    float* x = params.x + r * params.row_stride + h * params.head_stride;
    if (params.layout == RopeLayout::kInterleaved) {
      interleaved(x, cosines, sines, pairs);
    } else {
      half_split(x, cosines, sines, pairs);
    }
  }
}

}  // namespace

void rope(const RopeParams& params, Workers& workers) {
  for_rows(workers, params.rows, params.heads * params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) rotate_row(params, r);
  });
}

#endif
