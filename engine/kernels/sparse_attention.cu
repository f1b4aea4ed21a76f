// A row's tokens are taken in splits of 512, each with a softmax of its own; folding the results of splits into one another in ascending
// order gives the row's. With rows enough a block of threads folds as it goes, `out` holding what it has so far; with few rows each
// split is a block and leaves its result in scratch, and a second kernel folds. The arithmetic is the same, so the bits are.
//
// FP8 latents of up to 512 values: tensor cores. Codes are multiplied as binary16, which holds them exactly. Scales never touch them:
// in the scores each group of 128 is multiplied by them afterwards, and in the sums they go into the softmax weights, relative to the
// largest scale of the group so far. All else: float32.
#include <algorithm>

#include "engine/kernels/sparse_attention.cuh"
#include "engine/kernels/sparse_attention_tile.cuh"
#include "engine/kernels/sparse_attention_wide.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

__device__ const std::byte* token_at(const SparseAttentionParams& params, int64_t row, int64_t i, int64_t token_bytes) {
  const int64_t token = params.indices ? params.indices[row * params.index_stride + i] : i;
  return params.context.pages + (params.context.tables[row][token / kPageTokens] * kPageTokens + token % kPageTokens) * token_bytes;
}

// --- folding

constexpr int kFoldThreads = kRank;

// A block is a head of a row.
__global__ void fold_parts(SparseAttentionParams params, Parts parts) {
  wait_for_kernel_before();
  const int64_t i = blockIdx.x, rank = params.layout.rank, tokens = tokens_of(params, i / params.heads), splits = ceil_div(tokens, kSplit);
  float* out = params.out + i * rank;
  for (int64_t c = threadIdx.x; c < rank; c += kFoldThreads) {
    Softmax softmax;
    float total = 0;
#pragma unroll 4   // so that loads do not wait for one another
    for (int64_t split = 0; split < splits; ++split) {
      const int64_t at = i * parts.splits + split;
      const Fold factors = fold(softmax, parts.softmaxes[at]);
      total = folded(factors, total, parts.sums[at * rank + c]);
    }
    out[c] = tokens > 0 ? __fdiv_rn(total, softmax.sum) : 0.0f;
  }
}

// --- tensor cores

constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kBlock = 64;                                // tokens at once
constexpr int kTokenTiles = kBlock / 8;
constexpr int kWarpColumns = kRank / kWarps;              // of the sums
constexpr int kLatentStride = kRank + 8, kRopeStride = kRope + 8, kQueryRopeStride = 2 * kRope + 8, kWeightStride = kBlock + 8;   // of 16-bit values
constexpr int kScaleThreads = kBlock * kGroups;           // those that have a token's scale each

// While scores are computed a warp has one tile of 16 heads, and this many tiles of eight tokens.
constexpr int token_tiles(int tiles) { return larger(1, tiles * kTokenTiles / kWarps); }
// Warps side by side over the tokens of a block; if that is not all of them, the others wait.
constexpr int token_warps(int tiles) { return kTokenTiles / token_tiles(tiles); }

// Everything a block of threads shares; kTiles tiles of 16 heads.
template <int kTiles>
struct Shared {
  static constexpr int kHeads = 16 * kTiles;
  std::byte raw[kBlock][kRawBytes];
  __half latents[kBlock][kLatentStride];
  __nv_bfloat16 ropes[kBlock][kRopeStride];
  __half queries[kHeads][kLatentStride];
  __nv_bfloat16 query_ropes[kHeads][kQueryRopeStride];   // the upper halves, and after kRope of them the lower ones
  __half weights[kHeads][kWeightStride];
  float query_scales[kHeads][kGroups];
  float scales[kGroups][kBlock];
  __half factors[kGroups][kBlock];            // of the tokens' weights: scale / largest scale of the group so far
  int warp_exponents[kScaleThreads / kWarp][kGroups];
  float warp_largest[token_warps(kTiles)][kHeads];   // scores
  float tile_sums[kTokenTiles][kHeads];       // of weights
  float shrink[kHeads];                       // of what was summed under an earlier largest score
  Softmax parts[kHeads], totals[kHeads];
  Fold folds[kHeads];
};

// One block of threads: heads [first_head, first_head + 16 kTiles) of a row.
template <int kTiles>
struct Task {
  const SparseAttentionParams& params;
  Shared<kTiles>& shared;
  int64_t row, first_head;
  int64_t token_bytes;
  __device__ int rank() const { return static_cast<int>(params.layout.rank); }
  __device__ int rope() const { return static_cast<int>(params.layout.rope); }
  __device__ int groups() const { return static_cast<int>(ceil_div(params.layout.rank, kScaleBlock)); }
  __device__ int heads() const { return static_cast<int>(smaller<int64_t>(16 * kTiles, params.heads - first_head)); }
  // Of products over a group: as many steps of 16 as hold values.
  __device__ int steps(int group) const { return smaller(static_cast<int>(kScaleBlock), rank() - group * static_cast<int>(kScaleBlock) + 15) / 16; }
};

// A warp rounds a head's query, each group under the power of two of its largest value.
template <int kTiles>
__device__ void load_query(const Task<kTiles>& task, int head) {
  Shared<kTiles>& shared = task.shared;
  constexpr int kEach = static_cast<int>(kScaleBlock) / kWarp;
  const bool present = head < task.heads();
  const SparseAttentionParams& params = task.params;
  const float* latent = params.q_latent + (task.row * params.heads + task.first_head + head) * task.rank();
  const float* rope = params.q_rope + task.row * params.q_rope_row_stride + (task.first_head + head) * params.q_rope_head_stride;
  float values[kGroups][kEach], ropes[kRope / kWarp];
#pragma unroll
  for (int i = 0; i < kGroups * kEach; ++i) {
    const int c = lane_id() + i * kWarp;
    values[i / kEach][i % kEach] = present && c < task.rank() ? latent[c] : 0.0f;
  }
#pragma unroll
  for (int i = 0; i < kRope / kWarp; ++i) ropes[i] = present && lane_id() + i * kWarp < task.rope() ? rope[lane_id() + i * kWarp] : 0.0f;
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    float largest = 0;
    for (float value : values[group]) largest = fmaxf(largest, fabsf(value));
    const int exponent = exponent_of(warp_max(largest));
    const float scale = exponent < -126 || exponent > 126 ? 1.0f : power_of_two(exponent), inverse = 1 / scale;
#pragma unroll
    for (int i = 0; i < kEach; ++i) shared.queries[head][(group * kEach + i) * kWarp + lane_id()] = __float2half_rn(values[group][i] * inverse);
    if (lane_id() == 0) shared.query_scales[head][group] = scale;
  }
#pragma unroll
  for (int i = 0; i < kRope / kWarp; ++i) {
    const Halves halves = halves_of(ropes[i]);
    shared.query_ropes[head][lane_id() + i * kWarp] = halves.high;
    shared.query_ropes[head][kRope + lane_id() + i * kWarp] = halves.low;
  }
}

// A warp starts copying its eight tokens of a block; lane i has the address of token i. Tokens beyond the last become zeros.
template <int kTiles>
__device__ void fetch_tokens(const Task<kTiles>& task, const std::byte* mine) {
  constexpr int kTokens = kBlock / kWarps;
  std::byte(*raw)[kRawBytes] = task.shared.raw + warp_id() * kTokens;
  const auto token = [&](int i) { return reinterpret_cast<const std::byte*>(__shfl_sync(kAllLanes, reinterpret_cast<unsigned long long>(mine), i)); };
  const int bytes = static_cast<int>(task.token_bytes);
  for (int i = 0; i < kTokens; ++i) {
    const std::byte* from = token(i);
    if (bytes % 4 == 0) {
      for (int at = 4 * lane_id(); at < bytes; at += 4 * kWarp) copy_word_async(raw[i] + at, from ? from + at : task.params.context.pages, from != nullptr);
    } else {
      for (int at = lane_id(); at < bytes; at += kWarp) raw[i][at] = from ? from[at] : std::byte{0};
    }
  }
  commit_copies();
}

// Which token this lane stands for in fetch_tokens of a block, -1 beyond the last; where its page is; and the token's address. Each
// waits for memory, so that each is asked for a block before the next.
template <int kTiles>
__device__ int token_of(const Task<kTiles>& task, int64_t block, int64_t end) {
  const int64_t i = block + warp_id() * (kBlock / kWarps) + lane_id();
  if (lane_id() >= kBlock / kWarps || i >= end) return -1;
  return task.params.indices ? task.params.indices[task.row * task.params.index_stride + i] : static_cast<int>(i);
}
template <int kTiles>
__device__ const std::byte* address_of(const Task<kTiles>& task, int token, int page) {
  return token < 0 ? nullptr : task.params.context.pages + (page * kPageTokens + token % static_cast<int>(kPageTokens)) * task.token_bytes;
}

__device__ uint32_t word_of(const std::byte* bytes, int count) {
  uint32_t word = 0;
  for (int i = 0; i < count; ++i) word |= static_cast<uint32_t>(bytes[i]) << 8 * i;
  return word;
}

// Codes become binary16, rotary keys move to where they are multiplied. Four codes to a step of a thread.
template <int kTiles>
__device__ void unpack_tokens(const Task<kTiles>& task) {
  Shared<kTiles>& shared = task.shared;
  // Up to whole steps of 16, with zeros: products look at no more.
  const int rank = task.rank(), columns = (rank + 15) / 16 * 16, ropes = (task.rope() + 15) / 16 * 16;
  for (int token = warp_id(); token < kBlock; token += kWarps) {
    const std::byte* raw = shared.raw[token];
    for (int c = 4 * lane_id(); c < columns; c += 4 * kWarp) {
      const uint32_t codes = c + 4 <= rank ? *reinterpret_cast<const uint32_t*>(raw + c) : word_of(raw + c, larger(0, rank - c));
      *reinterpret_cast<uint2*>(shared.latents[token] + c) = {e4m3x2_to_half2(codes), e4m3x2_to_half2(codes >> 16)};
    }
    for (int c = lane_id(); c < ropes; c += kWarp) {
      const uint32_t code = c < task.rope() ? word_of(raw + rank + 4 * task.groups() + 2 * c, 2) : 0;
      shared.ropes[token][c] = __ushort_as_bfloat16(static_cast<unsigned short>(code));
    }
  }
}

// A thread has a token's scale of one group: token threadIdx.x / 4, group threadIdx.x % 4. NaN and infinity have no say in the largest.
template <int kTiles>
__device__ float load_scale(const Task<kTiles>& task, int count) {
  Shared<kTiles>& shared = task.shared;
  const int token = static_cast<int>(threadIdx.x) / kGroups, group = static_cast<int>(threadIdx.x) % kGroups;
  const bool present = token < count && group < task.groups();
  const std::byte* at = shared.raw[token] + task.rank() + 4 * group;
  const float scale = present ? __uint_as_float(word_of(at, 4)) : 0.0f;
  int largest = present && isfinite(scale) ? exponent_of(scale) : kNoExponent;
  for (int mask = kGroups; mask < kWarp; mask *= 2) largest = larger(largest, __shfl_xor_sync(kAllLanes, largest, mask));
  if (lane_id() < kGroups) shared.warp_exponents[warp_id()][lane_id()] = largest;
  shared.scales[group][token] = scale;
  return scale;
}

template <int kTiles>
__device__ int block_exponent(const Shared<kTiles>& shared, int group) {
  int largest = kNoExponent;
  for (int warp = 0; warp < kScaleThreads / kWarp; ++warp) largest = larger(largest, shared.warp_exponents[warp][group]);
  return largest;
}

// Scores of the warp's tile of 16 heads and its tiles of eight tokens.
template <int kTiles>
__device__ void score_tokens(const Task<kTiles>& task, int head_tile, int first_tile, float (&scores)[token_tiles(kTiles)][4]) {
  constexpr int kTokens = token_tiles(kTiles);
  const Shared<kTiles>& shared = task.shared;
  const int lane = lane_id(), head = 16 * head_tile + lane / 4;
  // Rows and columns of the four matrices that a lane names: of heads the second lies below, of tokens beside.
  const int a_row = 16 * head_tile + lane % 16, a_column = lane / 16 * 8;
  const int b_row = 8 * first_tile + lane % 8 + (kTokens > 1 ? lane / 16 * 8 : 0), b_column = kTokens > 1 ? lane / 8 % 2 * 8 : lane / 8 * 8;
#pragma unroll 1
  for (int group = 0; group < task.groups(); ++group) {
    float dots[kTokens][4] = {};
    const int steps = task.steps(group);
#pragma unroll 1
    for (int step = 0; step < steps; step += kTokens > 1 ? 1 : 2) {
      const int c = group * static_cast<int>(kScaleBlock) + 16 * step;
      uint32_t a[4], b[4];
      load_matrices(&shared.queries[a_row][c + a_column], a);
      if constexpr (kTokens > 1) {
        for (int pair = 0; pair < kTokens / 2; ++pair) {
          load_matrices(&shared.latents[b_row + 16 * pair][c + b_column], b);
          multiply_halves(dots[2 * pair], a, b[0], b[1]);
          multiply_halves(dots[2 * pair + 1], a, b[2], b[3]);
        }
      } else {   // two steps for the one tile; beyond the last there are zeros
        load_matrices(&shared.latents[b_row][c + b_column], b);
        multiply_halves(dots[0], a, b[0], b[1]);
        if (step + 1 < steps) {
          load_matrices(&shared.queries[a_row][c + 16 + a_column], a);
          multiply_halves(dots[0], a, b[2], b[3]);
        }
      }
    }
    for (int tile = 0; tile < kTokens; ++tile)
      for (int i = 0; i < 4; ++i) {
        const float scale = shared.query_scales[head + i / 2 * 8][group] * shared.scales[group][8 * (first_tile + tile) + 2 * (lane % 4) + i % 2];
        scores[tile][i] = fmaf(dots[tile][i], scale, scores[tile][i]);
      }
  }
  float dots[kTokens][4] = {};
#pragma unroll 1
  for (int step = 0; step < (task.rope() + 15) / 16; ++step) {
    uint32_t high[4], low[4], b[4];
    load_matrices(&shared.query_ropes[a_row][16 * step + a_column], high);
    load_matrices(&shared.query_ropes[a_row][kRope + 16 * step + a_column], low);
    for (int pair = 0; pair < (kTokens + 1) / 2; ++pair) {
      load_matrices(&shared.ropes[b_row + 16 * pair][16 * step + (kTokens > 1 ? b_column : b_column % 16)], b);
      multiply_bfloats(dots[2 * pair], high, b[0], b[1]);
      multiply_bfloats(dots[2 * pair], low, b[0], b[1]);
      if constexpr (kTokens > 1) {
        multiply_bfloats(dots[2 * pair + 1], high, b[2], b[3]);
        multiply_bfloats(dots[2 * pair + 1], low, b[2], b[3]);
      }
    }
  }
  for (int tile = 0; tile < kTokens; ++tile)
    for (int i = 0; i < 4; ++i) scores[tile][i] += dots[tile][i];
}

// sums[heads, columns] += weights[heads, tokens] latents[tokens, columns], for the warp's columns.
template <int kTiles>
__device__ void add_tokens(const Task<kTiles>& task, float (&sums)[kTiles][kWarpColumns / 8][4]) {
  const Shared<kTiles>& shared = task.shared;
  const int lane = lane_id(), first_column = warp_id() * kWarpColumns, group = first_column / static_cast<int>(kScaleBlock);
  if (first_column >= task.rank()) return;
#pragma unroll
  for (int step = 0; step < kBlock / 16; ++step) {
    uint32_t b[kWarpColumns / 16][4];
    for (int pair = 0; pair < kWarpColumns / 16; ++pair)
      load_matrices_transposed(&shared.latents[16 * step + lane % 16][first_column + 16 * pair + lane / 16 * 8], b[pair]);
    const __half* factors = shared.factors[group] + 16 * step + 2 * (lane % 4);
    const __half2 left = *reinterpret_cast<const __half2*>(factors), right = *reinterpret_cast<const __half2*>(factors + 8);
    for (int tile = 0; tile < kTiles; ++tile) {
      uint32_t a[4];
      load_matrices(&shared.weights[16 * tile + lane % 16][16 * step + lane / 16 * 8], a);
      a[0] = as_word(__hmul2(as_half2(a[0]), left)), a[1] = as_word(__hmul2(as_half2(a[1]), left));
      a[2] = as_word(__hmul2(as_half2(a[2]), right)), a[3] = as_word(__hmul2(as_half2(a[3]), right));
      for (int pair = 0; pair < kWarpColumns / 16; ++pair) {
        multiply_halves(sums[tile][2 * pair], a, b[pair][0], b[pair][1]);
        multiply_halves(sums[tile][2 * pair + 1], a, b[pair][2], b[pair][3]);
      }
    }
  }
}

enum class Queries { kThere, kToLoad };

// Tokens [first, end) of the row: their softmax into shared.parts, their weighted sums into `sums` times 2^exponent (returned). Queries
// are loaded while the first tokens are on their way.
template <int kTiles>
__device__ int attend_split(const Task<kTiles>& task, int64_t first, int64_t end, Queries queries, float (&sums)[kTiles][kWarpColumns / 8][4]) {
  Shared<kTiles>& shared = task.shared;
  constexpr int kTokenWarps = token_warps(kTiles), kTokens = token_tiles(kTiles);
  const int lane = lane_id(), head_tile = warp_id() % kTiles, token_warp = warp_id() / kTiles, first_tile = token_warp * kTokens;
  const bool scores_tokens = token_warp < kTokenWarps;
  const int own_group = warp_id() * kWarpColumns / static_cast<int>(kScaleBlock), scale_group = static_cast<int>(threadIdx.x) % kGroups;
  const float to_powers_of_two = task.params.scale * 1.4426950408889634f;
  int sum_exponent = kNoExponent, scale_exponent = kNoExponent;   // of own_group, of scale_group
  float largest[2] = {-INFINITY, -INFINITY};                      // of the heads lane / 4 and 8 below in head_tile
  if (threadIdx.x < Shared<kTiles>::kHeads) shared.parts[threadIdx.x] = {};
  for (auto& tile : sums)
    for (auto& column : tile)
      for (float& sum : column) sum = 0;
  const int32_t* table = task.params.context.tables[task.row];
  int token = token_of(task, first, end), next_token = token_of(task, first + kBlock, end);
  fetch_tokens(task, address_of(task, token, page_of(table, token)));
  token = next_token;
  int page = page_of(table, token);
  next_token = token_of(task, first + 2 * kBlock, end);
  if (queries == Queries::kToLoad) {
#pragma unroll 2
    for (int head = warp_id(); head < Shared<kTiles>::kHeads; head += kWarps) load_query(task, head);
  }
  for (int64_t block = first; block < end; block += kBlock) {
    const int count = static_cast<int>(smaller<int64_t>(kBlock, end - block));
    wait_copies<0>();
    __syncthreads();   // this block's bytes are there, and the last block's latents are done with
    unpack_tokens(task);
    const float scale = threadIdx.x < kScaleThreads ? load_scale(task, count) : 0.0f;
    __syncthreads();
    const int sum_before = sum_exponent;
    sum_exponent = larger(sum_exponent, block_exponent(shared, own_group));
    scale_exponent = larger(scale_exponent, block_exponent(shared, scale_group));
    if (threadIdx.x < kScaleThreads)
      shared.factors[scale_group][threadIdx.x / kGroups] = isfinite(scale) ? scale > 0 ? small_power(exponent_of(scale) - scale_exponent) : __half(0.0f) : __ushort_as_half(0x7e00);
    if (block + kBlock < end) {
      fetch_tokens(task, address_of(task, token, page));
      token = next_token;
      page = page_of(table, token);
      next_token = token_of(task, block + 3 * kBlock, end);
    }

    float scores[kTokens][4] = {};
    if (scores_tokens) score_tokens(task, head_tile, first_tile, scores);
    float most[2] = {-INFINITY, -INFINITY};
    for (int tile = 0; tile < kTokens; ++tile)
      for (int i = 0; i < 4; ++i) {
        const bool present = 8 * (first_tile + tile) + 2 * (lane % 4) + i % 2 < count;
        scores[tile][i] = present ? scores[tile][i] * to_powers_of_two : -INFINITY;
        most[i / 2] = fmaxf(most[i / 2], scores[tile][i]);   // NaN is left out
      }
    for (int half = 0; half < 2; ++half) {
      most[half] = largest_of_four(most[half]);
      if (scores_tokens && lane % 4 == 0) shared.warp_largest[token_warp][16 * head_tile + 8 * half + lane / 4] = most[half];
    }
    __syncthreads();
    for (int half = 0; half < 2 && scores_tokens; ++half) {
      const int head = 16 * head_tile + 8 * half + lane / 4;
      const float before = largest[half];
      for (int warp = 0; warp < kTokenWarps; ++warp) largest[half] = fmaxf(largest[half], shared.warp_largest[warp][head]);
      const float base = base_of(largest[half]);
      if (token_warp == 0 && lane % 4 == 0) shared.shrink[head] = exp2f(before - base);
      for (int tile = 0; tile < kTokens; ++tile) {
        // The sum is of the weights as they are multiplied, so that rounding moves weight between tokens and loses none.
        const __half2 weights = __floats2half2_rn(exp2f(scores[tile][2 * half] - base), exp2f(scores[tile][2 * half + 1] - base));
        *reinterpret_cast<__half2*>(&shared.weights[head][8 * (first_tile + tile) + 2 * (lane % 4)]) = weights;
        const float sum = sum_of_four(__low2float(weights) + __high2float(weights));
        if (lane % 4 == 0) shared.tile_sums[first_tile + tile][head] = sum;
      }
    }
    __syncthreads();
    if (threadIdx.x < Shared<kTiles>::kHeads) {
      float sum = 0;
      for (int tile = 0; tile < kTokenTiles; ++tile) sum += shared.tile_sums[tile][threadIdx.x];
      Softmax& part = shared.parts[threadIdx.x];
      part.sum = fmaf(part.sum, shared.shrink[threadIdx.x], sum);
    }
    const float scale_shrink = power_of_two(larger(sum_before - sum_exponent, -127));
    for (int tile = 0; tile < kTiles; ++tile) {
      const float upper = shared.shrink[16 * tile + lane / 4] * scale_shrink, lower = shared.shrink[16 * tile + lane / 4 + 8] * scale_shrink;
      if (__all_sync(kAllLanes, upper == 1 && lower == 1)) continue;
      for (auto& column : sums[tile]) column[0] *= upper, column[1] *= upper, column[2] *= lower, column[3] *= lower;
    }
    add_tokens(task, sums);
  }
  if (token_warp == 0 && lane % 4 == 0)
    for (int half = 0; half < 2; ++half) shared.parts[16 * head_tile + 8 * half + lane / 4].largest = largest[half];
  __syncthreads();   // the parts are there
  return sum_exponent;
}

// f(head, column, sum) for every sum this lane has.
template <int kTiles, typename Function>
__device__ void for_sums(const Task<kTiles>& task, int exponent, const float (&sums)[kTiles][kWarpColumns / 8][4], const Function& f) {
  const int lane = lane_id();
  const float scale = power_of_two(exponent);
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile)
#pragma unroll
    for (int column = 0; column < kWarpColumns / 8; ++column)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int head = 16 * tile + lane / 4 + i / 2 * 8, c = warp_id() * kWarpColumns + 8 * column + 2 * (lane % 4) + i % 2;
        if (head < task.heads() && c < task.rank()) f(head, c, sums[tile][column][i] * scale);
      }
}

// A block of threads is some heads of a row; all of its splits, or with parts.sums one of them.
template <int kTiles>
__global__ void __launch_bounds__(kThreads, 1) attend(SparseAttentionParams params, Parts parts, int64_t token_bytes) {
  extern __shared__ __align__(16) std::byte memory[];
  Shared<kTiles>& shared = *reinterpret_cast<Shared<kTiles>*>(memory);
  const int64_t blocks = parts.sums ? parts.splits : 1, head_blocks = ceil_div(params.heads, 16 * kTiles);
  const int64_t split = blockIdx.x % blocks, row = blockIdx.x / blocks / head_blocks, first_head = blockIdx.x / blocks % head_blocks * 16 * kTiles;
  const Task<kTiles> task{params, shared, row, first_head, token_bytes};
  const int64_t tokens = tokens_of(params, row);
  float* out = params.out + (row * params.heads + first_head) * task.rank();
  float sums[kTiles][kWarpColumns / 8][4];
  if (parts.sums && split * kSplit >= tokens) return;
  if (parts.sums) {
    const int exponent = attend_split(task, split * kSplit, smaller(tokens, (split + 1) * kSplit), Queries::kToLoad, sums);
    const int64_t at = (row * params.heads + first_head) * parts.splits + split;   // of the first head
    for_sums(task, exponent, sums, [&](int head, int c, float sum) { parts.sums[(at + head * parts.splits) * task.rank() + c] = sum; });
    if (static_cast<int>(threadIdx.x) < task.heads()) parts.softmaxes[at + threadIdx.x * parts.splits] = shared.parts[threadIdx.x];
    return;
  }
  if (threadIdx.x < Shared<kTiles>::kHeads) shared.totals[threadIdx.x] = {};
  for (int64_t first = 0; first < tokens; first += kSplit) {
    const int exponent = attend_split(task, first, smaller(tokens, first + kSplit), first == 0 ? Queries::kToLoad : Queries::kThere, sums);
    if (threadIdx.x < Shared<kTiles>::kHeads) shared.folds[threadIdx.x] = fold(shared.totals[threadIdx.x], shared.parts[threadIdx.x]);
    __syncthreads();
    const bool last = first + kSplit >= tokens;
    for_sums(task, exponent, sums, [&](int head, int c, float sum) {
      const float total = folded(shared.folds[head], first == 0 ? 0.0f : out[head * task.rank() + c], sum);
      out[head * task.rank() + c] = last ? __fdiv_rn(total, shared.totals[head].sum) : total;
    });
  }
  if (tokens == 0)
    for (int i = threadIdx.x; i < task.heads() * task.rank(); i += kThreads) out[i] = 0;
}

template <int kTiles>
void launch_attend(const SparseAttentionParams& params, const Parts& parts, const Launch& launch) {
  const int64_t blocks = params.rows * ceil_div(params.heads, 16 * kTiles) * (parts.sums ? parts.splits : 1);
  cudaFuncSetAttribute(attend<kTiles>, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Shared<kTiles>));
  attend<kTiles><<<static_cast<unsigned>(blocks), kThreads, sizeof(Shared<kTiles>), launch.stream>>>(params, parts, static_cast<int64_t>(params.layout.token_bytes()));
}

// --- plain float32

constexpr int kPlainHeads = 8;     // a warp each
constexpr int kPlainTokens = 32;   // a lane each while they are scored

// A block of threads is eight heads of a row. In shared memory the tokens, and the heads' queries.
__global__ void __launch_bounds__(kPlainHeads* kWarp) attend_plainly(SparseAttentionParams params, int64_t token_bytes) {
  extern __shared__ float values[];
  const int rank = static_cast<int>(params.layout.rank), rope = static_cast<int>(params.layout.rope), width = rank + rope;
  const int64_t head_blocks = ceil_div(params.heads, kPlainHeads), row = blockIdx.x / head_blocks, head = blockIdx.x % head_blocks * kPlainHeads + warp_id();
  const int64_t tokens = tokens_of(params, row);
  float* query = values + kPlainTokens * (width + 1) + warp_id() * width;
  if (head < params.heads)
    for (int c = lane_id(); c < width; c += kWarp)
      query[c] = c < rank ? params.q_latent[(row * params.heads + head) * rank + c] : params.q_rope[row * params.q_rope_row_stride + head * params.q_rope_head_stride + c - rank];
  float sums[kMostRank / kWarp] = {}, largest = -INFINITY, weight_sum = 0;
  for (int64_t first = 0; first < tokens; first += kPlainTokens) {
    const int count = static_cast<int>(smaller<int64_t>(kPlainTokens, tokens - first));
    __syncthreads();   // the last tokens are done with
    for (int token = warp_id(); token < count; token += kPlainHeads) {
      const float* from = reinterpret_cast<const float*>(token_at(params, row, first + token, token_bytes));
      for (int c = lane_id(); c < width; c += kWarp) values[token * (width + 1) + c] = from[c];
    }
    __syncthreads();
    if (head >= params.heads) continue;
    const float* token = values + lane_id() * (width + 1);
    float score = 0;
    if (lane_id() < count)
      for (int c = 0; c < width; ++c) score = fmaf(query[c], token[c], score);
    score = lane_id() < count ? score * params.scale : -INFINITY;
    const float before = largest;
    largest = fmaxf(largest, warp_max(score));
    const float base = base_of(largest), shrink = expf(before - base), weight = expf(score - base);
    weight_sum = fmaf(weight_sum, shrink, warp_sum(weight));
#pragma unroll
    for (int i = 0; i < static_cast<int>(kMostRank) / kWarp; ++i) {
      const int c = lane_id() + i * kWarp;
      float sum = 0;
      if (i * kWarp >= rank) break;
      for (int t = 0; t < count; ++t) sum = fmaf(__shfl_sync(kAllLanes, weight, t), c < rank ? values[t * (width + 1) + c] : 0.0f, sum);
      sums[i] = fmaf(sums[i], shrink, sum);
    }
  }
  if (head >= params.heads) return;
  float* out = params.out + (row * params.heads + head) * rank;
#pragma unroll
  for (int i = 0; i < static_cast<int>(kMostRank) / kWarp; ++i)
    if (const int c = lane_id() + i * kWarp; c < rank) out[c] = tokens > 0 ? sums[i] / weight_sum : 0.0f;
}

void launch_plainly(const SparseAttentionParams& params, const Launch& launch) {
  const int64_t width = params.layout.rank + params.layout.rope, blocks = params.rows * ceil_div(params.heads, kPlainHeads);
  const size_t shared = static_cast<size_t>(kPlainTokens * (width + 1) + kPlainHeads * width) * sizeof(float);
  cudaFuncSetAttribute(attend_plainly, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  attend_plainly<<<static_cast<unsigned>(blocks), kPlainHeads * kWarp, shared, launch.stream>>>(params, static_cast<int64_t>(params.layout.token_bytes()));
}

// --- choosing

// Splits of the longest row there may be, as far as the host knows.
int64_t most_splits(const SparseAttentionParams& params) { return larger<int64_t>(ceil_div(params.index_stride, kSplit), 1); }

void launch_attention(const SparseAttentionParams& params, const Parts& parts, const Launch& launch) {
  const int64_t multiprocessors = device_attribute(cudaDevAttrMultiProcessorCount), splits = parts.sums ? parts.splits : 1;
  // Blocks of threads if each has `tiles` tiles of heads.
  const auto blocks = [&](int tiles) { return params.rows * splits * ceil_div(params.heads, 16 * tiles); };
  if (is_full(params)) {   // 64 heads take as long as two or three times 16
    if (is_wide(params) && params.heads > 32 && 2 * blocks(4) > multiprocessors) return attend_in_warpgroups(params, parts, launch);
    return attend_in_tiles(params, parts, launch);
  }
  // As many heads to a block as leave every multiprocessor one, and as shared memory holds.
  const auto memory = static_cast<size_t>(device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
  const auto worth = [&](int tiles, size_t bytes) { return bytes <= memory && params.heads > 8 * tiles && blocks(tiles) >= multiprocessors; };
  if (worth(4, sizeof(Shared<4>))) launch_attend<4>(params, parts, launch);
  else if (worth(2, sizeof(Shared<2>))) launch_attend<2>(params, parts, launch);
  else launch_attend<1>(params, parts, launch);
}

}  // namespace

size_t scratch_bytes(const SparseAttentionParams& params) {
  const int64_t splits = most_splits(params);
  if (params.layout.format == CacheFormat::kF32 || splits == 1 || params.rows * ceil_div(params.heads, 64) >= device_attribute(cudaDevAttrMultiProcessorCount)) return 0;
  return static_cast<size_t>(params.rows * params.heads * splits) * (static_cast<size_t>(params.layout.rank) * sizeof(float) + sizeof(Softmax));
}

void sparse_attention(const SparseAttentionParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.layout.rank > 0 && params.layout.rank <= kMostRank && params.layout.rope <= kMostRope);
  if (params.rows == 0 || params.heads == 0) return;
  if (params.layout.format == CacheFormat::kF32) return launch_plainly(params, launch);
  ASSAY_ASSERT(reinterpret_cast<uintptr_t>(params.context.pages) % 16 == 0);
  const size_t bytes = scratch_bytes(params);
  Parts parts;
  if (bytes > 0 && bytes <= launch.scratch_bytes) {
    parts.splits = most_splits(params);
    parts.sums = reinterpret_cast<float*>(launch.scratch);
    parts.softmaxes = reinterpret_cast<Softmax*>(parts.sums + params.rows * params.heads * parts.splits * params.layout.rank);
  }
  launch_attention(params, parts, launch);
  if (parts.sums) launch_beside(fold_parts, static_cast<unsigned>(params.rows * params.heads), kFoldThreads, 0, launch.stream, params, parts);
}

}  // namespace assay::cuda
