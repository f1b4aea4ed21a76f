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

// The sums of x - shift and of its squares. Blocks are summed by themselves, so that long rows stay exact: all terms of the
// squares have one sign, and what rounding adds up grows with the length of a chain.
struct Moments {
  Vector sum, squares;
};

constexpr int64_t kSumBlock = 512;

// Four chains, so that the additions do not wait for one another.
void add_block(const float* x, int64_t count, Vector shifts, Moments& total) {
  constexpr int64_t kChains = 4;
  Moments chains[kChains] = {};
  int64_t i = 0;
  for (; i + kChains * kLanes <= count; i += kChains * kLanes) {
    for (int64_t chain = 0; chain < kChains; ++chain) {
      const Vector value = load(x + i + chain * kLanes) - shifts;
      chains[chain].sum += value;
      chains[chain].squares = fma(value, value, chains[chain].squares);
    }
  }
  for (; i < count; i += kLanes) {
    const Vector value = first_of(load_up_to(x + i, count - i) - shifts, count - i);
    chains[0].sum += value;
    chains[0].squares = fma(value, value, chains[0].squares);
  }
  total.sum += (chains[0].sum + chains[1].sum) + (chains[2].sum + chains[3].sum);
  total.squares += (chains[0].squares + chains[1].squares) + (chains[2].squares + chains[3].squares);
}

Moments moments(const float* x, int64_t width, float shift) {
  Moments total = {};
  for (int64_t first = 0; first < width; first += kSumBlock) add_block(x + first, std::min(kSumBlock, width - first), broadcast(shift), total);
  return total;
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
  const float mean = reduce_sum(moments(x, params.width, 0).squares) / static_cast<float>(params.width);
  const Vector factor = broadcast(1 / std::sqrt(mean + params.epsilon));
  map_row(x, y, params.width, [&](Vector value, const auto& lanes_of) { return lanes_of(params.weight) * (value * factor); });
}

// A float32 cannot hold the mean well enough when it is large beside the deviation, so what is missing is kept apart.
void layer_norm_row(const NormParams& params, const float* x, float* y) {
  const float width = static_cast<float>(params.width);
  const float mean = reduce_sum(moments(x, params.width, 0).sum) / width;
  const Moments rest = moments(x, params.width, mean);
  const float missing = reduce_sum(rest.sum) / width;
  const float variance = reduce_sum(rest.squares) / width - missing * missing;
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
