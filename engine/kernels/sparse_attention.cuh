// What the kernels of sparse_attention.h on this device have in common: a row's splits and how their results are folded, and what is done to a
// query's and a token's numbers before tensor cores multiply them.
#pragma once

#include "engine/kernels/device.cuh"

namespace assay::cuda {

constexpr int64_t kSplit = 512;                           // tokens
constexpr int64_t kMostRank = 512, kMostRope = 64;
constexpr int kRank = static_cast<int>(kMostRank), kRope = static_cast<int>(kMostRope);
constexpr int kGroups = static_cast<int>(kMostRank / kScaleBlock);
constexpr int kRawBytes = 16 * ((kRank + 4 * kGroups + 2 * kRope + 15) / 16);   // of the largest token, as it lies in the cache
constexpr int kNoExponent = -1000;

__device__ inline int64_t tokens_of(const SparseAttentionParams& params, int64_t row) { return params.indices ? params.counts[row] : params.context.lengths[row]; }

// --- folding

// A softmax over some tokens: the largest score (in powers of two), and the sum of 2^(score - largest).
struct Softmax {
  float largest = -INFINITY, sum = 0;
};

// Where all scores are minus infinity all weights are zero, not NaN.
__device__ inline float base_of(float largest) { return largest == -INFINITY ? 0.0f : largest; }

// What a total and a split's part are multiplied by when they become one.
struct Fold {
  float total = 0, part = 1;
};
__device__ inline Fold fold(Softmax& total, const Softmax& part) {
  const float largest = fmaxf(total.largest, part.largest), base = base_of(largest);
  const Fold factors{exp2f(total.largest - base), exp2f(part.largest - base)};
  total = {largest, __fmaf_rn(total.sum, factors.total, __fmul_rn(part.sum, factors.part))};
  return factors;
}
__device__ inline float folded(const Fold& factors, float total, float part) { return __fmaf_rn(total, factors.total, __fmul_rn(part, factors.part)); }

// Results of splits in scratch: for each (row, head, split) `rank` sums, and after all of those each one's Softmax.
struct Parts {
  float* sums = nullptr;
  Softmax* softmaxes = nullptr;
  int64_t splits = 0;   // of the longest row
};

// --- numbers

// A float32 as the sum of two bfloat16, of 16 bits. Both have its sign and only zero has a zero, so that infinite keys give what they
// give with the value itself.
struct Halves {
  __nv_bfloat16 high, low;
};
__device__ inline Halves halves_of(float x) {
  const float high = __uint_as_float(__float_as_uint(x) & 0xffff0000u);
  const __nv_bfloat16 low = __float2bfloat16_rn(x - high);
  const auto smallest = static_cast<unsigned short>((__float_as_uint(x) >> 16 & 0x8000u) | (x != 0));
  return {__float2bfloat16_rn(high), isfinite(x) && x != high ? low : __ushort_as_bfloat16(smallest)};
}

// 2^exponent as binary16, exponent <= 0: zero below its smallest number.
__device__ inline __half small_power(int exponent) {
  return __ushort_as_half(static_cast<unsigned short>(exponent >= -14 ? (exponent + 15) << 10 : exponent >= -24 ? 1 << (exponent + 24) : 0));
}

__device__ inline float largest_of_four(float value) {
  value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  return fmaxf(value, __shfl_xor_sync(kAllLanes, value, 2));
}
__device__ inline float sum_of_four(float value) {
  value += __shfl_xor_sync(kAllLanes, value, 1);
  return value + __shfl_xor_sync(kAllLanes, value, 2);
}

// --- tokens

__device__ inline int page_of(const int32_t* table, int token) { return token < 0 ? 0 : table[token / static_cast<int>(kPageTokens)]; }
// A warp starts copying eight tokens of the largest size to one place behind the other, four at once; lane i < 8 has the address of token i, null
// for zeros.
__device__ inline void fetch_full_tokens(std::byte* to, const std::byte* mine, const std::byte* pages) {
  constexpr int kParts = kRawBytes / 16;
#pragma unroll
  for (int four = 0; four < 8; four += 4) {
    const int token = four + lane_id() / 8, part = lane_id() % 8;
    const auto* from = reinterpret_cast<const std::byte*>(__shfl_sync(kAllLanes, reinterpret_cast<unsigned long long>(mine), token));
    const bool present = from != nullptr;
    const std::byte* parts = (present ? from : pages) + 16 * part;
#pragma unroll
    for (int at = 0; at < kParts; at += 8)
      if (at + 8 <= kParts || part < kParts - at) copy_async(to + token * kRawBytes + 16 * (part + at), parts + 16 * at, present);
  }
}

}  // namespace assay::cuda
