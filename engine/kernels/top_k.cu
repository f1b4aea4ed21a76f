// A row is shared by a cluster of thread blocks (one block where the device has no clusters, or where there are rows enough), each with
// a stretch of it. Three passes of 11, 11 and 10 bits find the k-th largest value exactly, by histograms that the blocks read from one
// another's shared memory; a last pass writes what is larger, and of what is equal the first ones, in the order of the row. So how many
// blocks share a row changes nothing.
#include <cooperative_groups.h>

#include "engine/kernels/device.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int kThreads = 1024, kWarps = kThreads / kWarp;
constexpr int kBins = 2048;
constexpr int kMostBlocks = 8;      // a cluster of more is not portable
constexpr int64_t kWorthSharing = 4096;   // values for a block

// Keys ascend with the values: NaN lies with minus infinity, -0 with +0. No value's key is 0.
__device__ uint32_t key_of(float value) {
  const uint32_t bits = isnan(value) ? 0xff800000u : __float_as_uint(value + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

struct Shared {
  alignas(8) uint32_t bins[kBins];    // of this block's stretch
  uint32_t of_warps[kWarps];
  uint32_t larger, equal;             // of this block's stretch, than and to the threshold; read by the other blocks
  uint32_t bin, above;                // the bin of the k-th value, and how many values of the row lie in bins above it
};

// Blocks of one row.
struct Team {
#if __CUDA_ARCH__ >= 900
  cooperative_groups::cluster_group group = cooperative_groups::this_cluster();
  __device__ int size() const { return static_cast<int>(group.num_blocks()); }
  __device__ int rank() const { return static_cast<int>(group.block_rank()); }
  __device__ void sync() const { group.sync(); }
  __device__ const Shared& of(Shared& mine, int rank) const { return *group.map_shared_rank(&mine, rank); }
#else
  __device__ int size() const { return 1; }
  __device__ int rank() const { return 0; }
  __device__ void sync() const { __syncthreads(); }
  __device__ const Shared& of(Shared& mine, int) const { return mine; }
#endif
};

// The sum of the values of all lanes up to this one.
__device__ uint32_t sum_up_to(uint32_t value) {
  for (int step = 1; step < kWarp; step *= 2) {
    const uint32_t other = __shfl_up_sync(kAllLanes, value, step);
    if (lane_id() >= step) value += other;
  }
  return value;
}

// The sum of the values of all threads before this one; `total` of all.
__device__ uint32_t sum_before(uint32_t value, Shared& shared, uint32_t& total) {
  static_assert(kWarps == kWarp);
  const uint32_t sum = sum_up_to(value);
  __syncthreads();   // the last sums have been read
  if (lane_id() == kWarp - 1) shared.of_warps[warp_id()] = sum;
  __syncthreads();
  const uint32_t of_warps = sum_up_to(shared.of_warps[lane_id()]);
  total = __shfl_sync(kAllLanes, of_warps, kWarp - 1);
  const uint32_t before = __shfl_sync(kAllLanes, of_warps, larger(0, warp_id() - 1));
  return (warp_id() > 0 ? before : 0) + sum - value;
}

// The row's bin in which the `rank`-th largest lies (rank from 1), from the histograms of all blocks.
__device__ void find_bin(const Team& team, Shared& shared, uint32_t rank) {
  static_assert(kBins == 2 * kThreads);     // a thread has two bins, the first threads the largest
  const uint32_t pair = kThreads - 1 - threadIdx.x;
  uint2 counts[kMostBlocks] = {};
#pragma unroll
  for (int block = 0; block < kMostBlocks; ++block)
    if (block < team.size()) counts[block] = reinterpret_cast<const uint2*>(team.of(shared, block).bins)[pair];
  uint32_t lower = 0, upper = 0, total = 0;
  for (const uint2& count : counts) lower += count.x, upper += count.y;
  const uint32_t above = sum_before(lower + upper, shared, total);
  if (above < rank && rank <= above + upper) shared.bin = 2 * pair + 1, shared.above = above;
  else if (above + upper < rank && rank <= above + upper + lower) shared.bin = 2 * pair, shared.above = above + upper;
  __syncthreads();
}

// How many of this block's values lie in bins above `bin`.
__device__ uint32_t count_above(Shared& shared, uint32_t bin) {
  uint32_t mine = 0, total = 0;
  for (int i = threadIdx.x; i < kBins; i += kThreads) mine += static_cast<uint32_t>(i) > bin ? shared.bins[i] : 0;
  sum_before(mine, shared, total);
  return total;
}

constexpr int kKept = 4;   // quads of keys that a thread keeps in registers

// A block's part of a row, read four values at a time: quad j of a thread begins at first + 4 (thread + j * kThreads).
struct Stretch {
  const float* values;
  int first, end;   // first is a multiple of four
  bool aligned;     // the row to 16 bytes
  uint32_t kept[kKept][4];
};

// Four neighbouring keys; those beyond the end are 0.
__device__ void read_keys(const Stretch& stretch, int i, uint32_t (&keys)[4]) {
  if (stretch.aligned && i + 4 <= stretch.end) {
    const float4 values = *reinterpret_cast<const float4*>(stretch.values + i);
    keys[0] = key_of(values.x), keys[1] = key_of(values.y), keys[2] = key_of(values.z), keys[3] = key_of(values.w);
    return;
  }
  for (int j = 0; j < 4; ++j) keys[j] = i + j < stretch.end ? key_of(stretch.values[i + j]) : 0;
}

// f(index of the first, keys) for every quad of the stretch, every thread as often as the others.
template <typename Function>
__device__ void for_keys(const Stretch& stretch, const Function& f) {
  const int mine = stretch.first + 4 * static_cast<int>(threadIdx.x);
#pragma unroll
  for (int j = 0; j < kKept; ++j)
    if (stretch.first + 4 * j * kThreads < stretch.end) f(mine + 4 * j * kThreads, stretch.kept[j]);
  for (int j = kKept; stretch.first + 4 * j * kThreads < stretch.end; ++j) {
    uint32_t keys[4];
    read_keys(stretch, mine + 4 * j * kThreads, keys);
    f(mine + 4 * j * kThreads, keys);
  }
}

// Counts the keys of the stretch whose bits from `shift + bits` up are those of `prefix`, by the `bits` below.
__device__ void count_keys(const Stretch& stretch, Shared& shared, uint32_t prefix, int shift, int bits) {
  for (int i = threadIdx.x; i < kBins; i += kThreads) shared.bins[i] = 0;
  __syncthreads();
  const uint32_t mask = (1u << bits) - 1;
  for_keys(stretch, [&](int, const uint32_t(&keys)[4]) {
    for (uint32_t key : keys)
      if (key != 0 && (shift + bits == 32 || key >> (shift + bits) == prefix)) atomicAdd(&shared.bins[key >> shift & mask], 1u);
  });
  __syncthreads();
}

struct Threshold {
  uint32_t key = 0;
  uint32_t ties = 0;   // how many values equal to it are taken
};

// The k-th largest key of the row, and in `shared` how many keys of the stretch are larger and how many equal.
__device__ Threshold find_threshold(const Team& team, const Stretch& stretch, Shared& shared, uint32_t k) {
  Threshold threshold{0, k};
  uint32_t larger = 0;
  int shift = 32;
  for (int bits : {11, 11, 10}) {
    shift -= bits;
    count_keys(stretch, shared, threshold.key, shift, bits);
    team.sync();
    find_bin(team, shared, threshold.ties);
    const uint32_t bin = shared.bin;
    threshold.ties -= shared.above;
    threshold.key = threshold.key << bits | bin;
    larger += count_above(shared, bin);
    if (threadIdx.x == 0 && shift == 0) shared.larger = larger, shared.equal = shared.bins[bin];
    team.sync();   // the histograms have been read, and the counts are there
  }
  return threshold;
}

// Writes the chosen indices of the stretch in order.
__device__ void write_chosen(const Team& team, const Stretch& stretch, Shared& shared, const Threshold& threshold, int32_t* indices) {
  uint32_t ties_before = 0, written = 0;
  for (int block = 0; block < team.rank(); ++block) {
    const Shared& other = team.of(shared, block);
    written += other.larger + (ties_before < threshold.ties ? smaller(threshold.ties - ties_before, other.equal) : 0);
    ties_before += other.equal;
  }
  for_keys(stretch, [&](int i, const uint32_t(&keys)[4]) {
    uint32_t found = 0, total = 0;   // found: larger ones in the low half, equal ones in the high half
    for (uint32_t key : keys) found += key > threshold.key ? 1u : key == threshold.key ? 1u << 16 : 0u;
    uint32_t before = sum_before(found, shared, total);
    uint32_t larger_before = before & 0xffffu, equal_before = ties_before + (before >> 16);
    const uint32_t taken_at_first = smaller(ties_before, threshold.ties);
    for (int j = 0; j < 4; ++j) {
      const bool is_larger = keys[j] > threshold.key, is_equal = keys[j] == threshold.key;
      if (is_larger || (is_equal && equal_before < threshold.ties))
        indices[written + larger_before + smaller(equal_before, threshold.ties) - taken_at_first] = i + j;
      larger_before += is_larger;
      equal_before += is_equal;
    }
    ties_before += total >> 16;
    written += (total & 0xffffu) + smaller(ties_before, threshold.ties) - taken_at_first;
  });
}

__global__ void __launch_bounds__(kThreads) choose(TopKParams params) {
  __shared__ Shared shared;
  const Team team;
  const int64_t row = blockIdx.x / team.size();
  const int length = static_cast<int>(params.lengths[row]), k = static_cast<int>(params.k);
  const float* values = params.values + row * params.stride;
  int32_t* indices = params.indices + row * params.k;
  if (team.rank() == 0 && threadIdx.x == 0) params.counts[row] = smaller(k, length);
  if (length <= k) {
    if (team.rank() == 0)
      for (int i = threadIdx.x; i < k; i += kThreads) indices[i] = i < length ? i : -1;
    return;
  }
  if (k == 0) return;
  const int each = static_cast<int>(ceil_div(ceil_div(length, team.size()), 4)) * 4, first = smaller(length, each * team.rank());
  Stretch stretch{values, first, smaller(length, first + each), reinterpret_cast<uintptr_t>(values) % 16 == 0, {}};
#pragma unroll
  for (int j = 0; j < kKept; ++j) read_keys(stretch, first + 4 * (static_cast<int>(threadIdx.x) + j * kThreads), stretch.kept[j]);
  const Threshold threshold = find_threshold(team, stretch, shared, static_cast<uint32_t>(k));
  write_chosen(team, stretch, shared, threshold, indices);
  team.sync();   // nobody leaves while its counts may be read
}

}  // namespace

void top_k(const TopKParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.k < INT32_MAX && params.stride < INT32_MAX);
  if (params.rows == 0) return;
  int blocks = 1;
  if (device_attribute(cudaDevAttrComputeCapabilityMajor) >= 9)
    while (blocks < kMostBlocks && params.rows * blocks < device_attribute(cudaDevAttrMultiProcessorCount) && blocks * kWorthSharing < params.stride) blocks *= 2;
  cudaLaunchAttribute cluster;
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {static_cast<unsigned>(blocks), 1, 1};
  cudaLaunchConfig_t config = {};
  config.gridDim = static_cast<unsigned>(params.rows * blocks);
  config.blockDim = kThreads;
  config.stream = launch.stream;
  config.attrs = &cluster;
  config.numAttrs = blocks > 1 ? 1 : 0;
  cudaLaunchKernelEx(&config, choose, params);
}

}  // namespace assay::cuda
