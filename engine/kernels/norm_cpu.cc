#ifndef ASSAY_SIMD_BODY

#include "engine/kernels/norm.h"
#include "engine/kernels/split.h"

#define ASSAY_SIMD_BODY "engine/kernels/norm_cpu.cc"
#include "engine/kernels/simd.h"

#else

namespace {

// The first `count` lanes, zero in the others.
Vector first_of(Vector value, int64_t count) {
  float lanes[kLanes] = {};
  store_up_to(lanes, value, count);
  return load(lanes);
}

// The sums of x - shift and of its squares. Four chains, so that the additions do not wait for one another.
struct Moments {
  float sum, squares;
};

Moments moments(const float* x, int64_t width, float shift) {
  constexpr int64_t kChains = 4;
  const Vector shifts = broadcast(shift);
  Vector sums[kChains] = {}, squares[kChains] = {};
  int64_t i = 0;
  for (; i + kChains * kLanes <= width; i += kChains * kLanes) {
    for (int64_t chain = 0; chain < kChains; ++chain) {
      const Vector value = load(x + i + chain * kLanes) - shifts;
      sums[chain] += value;
      squares[chain] = fma(value, value, squares[chain]);
    }
  }
  for (; i < width; i += kLanes) {
    const int64_t count = width - i;
    const Vector value = first_of(load_up_to(x + i, count) - shifts, count);
    sums[0] += value;
    squares[0] = fma(value, value, squares[0]);
  }
  return {reduce_sum((sums[0] + sums[1]) + (sums[2] + sums[3])), reduce_sum((squares[0] + squares[1]) + (squares[2] + squares[3]))};
}

// y[i] = f(i, x[i]) for vectors; f reads no further than `count` lanes.
template <typename Function>
void map_row(const float* x, float* y, int64_t width, const Function& f) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) store(y + i, f(load(x + i), [&](const float* from) { return load(from + i); }));
  if (const int64_t count = width - i; count > 0) {
    store_first(y + i, f(load_first(x + i, count), [&](const float* from) { return load_first(from + i, count); }), count);
  }
}

void rms_norm_row(const NormParams& params, const float* x, float* y) {
  const float mean = moments(x, params.width, 0).squares / static_cast<float>(params.width);
  const Vector factor = broadcast(1 / std::sqrt(mean + params.epsilon));
  map_row(x, y, params.width, [&](Vector value, const auto& lanes_of) { return lanes_of(params.weight) * (value * factor); });
}

// A float32 cannot hold the mean well enough when it is large beside the deviation, so what is missing is kept apart.
void layer_norm_row(const NormParams& params, const float* x, float* y) {
  const float width = static_cast<float>(params.width);
  const float mean = moments(x, params.width, 0).sum / width;
  const Moments rest = moments(x, params.width, mean);
  const float missing = rest.sum / width;
  const float variance = rest.squares / width - missing * missing;
  const Vector means = broadcast(mean), missings = broadcast(missing), factor = broadcast(1 / std::sqrt(variance + params.epsilon));
  map_row(x, y, params.width, [&](Vector value, const auto& lanes_of) {
    return lanes_of(params.weight) * (((value - means) - missings) * factor) + lanes_of(params.bias);
  });
}

}  // namespace

void rms_norm(const NormParams& params, Workers& workers) {
  for_rows(workers, params.rows, params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) rms_norm_row(params, params.x + r * params.x_stride, params.y + r * params.y_stride);
  });
}

void layer_norm(const NormParams& params, Workers& workers) {
  for_rows(workers, params.rows, 2 * params.width, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) layer_norm_row(params, params.x + r * params.x_stride, params.y + r * params.y_stride);
  });
}

#endif
