// FP8 keys of up to 128 values: tensor cores. A warp keeps 32 keys in registers and passes over the heads of one row of queries after another; the
// codes are multiplied as binary16, which holds them exactly, and summed in float32. Few rows differ from prefill in nothing but how many rows see
// the keys that a block has loaded; those of DeepSeek-V3.2's sizes have a kernel of their own (indexer_logits_decode.cu), which gives the same bits.
// All else: a thread is a key, in float32.
#include "engine/kernels/indexer_logits.cuh"
#include "engine/kernels/indexer_logits_decode.cuh"
#include "engine/kernels/quantize_group.cuh"
#include "envs/base/status.h"

namespace assay::cuda {
namespace {

constexpr int64_t kWidest = 512;

// --- tensor cores

constexpr int kThreads = 384, kWarps = kThreads / kWarp;
constexpr int kWarpKeys = 32, kBlockKeys = kWarps * kWarpKeys;
constexpr int kMostTiles = 8;                        // of keys that a block of a decoding row passes over
constexpr int kPrefillRows = 32;                     // rows that see a block's keys, where there are kLeastPrefill: they are taken to be of few sequences

// What round_queries leaves for the products: [rows, heads / 64, 16 parts, 64 heads, 8] codes as binary16 (the canonical layout of
// wgmma without swizzle), and [rows, heads] each head's weight times its scale. heads: rounded up to 64.
struct Rounded {
  __half* codes = nullptr;
  float* weights = nullptr;
  int heads = 0;
};

constexpr int padded_heads(int64_t heads) { return static_cast<int>(ceil_div(heads, kHeadBlock)) * kHeadBlock; }

bool uses_tensor_cores(const IndexLayout& layout) { return layout.format == CacheFormat::kE4m3 && layout.width <= kWidth; }

// A warp is a head of a row.
__global__ void round_queries(IndexerLogitsParams params, Rounded rounded) {
  let_next_kernel_begin();
  const int64_t i = blockIdx.x * int64_t{kWarps} + warp_id();
  if (i >= params.rows * rounded.heads) return;
  const int64_t row = i / rounded.heads, head = i % rounded.heads;
  const int width = head < params.heads ? static_cast<int>(params.layout.width) : 0;
  const float* q = params.q + (row * params.heads + head) * params.layout.width;
  const QuantizedGroup group = quantize_group(width, [&](int at) { return q[at]; });
  for (int j = 0; j < kGroupValues; ++j) {
    const __half_raw half{static_cast<unsigned short>(e4m3x2_to_half2(group.codes[j]))};
    const int c = lane_id() + j * kWarp;
    rounded.codes[row * rounded.heads * kWidth + place_of(head, c)] = c < width ? __half(half) : __half(0.0f);
  }
  if (lane_id() == 0) rounded.weights[i] = head < params.heads ? params.w[row * params.w_stride + head] * group.scale : 0.0f;
}

struct Keys {
  uint32_t values[2][kSteps][4];   // two tiles of 16 keys
  float scales[2][2];              // of the lane's two keys in each tile
};

// A warp's 32 keys as they lie in the cache, in shared memory: see raw_part.
struct RawKeys {
  std::byte bytes[kWarpKeys][kWidth];
  float scales[kWarpKeys];
};

// The warp's 32 keys lie in one page of 64: which.
__device__ int page_of(const int32_t* table, int64_t first_key, int64_t length) { return first_key < length ? table[first_key / kPageTokens] : 0; }

// The warp starts copying; keys beyond the row's length become zeros.
__device__ void fetch_keys(const IndexerLogitsParams& params, int page_number, int64_t first_key, int64_t length, int64_t page_bytes, RawKeys& raw) {
  const int width = static_cast<int>(params.layout.width);
  const std::byte* page = params.context.pages + page_number * page_bytes;
  const int offset = static_cast<int>(first_key % kPageTokens), count = static_cast<int>(larger<int64_t>(0, smaller<int64_t>(kWarpKeys, length - first_key)));
  if (width == kWidth) {
#pragma unroll
    for (int i = 0; i < kWarpKeys * (kWidth / 16) / kWarp; ++i) {
      const int key = 4 * i + lane_id() / 8, part = lane_id() % 8;
      copy_async(raw.bytes[key] + raw_part(key, part), page + (offset + key) * kWidth + 16 * part, key < count);
    }
  } else {
    for (int i = lane_id(); i < kWarpKeys * kWidth; i += kWarp) {
      const int key = i / kWidth, c = i % kWidth;
      raw.bytes[key][raw_part(key, c / 16) + c % 16] = key < count && c < width ? page[(offset + key) * width + c] : std::byte{0};
    }
  }
  copy_word_async(raw.scales + lane_id(), page + kPageTokens * width + 4 * (offset + lane_id()), lane_id() < count);
  commit_copies();
}

__device__ void unpack_keys(const RawKeys& raw, Keys& keys) {
#pragma unroll
  for (int tile = 0; tile < 2; ++tile) {
    unpack_tile(raw.bytes + 16 * tile, keys.values[tile]);
    for (int half = 0; half < 2; ++half) keys.scales[tile][half] = raw.scales[16 * tile + 8 * half + lane_id() / 4];
  }
}

// What copies wrote to shared memory, visible to products once all threads have passed a barrier.
__device__ void publish_copies() {
  wait_copies<0>();
  publish_to_products();
}

// Of `rows` rows, which follow one another there too.
__device__ void fetch_queries(const Rounded& rounded, int64_t row, int rows, __half* queries, float* weights) {
  const __half* codes = rounded.codes + row * rounded.heads * kWidth;
  for (int i = threadIdx.x; i < rows * rounded.heads * kParts; i += kThreads) copy_async(queries + i * 8, codes + i * 8);
  for (int i = threadIdx.x; i < rows * rounded.heads / 4; i += kThreads) copy_async(weights + 4 * i, rounded.weights + row * rounded.heads + 4 * i);
  commit_copies();
}

// A block is `key_tiles` tiles of 384 keys of one row, or one tile for `rows` rows. Of one row, keys are copied a tile ahead of the
// products; of several, they are copied where another sequence begins. While the second of a warp's two tiles of keys is multiplied, the dots of the
// first are added up.
__global__ void __launch_bounds__(kThreads, 1) score_in_tensor_cores(IndexerLogitsParams params, Rounded rounded, int64_t page_bytes, int rows, int stage_rows, int key_tiles) {
  extern __shared__ __align__(128) std::byte shared[];
  const int query_halves = rounded.heads * kWidth;
  __half* all_queries = reinterpret_cast<__half*>(shared);                                          // two stages
  float* all_weights = reinterpret_cast<float*>(all_queries + 2 * stage_rows * query_halves);       // two stages
  RawKeys* raw = reinterpret_cast<RawKeys*>(all_weights + 2 * stage_rows * rounded.heads) + 2 * warp_id();   // two stages
  const int64_t first_row = blockIdx.y * int64_t{rows}, end_row = smaller(params.rows, first_row + rows);
  const int64_t block_key = blockIdx.x * int64_t{kBlockKeys} * key_tiles, first_key = block_key + warp_id() * kWarpKeys, end_key = block_key + int64_t{kBlockKeys} * key_tiles;
  Keys keys;
  const int32_t* loaded_table = nullptr;
  int64_t loaded_key = -1, loaded_length = 0;
  int stage = 0, raw_stage = 0;
  const int32_t* next_table = params.context.tables[first_row];
  int64_t next_length = params.context.lengths[first_row];
  fetch_keys(params, page_of(next_table, first_key, next_length), first_key, next_length, page_bytes, raw[0]);
  int next_page = page_of(next_table, first_key + kBlockKeys, next_length);
  wait_for_kernel_before();
  const auto fetch_stage = [&](int64_t row, int to) {
    fetch_queries(rounded, row, static_cast<int>(smaller<int64_t>(stage_rows, end_row - row)), all_queries + to * stage_rows * query_halves, all_weights + to * stage_rows * rounded.heads);
  };
  fetch_stage(first_row, 0);
  int in_stage = stage_rows - 1;
  for (int64_t row = first_row; row < end_row; ++row) {
    if (++in_stage == stage_rows) {
      in_stage = 0;
      if (row != first_row) stage ^= 1;
      publish_copies();
      __syncthreads();   // these queries are there, and everyone is done with the other stage
      if (row + stage_rows < end_row) fetch_stage(row + stage_rows, stage ^ 1);
    }
    const __half* queries = all_queries + (stage * stage_rows + in_stage) * query_halves;
    const float* weights = all_weights + (stage * stage_rows + in_stage) * rounded.heads;
    const int32_t* const table = next_table;
    const int64_t length = next_length, end = smaller(length, end_key);
    if (row + 1 < end_row) {
      next_table = params.context.tables[row + 1];
      next_length = params.context.lengths[row + 1];
    }
    for (int64_t block = block_key; block < end; block += kBlockKeys) {   // warps without keys go along: products take groups of warps
      const int64_t key = block + warp_id() * kWarpKeys;
      if (table != loaded_table || key != loaded_key || loaded_length < smaller(length, key + kWarpKeys)) {
        if (row != first_row) fetch_keys(params, page_of(table, key, length), key, length, page_bytes, raw[raw_stage]);
        if (block + kBlockKeys < end) {
          fetch_keys(params, next_page, key + kBlockKeys, length, page_bytes, raw[raw_stage ^ 1]);
          next_page = page_of(table, key + 2 * kBlockKeys, length);
          wait_copies<1>();
        } else {
          wait_copies<0>();
        }
        __syncwarp();
        unpack_keys(raw[raw_stage], keys);
        __syncwarp();   // before the stage is filled again
        raw_stage ^= 1;
        loaded_table = table, loaded_key = key, loaded_length = length;
      }
      float sums[2][2] = {};
      for (int head = 0; head < rounded.heads; head += kHeadBlock) {
        const __half* some = queries + head * kWidth;
        const float* of_some = weights + head;
        float dots[2][32];
        multiply_heads(dots[0], keys.values[0], some);
        multiply_heads(dots[1], keys.values[1], some);
        wait_for_dots<1>(dots[0]);
        add_heads(dots[0], of_some, sums[0]);
        wait_for_dots<0>(dots[1]);
        add_heads(dots[1], of_some, sums[1]);
      }
#pragma unroll
      for (int tile = 0; tile < 2; ++tile) write_logits(params, row, key + 16 * tile, length, keys.scales[tile], sums[tile]);
    }
  }
}

size_t weight_bytes_of(const IndexerLogitsParams& params) { return static_cast<size_t>(params.rows * padded_heads(params.heads)) * sizeof(float); }
size_t code_bytes_of(const IndexerLogitsParams& params) { return static_cast<size_t>(params.rows * padded_heads(params.heads) * kWidth) * sizeof(__half); }

void launch_tensor_cores(const IndexerLogitsParams& params, const Launch& launch) {
  ASSAY_ASSERT(launch.scratch_bytes >= scratch_bytes(params));
  ASSAY_ASSERT(reinterpret_cast<uintptr_t>(params.context.pages) % 16 == 0);
  const Rounded rounded{reinterpret_cast<__half*>(launch.scratch), reinterpret_cast<float*>(launch.scratch + code_bytes_of(params)), padded_heads(params.heads)};
  round_queries<<<static_cast<unsigned>(ceil_div(params.rows * rounded.heads, kWarps)), kThreads, 0, launch.stream>>>(params, rounded);
  // Few rows: a block keeps the queries and passes over keys; many: it keeps keys and passes over queries.
  const int64_t tiles = ceil_div(params.logits_stride, kBlockKeys), blocks_at_once = device_attribute(cudaDevAttrMultiProcessorCount);
  const bool prefill = params.rows >= kLeastPrefill;
  const int rows = prefill ? kPrefillRows : 1;
  const int key_tiles = prefill ? 1 : static_cast<int>(smaller<int64_t>(kMostTiles, ceil_div(params.rows * tiles, blocks_at_once)));
  // As many rows of queries at once as shared memory holds twice, so that threads seldom wait for one another.
  const size_t row_bytes = 2 * static_cast<size_t>(rounded.heads) * (kWidth * sizeof(__half) + sizeof(float)), key_bytes = 2 * kWarps * sizeof(RawKeys);
  const auto most_bytes = static_cast<size_t>(device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin));
  const int stage_rows = most_bytes < key_bytes + row_bytes ? 1 : static_cast<int>(smaller<int64_t>(rows, static_cast<int64_t>((most_bytes - key_bytes) / row_bytes)));
  const size_t shared = key_bytes + static_cast<size_t>(stage_rows) * row_bytes;
  cudaFuncSetAttribute(score_in_tensor_cores, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  const dim3 grid(static_cast<unsigned>(ceil_div(tiles, key_tiles)), static_cast<unsigned>(ceil_div(params.rows, rows)));
  launch_beside(score_in_tensor_cores, grid, kThreads, shared, launch.stream, params, rounded, static_cast<int64_t>(params.layout.page_bytes()), rows, stage_rows, key_tiles);
}

// --- plain float32

// A block is a page of a row, a thread a key. In shared memory the keys, a value more than their width apart, and one head's query.
__global__ void score_plainly(IndexerLogitsParams params, int64_t page_bytes) {
  extern __shared__ float values[];
  const int64_t row = blockIdx.y, first = blockIdx.x * kPageTokens, length = params.context.lengths[row];
  if (first >= length) return;
  const int width = static_cast<int>(params.layout.width), count = static_cast<int>(smaller(kPageTokens, length - first));
  const bool e4m3 = params.layout.format == CacheFormat::kE4m3;
  float* query = values + kPageTokens * (width + 1);
  const std::byte* page = params.context.pages + params.context.tables[row][blockIdx.x] * page_bytes;
  for (int i = threadIdx.x; i < count * width; i += kPageTokens) {
    const int key = i / width, c = i % width;
    float value = 0;
    if (e4m3) {
      float scale;
      memcpy(&scale, page + kPageTokens * width + 4 * (key * ceil_div(width, kScaleBlock) + c / kScaleBlock), sizeof scale);
      value = e4m3_to_float(static_cast<uint8_t>(page[i])) * scale;
    } else {
      value = reinterpret_cast<const float*>(page)[i];
    }
    values[key * (width + 1) + c] = value;
  }
  float logit = 0;
  for (int64_t head = 0; head < params.heads; ++head) {
    const float* q = params.q + (row * params.heads + head) * width;
    __syncthreads();   // the last query has been read
    if (!e4m3) {
      for (int c = threadIdx.x; c < width; c += kPageTokens) query[c] = q[c];
    } else if (warp_id() == 0) {
      for (int start = 0; start < width; start += static_cast<int>(kScaleBlock)) {
        const int in_group = static_cast<int>(smaller<int64_t>(kScaleBlock, width - start));
        const QuantizedGroup group = quantize_group(in_group, [&](int i) { return q[start + i]; });
        for (int j = 0; j < kGroupValues; ++j)
          if (lane_id() + j * kWarp < in_group) query[start + lane_id() + j * kWarp] = e4m3_to_float(group.codes[j]) * group.scale;
      }
    }
    __syncthreads();
    if (static_cast<int>(threadIdx.x) >= count) continue;
    const float* key = values + threadIdx.x * (width + 1);
    float dot = 0;
    for (int c = 0; c < width; ++c) dot = fmaf(query[c], key[c], dot);
    logit = fmaf(params.w[row * params.w_stride + head], positive(dot), logit);
  }
  if (static_cast<int>(threadIdx.x) < count) params.logits[row * params.logits_stride + first + threadIdx.x] = logit;
}

}  // namespace

size_t scratch_bytes(const IndexerLogitsParams& params) { return uses_tensor_cores(params.layout) ? code_bytes_of(params) + weight_bytes_of(params) : 0; }

void indexer_logits(const IndexerLogitsParams& params, const Launch& launch) {
  ASSAY_ASSERT(params.layout.width > 0 && params.layout.width <= kWidest);
  if (params.rows == 0 || params.logits_stride == 0) return;
  if (is_decode(params)) return score_rows(params, launch);
  if (uses_tensor_cores(params.layout)) return launch_tensor_cores(params, launch);
  const size_t shared = static_cast<size_t>(kPageTokens * (params.layout.width + 1) + params.layout.width) * sizeof(float);
  cudaFuncSetAttribute(score_plainly, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  const dim3 grid(static_cast<unsigned>(ceil_div(params.logits_stride, kPageTokens)), static_cast<unsigned>(params.rows));
  score_plainly<<<grid, kPageTokens, shared, launch.stream>>>(params, static_cast<int64_t>(params.layout.page_bytes()));
}

}  // namespace assay::cuda
