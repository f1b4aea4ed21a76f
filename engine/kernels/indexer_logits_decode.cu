// A block of threads is some pages of one row, whose queries it rounds while its first keys are on their way. A page is a warpgroup's, 16 keys a warp's;
// pages are copied four ahead. Registers for half of the heads at a time leave room for four warpgroups, which hide one another's waits.
#include "engine/kernels/indexer_logits.cuh"
#include "engine/kernels/indexer_logits_decode.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int kThreads = 512, kWarps = kThreads / kWarp, kGroupWarps = 4, kGroups = kWarps / kGroupWarps;
constexpr int kPage = static_cast<int>(kPageTokens), kKeys = kPage / kGroupWarps;   // of a page, of a warp in it
constexpr int kStages = 5;

struct RawKeys {
  std::byte bytes[kKeys][kWidth];   // see raw_part
  float scales[kKeys];
};
struct Shared {
  alignas(128) __half queries[kHeadBlock * kWidth];
  alignas(16) float weights[kHeadBlock];   // times the queries' scales
  RawKeys raw[kWarps][kStages];
};

// The row's queries, rounded as fp8_quantize.h says. Four lanes have a head, each the values that a lane has of a key.
struct Query {
  float4 values[2][4];
  float weight = 0;
};
__device__ int query_head() { return warp_id() * (kWarp / 4) + lane_id() / 4; }
__device__ void load_query(const IndexerLogitsParams& params, int64_t row, Query& query) {
  const int head = query_head();
  const bool present = head < params.heads;
  const float* q = params.q + (row * params.heads + head) * kWidth + 16 * (lane_id() % 4);
#pragma unroll
  for (int i = 0; i < 8; ++i) query.values[i / 4][i % 4] = present ? *reinterpret_cast<const float4*>(q + i / 4 * 64 + i % 4 * 4) : make_float4(0, 0, 0, 0);
  if (present) query.weight = params.w[row * params.w_stride + head];
}
__device__ void round_query(const Query& query, Shared& shared) {
  float amax = 0;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const float4 four = query.values[i / 4][i % 4];
    amax = fmaxf(amax, fmaxf(fmaxf(fabsf(four.x), fabsf(four.y)), fmaxf(fabsf(four.z), fabsf(four.w))));
  }
  for (int mask : {1, 2}) amax = fmaxf(amax, __shfl_xor_sync(kAllLanes, amax, mask));
  const float scale = power_of_two_scale(amax), inverse = 1 / scale;   // exact, of a power of two
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const float4 four = query.values[i / 4][i % 4];
    __half* to = shared.queries + place_of(query_head(), i / 4 * 64 + 16 * (lane_id() % 4) + i % 4 * 4);
    *reinterpret_cast<uint32_t*>(to) = e4m3x2_to_half2(to_e4m3(four.x * inverse) | to_e4m3(four.y * inverse) << 8);
    *reinterpret_cast<uint32_t*>(to + kHeadBlock * 8) = e4m3x2_to_half2(to_e4m3(four.z * inverse) | to_e4m3(four.w * inverse) << 8);
  }
  if (lane_id() % 4 == 0) shared.weights[query_head()] = query.weight * scale;
}

// A warp starts copying its keys of a page; from `count` on they become zeros.
__device__ void fetch_keys(const std::byte* page, int count, RawKeys& raw) {
  const int first = warp_id() % kGroupWarps * kKeys, lane = lane_id();
  const std::byte* from = page + first * kWidth + 16 * lane;
  std::byte* to = raw.bytes[lane / 8] + raw_part(lane / 8, lane % 8);
#pragma unroll
  for (int key = 0; key < kKeys; key += 4) copy_async(to + key * kWidth, from + key * kWidth, key + lane / 8 < count);
  if (lane < kKeys) copy_word_async(raw.scales + lane, page + kPage * kWidth + 4 * (first + lane), lane < count);
}

__global__ void __launch_bounds__(kThreads, 1) score_pages(IndexerLogitsParams params, int64_t page_bytes, int block_pages) {
  wait_for_kernel_before();
  extern __shared__ __align__(128) std::byte memory[];
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const int64_t row = blockIdx.y;
  const int length = static_cast<int>(params.context.lengths[row]), first_page = static_cast<int>(blockIdx.x) * block_pages;
  const int end_page = smaller(first_page + block_pages, (length + kPage - 1) / kPage), end_key = smaller(length, end_page * kPage);
  if (first_page >= end_page) return;
  const int32_t* table = params.context.tables[row];
  const int own_page = first_page + warp_id() / kGroupWarps;   // the warpgroup's first
  int fetched = 0, numbers = 0;                                // a lane's of the next 32 pages
  const auto fetch = [&] {
    const int page = own_page + kGroups * fetched;
    if (page < end_page) {
      if (fetched % kWarp == 0 && page + kGroups * lane_id() < end_page) numbers = table[page + kGroups * lane_id()];
      const int number = __shfl_sync(kAllLanes, numbers, fetched % kWarp);
      fetch_keys(params.context.pages + number * page_bytes, length - page * kPage - warp_id() % kGroupWarps * kKeys, shared.raw[warp_id()][fetched % kStages]);
    }
    ++fetched;
    commit_copies();   // of none, too, so that those before are counted
  };
  const bool has_query = query_head() < kHeadBlock;
  Query query;
  if (has_query) load_query(params, row, query);
#pragma unroll 1
  for (int i = 0; i < kStages - 1; ++i) fetch();
  if (has_query) round_query(query, shared);
  publish_to_products();
  __syncthreads();

  const int turns = (end_page - first_page + kGroups - 1) / kGroups;
#pragma unroll 1
  for (int i = 0; i < turns; ++i) {   // the same for all warpgroups: what one multiplies beyond its last page does not count
    wait_copies<kStages - 2>();
    __syncwarp();
    const RawKeys& raw = shared.raw[warp_id()][i % kStages];
    uint32_t keys[kSteps][4];
    unpack_tile(raw.bytes, keys);
    const float scales[2] = {raw.scales[lane_id() / 4], raw.scales[8 + lane_id() / 4]};
    __syncwarp();   // before they are copied over
    float dots[2][kHeadBlock / 4], sums[2] = {};
#pragma unroll
    for (int half = 0; half < 2; ++half) multiply_heads(dots[half], keys, shared.queries + half * kHeadBlock / 2 * 8);
    fetch();
    wait_for_dots<1>(dots[0]);
    add_heads(dots[0], shared.weights, sums);
    wait_for_dots<0>(dots[1]);
    add_heads(dots[1], shared.weights + kHeadBlock / 2, sums);
    write_logits(params, row, (own_page + kGroups * i) * kPage + warp_id() % kGroupWarps * kKeys, end_key, scales, sums);
  }
}

}  // namespace

bool is_decode(const IndexerLogitsParams& params) {
  return params.layout.format == CacheFormat::kE4m3 && params.layout.width == kWidth && params.heads <= kHeadBlock && params.rows < kLeastPrefill;
}

void score_rows(const IndexerLogitsParams& params, const Launch& launch) {
  ASSAY_ASSERT(is_decode(params) && reinterpret_cast<uintptr_t>(params.context.pages) % 16 == 0 && reinterpret_cast<uintptr_t>(params.q) % 16 == 0);
  // Rows share the multiprocessors; from 33 on in several rounds, so that few of these are without a block in the last.
  const int64_t pages = ceil_div(params.logits_stride, kPageTokens), blocks = ceil_div(params.rows, 32) * device_attribute(cudaDevAttrMultiProcessorCount);
  const int64_t block_pages = ceil_div(pages, larger<int64_t>(1, blocks / params.rows));
  cudaFuncSetAttribute(score_pages, cudaFuncAttributeMaxDynamicSharedMemorySize, sizeof(Shared));
  const dim3 grid(static_cast<unsigned>(ceil_div(pages, block_pages)), static_cast<unsigned>(params.rows));
  launch_beside(score_pages, grid, kThreads, sizeof(Shared), launch.stream, params, static_cast<int64_t>(params.layout.page_bytes()), static_cast<int>(block_pages));
}

}  // namespace assay::cuda
