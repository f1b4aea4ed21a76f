// What the kernels of indexer_logits.h on this device have in common: how tensor cores multiply FP8 keys of up to 128 values with queries, and what
// becomes of the products. Codes are multiplied as binary16, which holds them exactly, and summed in float32.
#pragma once

#include "engine/kernels/wgmma.cuh"

namespace assay::cuda {

constexpr int kWidth = 128;                          // of a key, zeros beyond its own
constexpr int kHeadBlock = 64;                       // heads multiplied at once; zeros beyond the last
constexpr int kSteps = kWidth / 16;
constexpr int kParts = kWidth / 8;                   // of 16 bytes, of a head's codes
constexpr int kLeastPrefill = 128;                   // rows

// Where 16 bytes of a key lie in the columns of the products is the kernel's own affair, as long as queries and keys agree: so that a lane
// can take a key's bytes 16 at a time, lane t of four takes values [16 t, 16 t + 16) of each half, four to a step. Of a query's value c:
// its place among the row's codes.
__device__ inline int64_t place_of(int64_t head, int c) {
  const int step = c / 64 * 4 + c % 16 / 4, lane = c % 64 / 16, part = 2 * step + c % 4 / 2;
  return ((head / kHeadBlock * kParts + part) * kHeadBlock + head % kHeadBlock) * 8 + 2 * lane + c % 2;
}

// Keys as they lie in the cache, in shared memory: rows of 128 bytes, the halves of every other row exchanged, so that two rows' parts lie in
// different banks. Where 16 bytes lie.
__device__ inline int raw_part(int key, int part) { return (part ^ key % 2 * 4) * 16; }
// A warp takes 16 of them.
__device__ inline void unpack_tile(const std::byte (*raw)[kWidth], uint32_t (&keys)[kSteps][4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half)
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      const int key = 8 * half + lane_id() / 4;
      const uint4 bytes = *reinterpret_cast<const uint4*>(raw[key] + raw_part(key, 4 * part + lane_id() % 4));
      const uint32_t words[4] = {bytes.x, bytes.y, bytes.z, bytes.w};
#pragma unroll
      for (int step = 0; step < 4; ++step) e4m3x4_to_halves(words[step], keys[4 * part + step][half], keys[4 * part + step][2 + half]);
    }
}

// NaN stays.
__device__ inline float positive(float x) {
  asm("max.NaN.f32 %0, %0, 0f00000000;" : "+f"(x));
  return x;
}

// dots[16 keys of each warp of a group of four, 64 heads] of one tile, in the order of multiply_halves' sums for each eight heads.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
__device__ inline void multiply_step(float (&d)[32], const uint32_t (&a)[4], uint64_t b, int accumulate) {
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %37, 0;"
               "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
               "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, {%32,%33,%34,%35}, %36, p, 1, 1, 0; }"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]),
                 "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]),
                 "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate));
}

__device__ inline void multiply_step(float (&d)[16], const uint32_t (&a)[4], uint64_t b, int accumulate) {
  asm volatile("{ .reg .pred p; setp.ne.b32 p, %21, 0;"
               "wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, {%16,%17,%18,%19}, %20, p, 1, 1, 0; }"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]),
                 "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate));
}

// Begins; after wait_for_dots the dots are there.
template <int kDots>
__device__ void multiply_heads(float (&dots)[kDots], const uint32_t (&keys)[kSteps][4], const __half* queries) {
  // Of the queries: parts lie 1024 bytes apart, groups of eight heads 128.
  const auto address = static_cast<uint64_t>(__cvta_generic_to_shared(queries));
  const uint64_t descriptor = (address & 0x3ffff) >> 4 | uint64_t{1024 >> 4} << 16 | uint64_t{128 >> 4} << 32;
  begin_products();
#pragma unroll
  for (int step = 0; step < kSteps; ++step) multiply_step(dots, keys[step], descriptor + step * (2 * 1024 >> 4), step);
  commit_products();
}
// But for the last `kPending` that were begun.
template <int kPending, int kDots>
__device__ void wait_for_dots(float (&dots)[kDots]) {
  wait_products<kPending>();
#pragma unroll
  for (float& dot : dots) asm volatile("" : "+f"(dot)::"memory");   // not read before
}
#else
template <int kDots>
__device__ void multiply_heads(float (&dots)[kDots], const uint32_t (&keys)[kSteps][4], const __half* queries) {
#pragma unroll
  for (int tile = 0; tile < kDots / 4; ++tile) {
    float sums[4] = {};
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      const __half* query = queries + (2 * step * kHeadBlock + 8 * tile + lane_id() / 4) * 8 + 2 * (lane_id() % 4);
      multiply_halves(sums, keys[step], *reinterpret_cast<const uint32_t*>(query), *reinterpret_cast<const uint32_t*>(query + kHeadBlock * 8));
    }
    for (int i = 0; i < 4; ++i) dots[4 * tile + i] = sums[i];
  }
}
template <int kPending, int kDots>
__device__ void wait_for_dots(float (&)[kDots]) {}
#endif

// Adds weight * positive(dot) of some heads to the sums of the lane's two keys in a tile.
template <int kDots>
__device__ void add_heads(const float (&dots)[kDots], const float* weights, float (&sums)[2]) {
#pragma unroll
  for (int tile = 0; tile < kDots / 4; ++tile) {
    const float2 weight = *reinterpret_cast<const float2*>(weights + 8 * tile + 2 * (lane_id() % 4));
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      sums[half] = fmaf(weight.x, positive(dots[4 * tile + 2 * half]), sums[half]);
      sums[half] = fmaf(weight.y, positive(dots[4 * tile + 2 * half + 1]), sums[half]);
    }
  }
}

// Of one tile of 16 keys.
__device__ inline void write_logits(const IndexerLogitsParams& params, int64_t row, int64_t first_key, int64_t length, const float (&scales)[2], const float (&sums)[2]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float sum = sums[half];
    sum += __shfl_xor_sync(kAllLanes, sum, 1);
    sum += __shfl_xor_sync(kAllLanes, sum, 2);
    const int64_t key = first_key + 8 * half + lane_id() / 4;
    if (lane_id() % 4 == 0 && key < length) params.logits[row * params.logits_stride + key] = sum * scales[half];
  }
}

}  // namespace assay::cuda
