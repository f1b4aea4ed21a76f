#include "engine/kernels/device.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int64_t kMostExperts = 4096;
constexpr float kLowest = -INFINITY;

// What may be chosen and how good it is; those out of the running have their place beyond all others.
struct Candidate {
  float value = kLowest;
  int place = INT32_MAX;
};

__device__ Candidate better(Candidate a, Candidate b) {
  if (a.place == INT32_MAX || b.place == INT32_MAX) return a.place == INT32_MAX ? b : a;
  return a.value > b.value || (a.value == b.value && a.place < b.place) ? a : b;
}

__device__ Candidate best_of_warp(Candidate mine) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2)
    mine = better(mine, {__shfl_xor_sync(kAllLanes, mine.value, mask), __shfl_xor_sync(kAllLanes, mine.place, mask)});
  return mine;
}

// Marks the `count` largest of those allowed as taken, the lowest index among equals. One warp, one bit of `taken` an index.
template <typename Allowed>
__device__ void take_largest(const float* values, int size, int64_t count, const Allowed& allowed, uint32_t* taken) {
  for (int i = lane_id(); i * 32 < size; i += kWarp) taken[i] = 0;
  __syncwarp();
  for (; count > 0; --count) {
    Candidate mine;
    for (int i = lane_id(); i < size; i += kWarp)
      if (!(taken[i / 32] >> i % 32 & 1u) && allowed(i)) mine = better(mine, {values[i], i});
    const Candidate best = best_of_warp(mine);
    __syncwarp();
    if (lane_id() == 0 && best.place < size) taken[best.place / 32] |= 1u << best.place % 32;
    __syncwarp();
  }
}

__device__ float group_score(const float* choices, int count) {
  float first = kLowest, second = kLowest;
  for (int i = 0; i < count; ++i) {
    if (choices[i] > first) second = first, first = choices[i];
    else if (choices[i] > second) second = choices[i];
  }
  return count == 1 ? first : first + second;
}

// The exponential in double and rounded once, as on the CPU.
__device__ float sigmoid(float x) { return __fdiv_rn(1.0f, 1.0f + static_cast<float>(exp(-static_cast<double>(x)))); }

// A block is a warp is a row.
__global__ void choose_experts(GateParams params) {
  extern __shared__ float shared[];
  const int experts = static_cast<int>(params.experts), groups = static_cast<int>(params.groups), size = experts / groups;
  float* scores = shared;
  float* choices = scores + experts;
  float* group_scores = choices + experts;
  uint32_t* kept = reinterpret_cast<uint32_t*>(group_scores + groups);
  uint32_t* taken = kept + ceil_div(groups, 32);
  for (int i = lane_id(); i < experts; i += kWarp) {
    scores[i] = sigmoid(params.logits[blockIdx.x * params.experts + i]);
    const float choice = scores[i] + params.bias[i];
    choices[i] = isnan(choice) ? kLowest : choice;
  }
  __syncwarp();
  for (int group = lane_id(); group < groups; group += kWarp) group_scores[group] = group_score(choices + group * size, size);
  __syncwarp();
  take_largest(group_scores, groups, params.groups_kept, [](int) { return true; }, kept);
  take_largest(choices, experts, params.k, [&](int i) { return (kept[i / size / 32] >> i / size % 32 & 1u) != 0; }, taken);
  if (lane_id() != 0) return;
  int32_t* chosen = params.chosen + blockIdx.x * params.k;
  float* weights = params.weights + blockIdx.x * params.k;
  int count = 0;
  float sum = 0;
  for (int i = 0; i < experts; ++i) {
    if (!(taken[i / 32] >> i % 32 & 1u)) continue;
    chosen[count] = i;
    weights[count++] = scores[i];
    sum += scores[i];
  }
  const float divisor = params.normalize == NormalizeWeights::kYes ? sum + 1e-20f : 1.0f;
  for (int i = 0; i < count; ++i) weights[i] = __fmul_rn(__fdiv_rn(weights[i], divisor), params.scale);
}

}  // namespace

void gate(const GateParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.experts <= kMostExperts && params.groups > 0 && params.experts % params.groups == 0);
  if (params.rows == 0) return;
  const int64_t words = 2 * params.experts + params.groups + ceil_div(params.groups, 32) + ceil_div(params.experts, 32);
  choose_experts<<<static_cast<unsigned>(params.rows), kWarp, static_cast<size_t>(words) * sizeof(float), launch.stream>>>(params);
}

}  // namespace assay::cuda
