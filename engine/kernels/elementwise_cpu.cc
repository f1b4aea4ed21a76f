#ifndef ASSAY_SIMD_BODY

#include <array>

#include "engine/kernels/elementwise.h"
#include "engine/kernels/split.h"

#define ASSAY_SIMD_BODY "engine/kernels/elementwise_cpu.cc"
#include "engine/kernels/simd.h"

#else

namespace {

// With e = exp(-|a|), which cannot overflow, the sigmoid is 1 / (1 + e) or e / (1 + e).
inline Vector silu(Vector a) {
  const Vector e = exp(zero() - absolute(a));
  return a * (where_negative(a, e, broadcast(1)) / (broadcast(1) + e));
}

void add_row(const float* x, float* y, int64_t width) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) store(y + i, load(y + i) + load(x + i));
  for (; i < width; ++i) y[i] += x[i];
}

void silu_mul_row(const float* gate, const float* up, float* y, int64_t width) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) store(y + i, silu(load(gate + i)) * load(up + i));
  if (const int64_t count = width - i; count > 0) {
    store_first(y + i, silu(load_first(gate + i, count)) * load_first(up + i, count), count);
  }
}

// One stage of the butterfly, between values `distance` apart: in rows narrower than a vector, in one vector, between vectors.
void butterfly(float* x, int64_t width, int64_t distance) {
  for (int64_t block = 0; block < width; block += 2 * distance) {
    for (int64_t i = block; i < block + distance; ++i) {
      const float a = x[i], b = x[i + distance];
      x[i] = a + b;
      x[i + distance] = a - b;
    }
  }
}

template <int64_t kDistance>
Vector lane_butterfly(Vector a) {
  static constexpr auto kSigns = [] {
    std::array<float, kLanes> signs{};
    for (int64_t i = 0; i < kLanes; ++i) signs[static_cast<size_t>(i)] = i & kDistance ? -1.0f : 1.0f;
    return signs;
  }();
  return swap_lanes<kDistance>(a) + a * load(kSigns.data());
}

Vector lane_butterflies(Vector a) {
  a = lane_butterfly<4>(lane_butterfly<2>(lane_butterfly<1>(a)));
  if constexpr (kLanes == 16) a = lane_butterfly<8>(a);
  return a;
}

void wide_butterfly(float* x, int64_t width, int64_t distance) {
  for (int64_t block = 0; block < width; block += 2 * distance) {
    for (int64_t i = block; i < block + distance; i += kLanes) {
      const Vector a = load(x + i), b = load(x + i + distance);
      store(x + i, a + b);
      store(x + i + distance, a - b);
    }
  }
}

void hadamard_row(float* x, int64_t width) {
  int64_t distance = 1;
  if (width >= kLanes) {
    for (int64_t i = 0; i < width; i += kLanes) store(x + i, lane_butterflies(load(x + i)));
    distance = kLanes;
  }
  for (; distance < width; distance *= 2) distance < kLanes ? butterfly(x, width, distance) : wide_butterfly(x, width, distance);
  const float scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width)));
  for (int64_t i = 0; i < width; ++i) x[i] *= scale;
}

void combine_row(const CombineParams& params, int64_t r) {
  const int32_t* source = params.source + r * params.slots;
  const float* weight = params.weight + r * params.slots;
  float* y = params.y + r * params.y_stride;
  for (int64_t i = 0; i < params.width; i += kLanes) {
    const int64_t count = std::min(kLanes, params.width - i);
    Vector sum = zero();
    for (int64_t j = 0; j < params.slots; ++j) {
      sum = fma(broadcast(weight[j]), load_up_to(params.x + source[j] * params.width + i, count), sum);
    }
    store_up_to(y + i, load_up_to(y + i, count) + sum, count);
  }
}

}  // namespace

void add(const AddParams& params, Workers& workers) {
  for_rows(workers, params.rows, params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) add_row(params.x + r * params.x_stride, params.y + r * params.y_stride, params.width);
  });
}

void silu_mul(const SiluMulParams& params, Workers& workers) {
  for_rows(workers, params.rows, 4 * params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      silu_mul_row(params.gate + r * params.x_stride, params.up + r * params.x_stride, params.y + r * params.y_stride, params.width);
    }
  });
}

void hadamard(const HadamardParams& params, Workers& workers) {
  for_rows(workers, params.rows, 4 * params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) hadamard_row(params.x + r * params.width, params.width);
  });
}

void combine(const CombineParams& params, Workers& workers) {
  for_rows(workers, params.rows, params.slots * params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) combine_row(params, r);
  });
}

#endif
