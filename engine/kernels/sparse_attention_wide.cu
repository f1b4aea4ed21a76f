// A block of threads is 64 heads of a row, and two warpgroups. Of a block of 64 tokens a group scores 32; of the sums it has 256 columns, two
// groups of scales. Latents lie in shared memory once, as tiles of [64 tokens][64 values]: scores read their rows, sums their columns.
#include "engine/kernels/sparse_attention_wide.cuh"
#include "engine/kernels/wgmma.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kHeads = 64, kBlock = 64;                   // heads and tokens at once
constexpr int kTile = 64;                                 // values of a row of a tile
constexpr int kTiles = kRank / kTile;
constexpr int kTokenTiles = kBlock / 8 / 2;               // of eight tokens, that a warpgroup scores

struct Shared {
  alignas(1024) __half latents[kTiles][kBlock][kTile];
  alignas(1024) __half queries[kTiles][kHeads][kTile];
  alignas(1024) __nv_bfloat16 query_ropes[2][kHeads][kRope];   // upper and lower halves
  alignas(1024) __nv_bfloat16 ropes[kBlock][kRope];
  alignas(16) std::byte raw[kBlock][kRawBytes];
  alignas(16) __half weights[kHeads][kBlock + 8];
  float query_scales[kHeads][kGroups];
  float scales[kGroups][kBlock];
  __half factors[kGroups][kBlock];        // of the tokens' weights: scale / largest scale of the group so far
  int warp_exponents[kWarps][kGroups];
  float warp_largest[2][kHeads];          // scores, of each warpgroup's tokens
  float tile_sums[2 * kTokenTiles][kHeads];   // of weights
  float shrink[kHeads];                   // of what was summed under an earlier largest score
  Softmax parts[kHeads], totals[kHeads];
  Fold folds[kHeads];
};
static_assert(kBlock / kWarps == 8 && kRope == kTile && kScaleBlock == 2 * kTile && kThreads == kBlock * kGroups);

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr int kGroupWarps = 4;
constexpr int kTileBytes = 64 * kTile * 2;
constexpr int kSums = 64;                                 // of a lane in a group of scales

// Where value c of a row lies in a tile.
__device__ int place_in_row(int row, int c) { return (c / 8 ^ row % 8) * 8 + c % 8; }

struct Task {
  const SparseAttentionParams& params;
  Shared& shared;
  int64_t row, first_head;
  __device__ int heads() const { return static_cast<int>(smaller<int64_t>(kHeads, params.heads - first_head)); }
};

// A warp rounds a head's query, each group under the power of two of its largest value.
__device__ void load_query(const Task& task, int head) {
  Shared& shared = task.shared;
  constexpr int kEach = static_cast<int>(kScaleBlock) / kWarp;
  const SparseAttentionParams& params = task.params;
  const bool present = head < task.heads();
  const float* latent = params.q_latent + (task.row * params.heads + task.first_head + head) * kRank;
  const float* rope = params.q_rope + task.row * params.q_rope_row_stride + (task.first_head + head) * params.q_rope_head_stride;
  float values[kGroups][kEach];
#pragma unroll
  for (int i = 0; i < kGroups * kEach; ++i) values[i / kEach][i % kEach] = present ? latent[lane_id() + i * kWarp] : 0.0f;
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    float largest = 0;
    for (float value : values[group]) largest = fmaxf(largest, fabsf(value));
    const int exponent = exponent_of(warp_max(largest));
    const float scale = exponent < -126 || exponent > 126 ? 1.0f : power_of_two(exponent), inverse = 1 / scale;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const int c = (group * kEach + i) * kWarp + lane_id();
      shared.queries[c / kTile][head][place_in_row(head, c % kTile)] = __float2half_rn(values[group][i] * inverse);
    }
    if (lane_id() == 0) shared.query_scales[head][group] = scale;
  }
#pragma unroll
  for (int i = 0; i < kRope / kWarp; ++i) {
    const int c = lane_id() + i * kWarp, place = place_in_row(head, c);
    const Halves halves = halves_of(present ? rope[c] : 0.0f);
    shared.query_ropes[0][head][place] = halves.high;
    shared.query_ropes[1][head][place] = halves.low;
  }
}

// Which token this lane stands for in a block, -1 beyond the last; and its address. Each waits for memory, so that each is asked for a
// block before the next.
__device__ int token_of(const Task& task, int64_t block, int64_t end) {
  const int64_t i = block + warp_id() * (kBlock / kWarps) + lane_id();
  if (lane_id() >= kBlock / kWarps || i >= end) return -1;
  return task.params.indices ? task.params.indices[task.row * task.params.index_stride + i] : static_cast<int>(i);
}
__device__ const std::byte* address_of(const Task& task, int token, int page) {
  return token < 0 ? nullptr : task.params.context.pages + (page * kPageTokens + token % static_cast<int>(kPageTokens)) * kRawBytes;
}
__device__ void fetch_tokens(const Task& task, const std::byte* mine) {
  fetch_full_tokens(task.shared.raw[warp_id() * (kBlock / kWarps)], mine, task.params.context.pages);
  commit_copies();
}

// Codes become binary16, rotary keys move to where they are multiplied.
__device__ void unpack_tokens(Shared& shared) {
#pragma unroll
  for (int i = 0; i < kBlock / kWarps; ++i) {
    const int token = warp_id() + i * kWarps;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int c = half * kRank / 2 + 8 * lane_id();
      const uint2 codes = *reinterpret_cast<const uint2*>(shared.raw[token] + c);
      *reinterpret_cast<uint4*>(&shared.latents[c / kTile][token][place_in_row(token, c % kTile)]) = {e4m3x2_to_half2(codes.x), e4m3x2_to_half2(codes.x >> 16), e4m3x2_to_half2(codes.y), e4m3x2_to_half2(codes.y >> 16)};
    }
  }
#pragma unroll
  for (int i = 0; i < kBlock * (kRope / 8) / kThreads; ++i) {
    const int token = (static_cast<int>(threadIdx.x) + i * kThreads) / (kRope / 8), c = static_cast<int>(threadIdx.x) % (kRope / 8) * 8;
    *reinterpret_cast<uint4*>(&shared.ropes[token][place_in_row(token, c)]) = *reinterpret_cast<const uint4*>(shared.raw[token] + kRank + 4 * kGroups + 2 * c);
  }
}

// A thread has a token's scale of one group: token threadIdx.x / 4, group threadIdx.x % 4. NaN and infinity have no say in the largest.
__device__ float load_scale(Shared& shared, int count) {
  const int token = static_cast<int>(threadIdx.x) / kGroups, group = static_cast<int>(threadIdx.x) % kGroups;
  const float scale = token < count ? *reinterpret_cast<const float*>(shared.raw[token] + kRank + 4 * group) : 0.0f;
  int largest = token < count && isfinite(scale) ? exponent_of(scale) : kNoExponent;
  for (int mask = kGroups; mask < kWarp; mask *= 2) largest = larger(largest, __shfl_xor_sync(kAllLanes, largest, mask));
  if (lane_id() < kGroups) shared.warp_exponents[warp_id()][lane_id()] = largest;
  shared.scales[group][token] = scale;
  return scale;
}

__device__ int block_exponent(const Shared& shared, int group) {
  int largest = kNoExponent;
  for (int warp = 0; warp < kWarps; ++warp) largest = larger(largest, shared.warp_exponents[warp][group]);
  return largest;
}

__device__ int group_id() { return warp_id() / kGroupWarps; }
// The first of the two heads whose rows of a product this lane has; the other is 8 below.
__device__ int lane_head() { return 16 * (warp_id() % kGroupWarps) + lane_id() / 4; }

// Two groups of scales at a time, so that their dots are few registers.
__device__ void score_tokens(const Shared& shared, float (&scores)[kTokenTiles][4]) {
  const uint64_t queries = swizzled_tile(shared.queries), query_ropes = swizzled_tile(shared.query_ropes);
  const int first_token = group_id() * kBlock / 2;
  const uint64_t latents = swizzled_tile(shared.latents[0][first_token]), ropes = swizzled_tile(shared.ropes[first_token]);
  constexpr int kSteps = static_cast<int>(kScaleBlock) / 16, kTileSteps = kTile / 16, kStepBytes = 32;
#pragma unroll
  for (int pair = 0; pair < kGroups / 2; ++pair) {
    float dots[2][4 * kTokenTiles], rope_dots[4 * kTokenTiles];
    begin_products();
#pragma unroll
    for (int i = 0; i < 2 * kSteps; ++i) {
      const int at = ((2 * kSteps * pair + i) / kTileSteps * kTileBytes + i % kTileSteps * kStepBytes) / 16;
      multiply_halves(dots[i / kSteps], queries + at, latents + at, i % kSteps > 0);
    }
    if (pair == 1)
#pragma unroll
      for (int i = 0; i < kTileSteps; ++i) {
        multiply_bfloats(rope_dots, query_ropes + i * kStepBytes / 16, ropes + i * kStepBytes / 16, i > 0);
        multiply_bfloats(rope_dots, query_ropes + (kTileBytes + i * kStepBytes) / 16, ropes + i * kStepBytes / 16, true);
      }
    commit_products();
    wait_products<0>();
    take_sums(dots[0]);
    take_sums(dots[1]);
    if (pair == 1) take_sums(rope_dots);
#pragma unroll
    for (int g = 0; g < 2; ++g)
#pragma unroll
      for (int i = 0; i < 4 * kTokenTiles; ++i) {
        const int group = 2 * pair + g, token = first_token + i / 4 * 8 + 2 * (lane_id() % 4) + i % 2;
        const float scale = shared.query_scales[lane_head() + i / 2 % 2 * 8][group] * shared.scales[group][token];
        scores[i / 4][i % 4] = fmaf(dots[g][i], scale, scores[i / 4][i % 4]);
      }
    if (pair == 1)
#pragma unroll
      for (int i = 0; i < 4 * kTokenTiles; ++i) scores[i / 4][i % 4] += rope_dots[i];
  }
}

// sums[heads, columns] += weights[heads, tokens] latents[tokens, columns], for the warpgroup's columns.
__device__ void add_tokens(const Shared& shared, float (&sums)[2][kSums]) {
  const int lane = lane_id();
  uint32_t weights[2][kBlock / 16][4];
#pragma unroll
  for (int step = 0; step < kBlock / 16; ++step) {
    uint32_t a[4];
    load_matrices(&shared.weights[16 * (warp_id() % kGroupWarps) + lane % 16][16 * step + lane / 16 * 8], a);
#pragma unroll
    for (int g = 0; g < 2; ++g) {
      const __half* factors = shared.factors[2 * group_id() + g] + 16 * step + 2 * (lane % 4);
      const __half2 left = *reinterpret_cast<const __half2*>(factors), right = *reinterpret_cast<const __half2*>(factors + 8);
      weights[g][step][0] = as_word(__hmul2(as_half2(a[0]), left)), weights[g][step][1] = as_word(__hmul2(as_half2(a[1]), left));
      weights[g][step][2] = as_word(__hmul2(as_half2(a[2]), right)), weights[g][step][3] = as_word(__hmul2(as_half2(a[3]), right));
    }
  }
  const uint64_t latents = swizzled_tile(shared.latents[4 * group_id()], kTileBytes);
  begin_products();
#pragma unroll
  for (int step = 0; step < kBlock / 16; ++step)
#pragma unroll
    for (int g = 0; g < 2; ++g) multiply_halves_transposed(sums[g], weights[g][step], latents + (2 * g * kTileBytes + step * 16 * kTile * 2) / 16);
  commit_products();
  wait_products<0>();
  take_sums(sums[0]);
  take_sums(sums[1]);
}

enum class Queries { kThere, kToLoad };

// Tokens [first, end) of the row: their softmax into shared.parts, their weighted sums into `sums` times 2^exponents. Queries are loaded
// while the first tokens are on their way.
__device__ void attend_split(const Task& task, int64_t first, int64_t end, Queries queries, float (&sums)[2][kSums], int (&exponents)[2]) {
  Shared& shared = task.shared;
  const int lane = lane_id(), head = lane_head(), first_tile = group_id() * kTokenTiles, scale_group = static_cast<int>(threadIdx.x) % kGroups;
  const float to_powers_of_two = task.params.scale * 1.4426950408889634f;
  int scale_exponent = kNoExponent;                 // of scale_group
  float largest[2] = {-INFINITY, -INFINITY};        // of the lane's two heads
  exponents[0] = exponents[1] = kNoExponent;
  if (threadIdx.x < kHeads) shared.parts[threadIdx.x] = {};
  for (auto& group : sums)
    for (float& sum : group) sum = 0;
  const int32_t* table = task.params.context.tables[task.row];
  int token = token_of(task, first, end), next_token = token_of(task, first + kBlock, end);
  fetch_tokens(task, address_of(task, token, page_of(table, token)));
  token = next_token;
  int page = page_of(table, token);
  next_token = token_of(task, first + 2 * kBlock, end);
  if (queries == Queries::kToLoad) {
#pragma unroll 2
    for (int each = warp_id(); each < kHeads; each += kWarps) load_query(task, each);
  }
#pragma unroll 1
  for (int64_t block = first; block < end; block += kBlock) {
    const int count = static_cast<int>(smaller<int64_t>(kBlock, end - block));
    wait_copies<0>();
    __syncthreads();   // this block's bytes are there, and the last block's latents are done with
    unpack_tokens(shared);
    const float scale = load_scale(shared, count);
    publish_to_products();
    __syncthreads();
    int before[2];
#pragma unroll
    for (int g = 0; g < 2; ++g) {
      before[g] = exponents[g];
      exponents[g] = larger(exponents[g], block_exponent(shared, 2 * group_id() + g));
    }
    scale_exponent = larger(scale_exponent, block_exponent(shared, scale_group));
    shared.factors[scale_group][threadIdx.x / kGroups] = isfinite(scale) ? scale > 0 ? small_power(exponent_of(scale) - scale_exponent) : __half(0.0f) : __ushort_as_half(0x7e00);
    if (block + kBlock < end) {
      fetch_tokens(task, address_of(task, token, page));
      token = next_token;
      page = page_of(table, token);
      next_token = token_of(task, block + 3 * kBlock, end);
    }

    float scores[kTokenTiles][4] = {};
    score_tokens(shared, scores);
    float most[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int tile = 0; tile < kTokenTiles; ++tile)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const bool present = 8 * (first_tile + tile) + 2 * (lane % 4) + i % 2 < count;
        scores[tile][i] = present ? scores[tile][i] * to_powers_of_two : -INFINITY;
        most[i / 2] = fmaxf(most[i / 2], scores[tile][i]);   // NaN is left out
      }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      most[half] = largest_of_four(most[half]);
      if (lane % 4 == 0) shared.warp_largest[group_id()][head + 8 * half] = most[half];
    }
    __syncthreads();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float before_block = largest[half];
      for (int group = 0; group < 2; ++group) largest[half] = fmaxf(largest[half], shared.warp_largest[group][head + 8 * half]);
      const float base = base_of(largest[half]);
      if (group_id() == 0 && lane % 4 == 0) shared.shrink[head + 8 * half] = exp2f(before_block - base);
#pragma unroll
      for (int tile = 0; tile < kTokenTiles; ++tile) {
        // The sum is of the weights as they are multiplied, so that rounding moves weight between tokens and loses none.
        const __half2 weights = __floats2half2_rn(exp2f(scores[tile][2 * half] - base), exp2f(scores[tile][2 * half + 1] - base));
        *reinterpret_cast<__half2*>(&shared.weights[head + 8 * half][8 * (first_tile + tile) + 2 * (lane % 4)]) = weights;
        const float sum = sum_of_four(__low2float(weights) + __high2float(weights));
        if (lane % 4 == 0) shared.tile_sums[first_tile + tile][head + 8 * half] = sum;
      }
    }
    __syncthreads();
    if (threadIdx.x < kHeads) {
      float sum = 0;
      for (int tile = 0; tile < 2 * kTokenTiles; ++tile) sum += shared.tile_sums[tile][threadIdx.x];
      Softmax& part = shared.parts[threadIdx.x];
      part.sum = fmaf(part.sum, shared.shrink[threadIdx.x], sum);
    }
#pragma unroll
    for (int g = 0; g < 2; ++g) {
      const float scale_shrink = power_of_two(larger(before[g] - exponents[g], -127));
      const float upper = shared.shrink[head] * scale_shrink, lower = shared.shrink[head + 8] * scale_shrink;
      if (__all_sync(kAllLanes, upper == 1 && lower == 1)) continue;
#pragma unroll
      for (int i = 0; i < kSums; ++i) sums[g][i] *= i / 2 % 2 == 0 ? upper : lower;
    }
    add_tokens(shared, sums);
  }
  if (group_id() == 0 && lane % 4 == 0)
    for (int half = 0; half < 2; ++half) shared.parts[head + 8 * half].largest = largest[half];
  __syncthreads();   // the parts are there
}

// f(head, column, sum of it, sum of the next column) for all sums this lane has.
template <typename Function>
__device__ void for_sums(const Task& task, const int (&exponents)[2], const float (&sums)[2][kSums], const Function& f) {
#pragma unroll
  for (int g = 0; g < 2; ++g) {
    const float scale = power_of_two(exponents[g]);
#pragma unroll
    for (int i = 0; i < kSums; i += 2) {
      const int head = lane_head() + i / 2 % 2 * 8, c = (2 * group_id() + g) * static_cast<int>(kScaleBlock) + i / 4 * 8 + 2 * (lane_id() % 4);
      if (head < task.heads()) f(head, c, make_float2(sums[g][i] * scale, sums[g][i + 1] * scale));
    }
  }
}
#endif

__global__ void __launch_bounds__(kThreads, 1) attend_wide(SparseAttentionParams params, Parts parts) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ __align__(1024) std::byte memory[];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const int64_t blocks = parts.sums ? parts.splits : 1, head_blocks = ceil_div(params.heads, kHeads);
  const int64_t split = blockIdx.x % blocks, row = blockIdx.x / blocks / head_blocks, first_head = blockIdx.x / blocks % head_blocks * kHeads;
  const Task task{params, shared, row, first_head};
  const int64_t tokens = tokens_of(params, row);
  float* out = params.out + (row * params.heads + first_head) * kRank;
  float sums[2][kSums];
  int exponents[2];
  if (parts.sums && split * kSplit >= tokens) return;
  if (parts.sums) {
    attend_split(task, split * kSplit, smaller(tokens, (split + 1) * kSplit), Queries::kToLoad, sums, exponents);
    const int64_t at = (row * params.heads + first_head) * parts.splits + split;   // of the first head
    for_sums(task, exponents, sums, [&](int head, int c, float2 both) { *reinterpret_cast<float2*>(parts.sums + (at + head * parts.splits) * kRank + c) = both; });
    if (static_cast<int>(threadIdx.x) < task.heads()) parts.softmaxes[at + threadIdx.x * parts.splits] = shared.parts[threadIdx.x];
    return;
  }
  if (threadIdx.x < kHeads) shared.totals[threadIdx.x] = {};
  for (int64_t first = 0; first < tokens; first += kSplit) {
    attend_split(task, first, smaller(tokens, first + kSplit), first == 0 ? Queries::kToLoad : Queries::kThere, sums, exponents);
    if (threadIdx.x < kHeads) shared.folds[threadIdx.x] = fold(shared.totals[threadIdx.x], shared.parts[threadIdx.x]);
    __syncthreads();
    const bool last = first + kSplit >= tokens;
    for_sums(task, exponents, sums, [&](int head, int c, float2 both) {
      float2* place = reinterpret_cast<float2*>(out + head * kRank + c);
      const float2 before = first == 0 ? make_float2(0, 0) : *place;
      const Fold& factors = shared.folds[head];
      both = make_float2(folded(factors, before.x, both.x), folded(factors, before.y, both.y));
      const float sum = shared.totals[head].sum;
      *place = last ? make_float2(__fdiv_rn(both.x, sum), __fdiv_rn(both.y, sum)) : both;
    });
  }
  if (tokens == 0)
    for (int i = threadIdx.x; i < task.heads() * kRank; i += kThreads) out[i] = 0;
#endif
}

}  // namespace

bool is_wide(const SparseAttentionParams& params) {
  return params.layout.format == CacheFormat::kE4m3 && params.layout.rank == kRank && params.layout.rope == kRope && device_attribute(cudaDevAttrComputeCapabilityMajor) == 9;
}

void attend_in_warpgroups(const SparseAttentionParams& params, const Parts& parts, const Launch& launch) {
  ASSAY_ASSERT(is_wide(params) && params.layout.token_bytes() == kRawBytes && reinterpret_cast<uintptr_t>(params.out) % 8 == 0);
  const int64_t blocks = params.rows * ceil_div(params.heads, kHeads) * (parts.sums ? parts.splits : 1);
  cudaFuncSetAttribute(attend_wide, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Shared));
  attend_wide<<<static_cast<unsigned>(blocks), kThreads, sizeof(Shared), launch.stream>>>(params, parts);
}

}  // namespace assay::cuda
