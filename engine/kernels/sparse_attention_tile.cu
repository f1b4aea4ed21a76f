// A block of threads is a tile of 16 heads of a row, its queries in registers. Of a block of 64 tokens a warp copies eight, scores them from the bytes
// that it copied and leaves them in shared memory as binary16; then each warp sums 64 columns of all. So warps wait for one another twice a block: for
// scores, and for weights.
//
// The 16 values of a step of the scores are multiplied in an order of their own: a lane has four that follow one another. Tensor cores of Hopper
// add 16 products at once, so that their order does not show.
#include <climits>

#include "engine/kernels/sparse_attention_tile.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kHeads = 16, kBlock = 64;                   // heads and tokens at once
constexpr int kTokens = kBlock / kWarps, kWarpHeads = kHeads / kWarps;   // of a warp, to copy and to round
constexpr int kWarpColumns = kRank / kWarps;              // of the sums
constexpr int kSteps = kRank / 16, kGroupSteps = kSteps / kGroups;   // of the scores
constexpr int kQueryRopeStride = 2 * kRope + 8, kWeightStride = kBlock + 8;   // of 16-bit values
constexpr int kScales = kRank, kRopes = kScales + 4 * kGroups;   // where a token's scales and rotary keys begin, in bytes

// With one stage of latents warps wait a third time in each block, for the sums of the block before.
template <int kStages>
struct Shared {
  alignas(16) std::byte raw[2][kBlock][kRawBytes];
  alignas(16) __half latents[kStages][kBlock][kRank];                // 16-byte parts exchanged: see part_of
  alignas(16) __nv_bfloat16 query_ropes[kHeads][kQueryRopeStride];   // the upper halves, and after kRope of them the lower ones
  alignas(16) __half weights[kHeads][kWeightStride];
  alignas(16) float largest[kHeads][kWarps];              // scores of each warp's tokens
  alignas(16) float sums[kHeads][kWarps];                 // of weights
  alignas(16) float query_scales[kHeads][kGroups];
  __half factors[kGroups][kBlock];                        // of the tokens' weights: scale / largest scale of the group so far
  int exponents[kWarps][kGroups];                         // of each warp's largest scales
  Softmax totals[kHeads];
  Fold folds[kHeads];
};

template <int kStages>
struct Task {
  const SparseAttentionParams& params;
  Shared<kStages>& shared;
  int64_t row, first_head;
  const int32_t* indices;   // null: all tokens
  const int32_t* table;
  __device__ int heads() const { return static_cast<int>(smaller<int64_t>(kHeads, params.heads - first_head)); }
};

// Of a lane's part in the products: its row of a left side (and 8 below) or column of a right side, and which of four it is there.
__device__ int lane_row() { return lane_id() / 4; }
__device__ int lane_of_four() { return lane_id() % 4; }

// Where a part of 8 values of a token lies: so that neither the stores of four tokens' pairs of parts nor the loads of one part of eight tokens
// meet in a bank.
__device__ int part_of(int token, int part) { return part ^ (2 * token % 8 | token % 8 / 4); }

// Where a head's rounded query lies until warps take it, before there are latents.
template <int kStages>
__device__ __half* rounded_query(Shared<kStages>& shared, int head) { return shared.latents[0][0] + head * (kRank + 16); }

// A warp's heads, as they come: a lane has 16 values of each that follow one another, so that eight lanes have a group.
struct Loaded {
  float4 latents[kWarpHeads][4];
  float ropes[kWarpHeads][kRope / kWarp];
};
template <int kStages>
__device__ void load_queries(const Task<kStages>& task, Loaded& loaded) {
  const SparseAttentionParams& params = task.params;
#pragma unroll
  for (int i = 0; i < kWarpHeads; ++i) {
    const int head = warp_id() * kWarpHeads + i;
    const bool present = head < task.heads();
    const float* latent = params.q_latent + (task.row * params.heads + task.first_head + head) * kRank + 16 * lane_id();
    const float* rope = params.q_rope + task.row * params.q_rope_row_stride + (task.first_head + head) * params.q_rope_head_stride;
#pragma unroll
    for (int j = 0; j < 4; ++j) loaded.latents[i][j] = present ? *reinterpret_cast<const float4*>(latent + 4 * j) : make_float4(0, 0, 0, 0);
#pragma unroll
    for (int j = 0; j < kRope / kWarp; ++j) loaded.ropes[i][j] = present ? rope[lane_id() + j * kWarp] : 0.0f;
  }
}
// Each group under the power of two of its largest value.
template <int kStages>
__device__ void round_queries(Shared<kStages>& shared, const Loaded& loaded) {
#pragma unroll
  for (int i = 0; i < kWarpHeads; ++i) {
    const int head = warp_id() * kWarpHeads + i;
    float largest = 0;
    for (const float4& four : loaded.latents[i]) largest = fmaxf(largest, fmaxf(fmaxf(fabsf(four.x), fabsf(four.y)), fmaxf(fabsf(four.z), fabsf(four.w))));
    for (int mask : {1, 2, 4}) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, mask));
    const int exponent = exponent_of(largest);
    const float scale = exponent < -126 || exponent > 126 ? 1.0f : power_of_two(exponent), inverse = 1 / scale;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float4 four = loaded.latents[i][j];
      *reinterpret_cast<uint2*>(rounded_query(shared, head) + 16 * lane_id() + 4 * j) = {as_word(__floats2half2_rn(four.x * inverse, four.y * inverse)), as_word(__floats2half2_rn(four.z * inverse, four.w * inverse))};
    }
    if (lane_id() % 8 == 0) shared.query_scales[head][lane_id() / 8] = scale;
#pragma unroll
    for (int j = 0; j < kRope / kWarp; ++j) {
      const Halves halves = halves_of(loaded.ropes[i][j]);
      shared.query_ropes[head][lane_id() + j * kWarp] = halves.high;
      shared.query_ropes[head][kRope + lane_id() + j * kWarp] = halves.low;
    }
  }
}

// As the products take them: values 4 t .. 4 t + 3 of each 16, t the lane of four.
struct Queries {
  uint32_t codes[kSteps][4];
};
template <int kStages>
__device__ void take_queries(Shared<kStages>& shared, Queries& queries) {
#pragma unroll
  for (int step = 0; step < kSteps; ++step)
#pragma unroll
    for (int below = 0; below < 2; ++below) {
      const uint2 codes = *reinterpret_cast<const uint2*>(rounded_query(shared, lane_row() + 8 * below) + 16 * step + 4 * lane_of_four());
      queries.codes[step][below] = codes.x;
      queries.codes[step][2 + below] = codes.y;
    }
}

// Which token this lane stands for in a block, -1 beyond the last; and its address. Each waits for memory, so that each is asked for a
// block before the next.
template <int kStages>
__device__ int token_of(const Task<kStages>& task, int block, int end) {
  const int i = block + warp_id() * kTokens + lane_id();
  if (lane_id() >= kTokens || i >= end) return -1;
  return task.indices ? task.indices[i] : i;
}
template <int kStages>
__device__ const std::byte* address_of(const Task<kStages>& task, int token, int page) {
  return token < 0 ? nullptr : task.params.context.pages + (page * kPageTokens + token % static_cast<int>(kPageTokens)) * kRawBytes;
}

template <int kStages>
__device__ void fetch_tokens(const Task<kStages>& task, int turn, const std::byte* mine) {
  static_assert(kTokens == 8);
  fetch_full_tokens(task.shared.raw[turn][warp_id() * kTokens], mine, task.params.context.pages);
  commit_copies();
}

// Scores of the warp's tokens, which become binary16 on the way: four chains of products, a group each, and one of rotary keys. Codes are loaded
// ahead of where they are stored, since the compiler takes no load past a store.
template <int kStages>
__device__ void score_tokens(Shared<kStages>& shared, const Queries& queries, int turn, int stage, float (&scores)[4]) {
  constexpr int kAtOnce = 2;   // steps of each group
  const int t = lane_of_four(), token = warp_id() * kTokens + lane_row();
  const std::byte* raw = shared.raw[turn][token] + 4 * t;
  const int exchanged = part_of(token, t / 2);
  float dots[kGroups][4] = {}, rope_dots[4] = {};
  uint32_t codes[2][kAtOnce][kGroups];
  const auto load = [&](int first) {
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i)
#pragma unroll
      for (int group = 0; group < kGroups; ++group) codes[first / kAtOnce % 2][i][group] = *reinterpret_cast<const uint32_t*>(raw + group * kScaleBlock + 16 * (first + i));
  };
  load(0);
#pragma unroll
  for (int first = 0; first < kGroupSteps; first += kAtOnce) {
    if (first + kAtOnce < kGroupSteps) load(first + kAtOnce);
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      const int step = first + i;   // four of them are eight parts of a token
      __half* const to = shared.latents[stage][token] + step / 4 * 64 + 8 * (exchanged ^ 2 * (step % 4)) + t % 2 * 4;
#pragma unroll
      for (int group = 0; group < kGroups; ++group) {
        uint2 halves;
        e4m3x4_to_halves(codes[first / kAtOnce % 2][i][group], halves.x, halves.y);
        *reinterpret_cast<uint2*>(to + group * kScaleBlock) = halves;
        multiply_halves(dots[group], queries.codes[group * kGroupSteps + step], halves.x, halves.y);
      }
    }
#pragma unroll
    for (int at = 8 * first; at < 8 * (first + kAtOnce); at += 16) {   // of the rotary values
      const __nv_bfloat16* query = shared.query_ropes[lane_id() % 16] + at + lane_id() / 16 * 8;
      uint32_t high[4], low[4];
      load_matrices(query, high);
      load_matrices(query + kRope, low);
      const uint32_t b0 = *reinterpret_cast<const uint32_t*>(raw + kRopes + 2 * at), b1 = *reinterpret_cast<const uint32_t*>(raw + kRopes + 2 * at + 16);
      multiply_bfloats(rope_dots, high, b0, b1);
      multiply_bfloats(rope_dots, low, b0, b1);
    }
  }
  float4 query_scales[2], token_scales[2];
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    query_scales[i] = *reinterpret_cast<const float4*>(shared.query_scales[lane_row() + 8 * i]);
    token_scales[i] = *reinterpret_cast<const float4*>(shared.raw[turn][warp_id() * kTokens + 2 * t + i] + kScales);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const float4 query = query_scales[i / 2], of_token = token_scales[i % 2];
    scores[i] = fmaf(dots[0][i], query.x * of_token.x, 0.0f);
    scores[i] = fmaf(dots[1][i], query.y * of_token.y, scores[i]);
    scores[i] = fmaf(dots[2][i], query.z * of_token.z, scores[i]);
    scores[i] = fmaf(dots[3][i], query.w * of_token.w, scores[i]) + rope_dots[i];
  }
}

// Of what lanes l, l + 4, l + 8 ... have.
__device__ int largest_of_groups(int value) {
  for (int mask = kGroups; mask < kWarp; mask *= 2) value = larger(value, __shfl_xor_sync(kAllLanes, value, mask));
  return value;
}
__device__ float largest_of(const float (&values)[kWarps]) {
  const float4 a = *reinterpret_cast<const float4*>(values), b = *reinterpret_cast<const float4*>(values + 4);
  return fmaxf(fmaxf(fmaxf(a.x, a.y), fmaxf(a.z, a.w)), fmaxf(fmaxf(b.x, b.y), fmaxf(b.z, b.w)));
}
__device__ float sum_of(const float (&values)[kWarps]) {   // in this order, from zero
  const float4 a = *reinterpret_cast<const float4*>(values), b = *reinterpret_cast<const float4*>(values + 4);
  return ((((((0 + a.x + a.y) + a.z) + a.w) + b.x) + b.y) + b.z) + b.w;
}

// sums[heads, columns] += weights[heads, tokens] latents[tokens, columns], for the warp's columns.
template <int kStages>
__device__ void add_tokens(const Shared<kStages>& shared, int stage, float (&sums)[kWarpColumns / 8][4]) {
  const int lane = lane_id(), first_part = warp_id() * kWarpColumns / 8;
  const __half* factors = shared.factors[warp_id() * kWarpColumns / static_cast<int>(kScaleBlock)] + 2 * lane_of_four();
#pragma unroll
  for (int step = 0; step < kBlock / 16; ++step) {
    uint32_t a[4], b[kWarpColumns / 16][4];
    load_matrices(&shared.weights[lane % 16][16 * step + lane / 16 * 8], a);
#pragma unroll
    for (int pair = 0; pair < kWarpColumns / 16; ++pair)
      load_matrices_transposed(shared.latents[stage][16 * step + lane % 16] + 8 * part_of(lane % 16, first_part + 2 * pair + lane / 16), b[pair]);
    const __half2 left = *reinterpret_cast<const __half2*>(factors + 16 * step), right = *reinterpret_cast<const __half2*>(factors + 16 * step + 8);
    a[0] = as_word(__hmul2(as_half2(a[0]), left)), a[1] = as_word(__hmul2(as_half2(a[1]), left));
    a[2] = as_word(__hmul2(as_half2(a[2]), right)), a[3] = as_word(__hmul2(as_half2(a[3]), right));
#pragma unroll
    for (int pair = 0; pair < kWarpColumns / 16; ++pair) {
      multiply_halves(sums[2 * pair], a, b[pair][0], b[pair][1]);
      multiply_halves(sums[2 * pair + 1], a, b[pair][2], b[pair][3]);
    }
  }
}

// What a lane knows of its two heads in a split.
struct State {
  float sums[kWarpColumns / 8][4];   // times 2^exponent
  int exponent, scale_exponent;      // of the warp's columns, of the lane's scale
  float largest[2], weight_sums[2];  // the latter in the first warp
};
__device__ void clear(State& state) {
  state.exponent = state.scale_exponent = kNoExponent;
  for (int below = 0; below < 2; ++below) state.largest[below] = -INFINITY, state.weight_sums[below] = 0;
#pragma unroll
  for (auto& column : state.sums)
    for (float& sum : column) sum = 0;
}

// f(head, column, sum of it and of the next) for all sums that this lane has.
template <int kStages, typename Function>
__device__ void for_sums(const Task<kStages>& task, const State& state, const Function& f) {
  const float scale = power_of_two(state.exponent);
#pragma unroll
  for (int column = 0; column < kWarpColumns / 8; ++column)
#pragma unroll
    for (int below = 0; below < 2; ++below) {
      const int head = lane_row() + 8 * below, c = warp_id() * kWarpColumns + 8 * column + 2 * lane_of_four();
      if (head < task.heads()) f(head, c, make_float2(state.sums[column][2 * below] * scale, state.sums[column][2 * below + 1] * scale));
    }
}

template <int kStages>
__global__ void __launch_bounds__(kThreads, 1) attend_tile(SparseAttentionParams params, Parts parts) {
  let_next_kernel_begin();
  wait_for_kernel_before();
  extern __shared__ __align__(16) std::byte memory[];
  Shared<kStages>& shared = *reinterpret_cast<Shared<kStages>*>(memory);
  const int64_t splits = parts.sums ? parts.splits : 1, tiles = ceil_div(params.heads, kHeads);
  const int64_t tile = blockIdx.x % tiles, split = blockIdx.x / tiles % splits, row = blockIdx.x / tiles / splits;
  const Task<kStages> task{params, shared, row, tile * kHeads, params.indices ? params.indices + row * params.index_stride : nullptr, params.context.tables[row]};
  // Each waits for what comes before it, so that all of a kind are asked for at once: the first tokens before it is known how many there are.
  const int first = static_cast<int>(split * kSplit), most = task.indices ? static_cast<int>(params.index_stride) : INT_MAX;
  int ahead[4], pages[3];
#pragma unroll
  for (int i = 0; i < 4; ++i) ahead[i] = token_of(task, first + i * kBlock, most);
  Loaded loaded;
  load_queries(task, loaded);
  const int tokens = static_cast<int>(tokens_of(params, row)), end = parts.sums ? smaller(tokens, first + static_cast<int>(kSplit)) : tokens;
  float* out = params.out + (row * params.heads + task.first_head) * kRank;
  if (parts.sums && first >= tokens) return;
  if (tokens == 0) {
    for (int i = threadIdx.x; i < task.heads() * kRank; i += kThreads) out[i] = 0;
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (first + i * kBlock + warp_id() * kTokens + lane_id() >= end) ahead[i] = -1;
#pragma unroll
  for (int i = 0; i < 3; ++i) pages[i] = page_of(task.table, ahead[i]);
  round_queries(shared, loaded);
#pragma unroll
  for (int i = 0; i < 2; ++i) fetch_tokens(task, i, address_of(task, ahead[i], pages[i]));
  int token = ahead[2], page = pages[2], next_token = ahead[3];
  if (threadIdx.x < kHeads) shared.totals[threadIdx.x] = {};
  __syncthreads();
  Queries queries;
  take_queries(shared, queries);
  __syncthreads();   // before latents come there

  const float to_powers_of_two = params.scale * 1.4426950408889634f;
  const int scale_token = warp_id() * kTokens + lane_id() / kGroups, scale_group = lane_id() % kGroups;   // a lane has a token's scale of one group
  State state;
  int turn = 0;   // of the stages
#pragma unroll 1
  for (int block = first; block < end; block += kBlock, turn ^= 1) {
    if (block % static_cast<int>(kSplit) == 0) clear(state);
    const int count = smaller(kBlock, end - block), stage = kStages == 1 ? 0 : turn;
    wait_copies<1>();
    if (kStages == 1) __syncthreads();   // the last block's latents are done with
    else __syncwarp();
    float scores[4];
    score_tokens(shared, queries, turn, stage, scores);
    // NaN and infinity have no say in the largest scale.
    const float scale = *reinterpret_cast<const float*>(shared.raw[turn][scale_token] + kScales + 4 * scale_group);
    const int warp_exponent = largest_of_groups(scale_token < count && isfinite(scale) ? exponent_of(scale) : kNoExponent);
    if (lane_id() < kGroups) shared.exponents[warp_id()][scale_group] = warp_exponent;
    __syncwarp();   // these bytes are done with
    if (block + 2 * kBlock < end) fetch_tokens(task, turn, address_of(task, token, page));
    else commit_copies();   // of none, so that those before are counted
    token = next_token;
    page = page_of(task.table, token);
    next_token = token_of(task, block + 4 * kBlock, end);
#pragma unroll
    for (int i = 0; i < 4; ++i) scores[i] = warp_id() * kTokens + 2 * lane_of_four() + i % 2 < count ? scores[i] * to_powers_of_two : -INFINITY;
#pragma unroll
    for (int below = 0; below < 2; ++below) {
      const float most = largest_of_four(fmaxf(scores[2 * below], scores[2 * below + 1]));   // NaN is left out
      if (lane_of_four() == 0) shared.largest[lane_row() + 8 * below][warp_id()] = most;
    }
    __syncthreads();   // scores and latents are there, and the last block's weights are done with
    const int block_exponent = largest_of_groups(shared.exponents[lane_id() / kGroups][scale_group]);
    const int exponent_before = state.exponent;
    state.exponent = larger(state.exponent, __shfl_sync(kAllLanes, block_exponent, warp_id() * kWarpColumns / static_cast<int>(kScaleBlock)));
    state.scale_exponent = larger(state.scale_exponent, block_exponent);
    shared.factors[scale_group][scale_token] = isfinite(scale) ? scale > 0 ? small_power(exponent_of(scale) - state.scale_exponent) : __half(0.0f) : __ushort_as_half(0x7e00);
    float shrink[2];   // of what was summed under an earlier largest score
#pragma unroll
    for (int below = 0; below < 2; ++below) {
      const int head = lane_row() + 8 * below;
      const float before = state.largest[below];
      state.largest[below] = fmaxf(before, largest_of(shared.largest[head]));
      const float base = base_of(state.largest[below]);
      shrink[below] = exp2f(before - base);
      // The sum is of the weights as they are multiplied, so that rounding moves weight between tokens and loses none.
      const __half2 weights = __floats2half2_rn(exp2f(scores[2 * below] - base), exp2f(scores[2 * below + 1] - base));
      *reinterpret_cast<__half2*>(&shared.weights[head][warp_id() * kTokens + 2 * lane_of_four()]) = weights;
      const float sum = sum_of_four(__low2float(weights) + __high2float(weights));
      if (lane_of_four() == 0) shared.sums[head][warp_id()] = sum;
    }
    __syncthreads();   // weights are there
    const float scale_shrink = power_of_two(larger(exponent_before - state.exponent, -127));
    const float upper = shrink[0] * scale_shrink, lower = shrink[1] * scale_shrink;
    if (!__all_sync(kAllLanes, upper == 1 && lower == 1)) {
#pragma unroll
      for (auto& column : state.sums) column[0] *= upper, column[1] *= upper, column[2] *= lower, column[3] *= lower;
    }
    add_tokens(shared, stage, state.sums);
    if (warp_id() == 0)
      for (int below = 0; below < 2; ++below) state.weight_sums[below] = fmaf(state.weight_sums[below], shrink[below], sum_of(shared.sums[lane_row() + 8 * below]));
    if (block + kBlock < end && (block + kBlock) % static_cast<int>(kSplit) != 0) continue;

    const bool has_softmax = warp_id() == 0 && lane_of_four() == 0;
    if (parts.sums) {
      const int64_t at = (row * params.heads + task.first_head) * parts.splits + split;   // of the first head
      for_sums(task, state, [&](int head, int c, float2 both) { *reinterpret_cast<float2*>(parts.sums + (at + head * parts.splits) * kRank + c) = both; });
      for (int below = 0; below < 2; ++below)
        if (const int head = lane_row() + 8 * below; has_softmax && head < task.heads()) parts.softmaxes[at + head * parts.splits] = {state.largest[below], state.weight_sums[below]};
      continue;
    }
    for (int below = 0; below < 2; ++below)
      if (const int head = lane_row() + 8 * below; has_softmax) shared.folds[head] = fold(shared.totals[head], {state.largest[below], state.weight_sums[below]});
    __syncthreads();
    const bool is_first = block < kSplit, is_last = block + kBlock >= end;
    for_sums(task, state, [&](int head, int c, float2 both) {
      float2* place = reinterpret_cast<float2*>(out + head * kRank + c);
      const float2 before = is_first ? make_float2(0, 0) : *place;
      const Fold& factors = shared.folds[head];
      both = make_float2(folded(factors, before.x, both.x), folded(factors, before.y, both.y));
      const float sum = shared.totals[head].sum;
      *place = is_last ? make_float2(__fdiv_rn(both.x, sum), __fdiv_rn(both.y, sum)) : both;
    });
  }
}

template <int kStages>
void launch_tiles(const SparseAttentionParams& params, const Parts& parts, const Launch& launch) {
  const int64_t blocks = params.rows * ceil_div(params.heads, kHeads) * (parts.sums ? parts.splits : 1);
  cudaFuncSetAttribute(attend_tile<kStages>, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Shared<kStages>));
  launch_beside(attend_tile<kStages>, static_cast<unsigned>(blocks), kThreads, sizeof(Shared<kStages>), launch.stream, params, parts);
}

}  // namespace

bool is_full(const SparseAttentionParams& params) { return params.layout.format == CacheFormat::kE4m3 && params.layout.rank == kRank && params.layout.rope == kRope; }

void attend_in_tiles(const SparseAttentionParams& params, const Parts& parts, const Launch& launch) {
  ASSAY_ASSERT(is_full(params) && params.layout.token_bytes() == kRawBytes);
  ASSAY_ASSERT(reinterpret_cast<uintptr_t>(params.out) % 8 == 0 && reinterpret_cast<uintptr_t>(params.q_latent) % 16 == 0);
  if (static_cast<size_t>(device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)) >= sizeof(Shared<2>)) launch_tiles<2>(params, parts, launch);
  else launch_tiles<1>(params, parts, launch);
}

}  // namespace assay::cuda
