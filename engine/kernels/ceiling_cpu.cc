#ifndef ASSAY_SIMD_BODY

#include "engine/kernels/ceiling.h"

#define ASSAY_SIMD_BODY "engine/kernels/ceiling_cpu.cc"
#include "engine/kernels/simd.h"

namespace assay {

Ceiling ceiling_of(std::string_view kernels_name) {
  if (kernels_name == "avx512") return {avx512::multiply_add, avx512::read};
  return {avx2::multiply_add, avx2::read};
}

}  // namespace assay

#else

namespace {

constexpr int64_t kChains = 12;           // more than latency times units, fewer than registers
constexpr int64_t kStretch = 64 * 1024;   // floats

void keep(Workers& workers, int worker, Vector value) {
  store(reinterpret_cast<float*>(workers.scratch(worker, sizeof(Vector))), value);
}

Vector total(const Vector (&sums)[kChains]) {
  Vector all = zero();
  for (Vector sum : sums) all += sum;
  return all;
}

}  // namespace

int64_t multiply_add(int64_t rounds, Workers& workers) {
  workers.run(workers.count(), [&](int64_t, int worker) {
    const Vector half = broadcast(0.5f);
    Vector sums[kChains];   // different from the start, or a compiler would see that one chain does for all
    for (int64_t chain = 0; chain < kChains; ++chain) sums[chain] = broadcast(static_cast<float>(chain));
    for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
      for (int64_t chain = 0; chain < kChains; ++chain) sums[chain] = fma(sums[chain], half, half);
    }
    keep(workers, worker, total(sums));
  });
  return workers.count() * rounds * kChains * kLanes;
}

void read(const float* data, int64_t count, Workers& workers) {
  workers.run((count + kStretch - 1) / kStretch, [&](int64_t stretch, int worker) {
    const float* from = data + stretch * kStretch;
    const int64_t length = std::min(kStretch, count - stretch * kStretch);
    Vector sums[kChains] = {};
    int64_t i = 0;
    for (; i + kChains * kLanes <= length; i += kChains * kLanes) {
#pragma GCC unroll 12
      for (int64_t chain = 0; chain < kChains; ++chain) sums[chain] += load(from + i + chain * kLanes);
    }
    for (; i < length; i += kLanes) sums[0] += load_up_to(from + i, length - i);
    keep(workers, worker, total(sums));
  });
}

#endif
