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

__device__ void take_given(const int32_t* given, int64_t count, int size, uint32_t* taken) {
  for (int i = lane_id(); i * 32 < size; i += kWarp) taken[i] = 0;
  __syncwarp();
  for (int64_t i = lane_id(); i < count; i += kWarp) atomicOr(&taken[given[i] / 32], 1u << given[i] % 32);
  __syncwarp();
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
  const int32_t* forced = params.forced ? params.forced + blockIdx.x * params.k : nullptr;
  if (forced && params.k > 0 && forced[0] >= 0) {
    take_given(forced, params.k, experts, taken);
  } else {
    take_largest(group_scores, groups, params.groups_kept, [](int) { return true; }, kept);
    take_largest(choices, experts, params.k, [&](int i) { return (kept[i / size / 32] >> i / size % 32 & 1u) != 0; }, taken);
  }
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

constexpr int kGroupThreads = 256;

// A block is an expert: how many pairs belong to experts before it is where its own begin, and those are placed in their order. It reads
// all pairs for it, and waits for no other block.
__global__ void __launch_bounds__(kGroupThreads) place_pairs(GroupByExpertParams params) {
  __shared__ int of_warps[kGroupThreads / kWarp];
  const int expert = static_cast<int>(blockIdx.x), pairs = static_cast<int>(params.rows * params.k);
  int before = 0;
  for (int i = threadIdx.x; i < pairs; i += kGroupThreads) before += params.chosen[i] < expert;
  for (int mask = kWarp / 2; mask > 0; mask /= 2) before += __shfl_xor_sync(kAllLanes, before, mask);
  if (lane_id() == 0) of_warps[warp_id()] = before;
  __syncthreads();
  int start = 0;
  for (int count : of_warps) start += count;
  if (threadIdx.x == 0) params.starts[expert] = start;
  for (int first = 0; first < pairs; first += kGroupThreads) {
    const int i = first + static_cast<int>(threadIdx.x);
    const bool mine = i < pairs && params.chosen[i] == expert;
    const unsigned of_warp = __ballot_sync(kAllLanes, mine);
    __syncthreads();   // the last counts have been read
    if (lane_id() == 0) of_warps[warp_id()] = __popc(of_warp);
    __syncthreads();
    int place = start + __popc(of_warp & ((1u << lane_id()) - 1));
    for (int warp = 0; warp < kGroupThreads / kWarp; ++warp) {
      if (warp < warp_id()) place += of_warps[warp];
      start += of_warps[warp];
    }
    if (!mine) continue;
    params.list[place] = i / static_cast<int>(params.k);
    params.places[i] = place;
  }
}

}  // namespace

void group_by_expert(const GroupByExpertParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.rows * params.k < INT32_MAX);
  if (params.experts == 0) return;
  // The block beyond the last expert places nothing and says where the list ends.
  place_pairs<<<static_cast<unsigned>(params.experts + 1), kGroupThreads, 0, launch.stream>>>(params);
}

void gate(const GateParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.experts <= kMostExperts && params.groups > 0 && params.experts % params.groups == 0);
  if (params.rows == 0) return;
  const int64_t words = 2 * params.experts + params.groups + ceil_div(params.groups, 32) + ceil_div(params.experts, 32);
  choose_experts<<<static_cast<unsigned>(params.rows), kWarp, static_cast<size_t>(words) * sizeof(float), launch.stream>>>(params);
}

}  // namespace assay::cuda
