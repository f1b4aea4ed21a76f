// Vectors of neighbouring keys: a page is turned into [width][64] once for a group of rows of one sequence, and every dot product
// is one chain of fused multiply-adds over ascending width, whatever the vector. So neither the group nor the instruction set
// shows in the bits.
#ifndef ASSAY_SIMD_BODY
#include <vector>

#include "engine/kernels/indexer_logits.h"
#include "engine/numeric.h"
#define ASSAY_SIMD_BODY "engine/kernels/indexer_logits_cpu.cc"
#include "engine/kernels/simd.h"
#else
namespace {

constexpr int64_t kGroupRows = 64;   // rows of one sequence that share a turned page
constexpr int64_t kItemPages = 4;    // for a worker at a time
constexpr int64_t kAcross = 16;      // a multiple of every vector: what rows of floats are padded to
constexpr int kHeadBlock = 4, kKeyVectors = ASSAY_AVX512 ? 4 : 2;   // accumulators that fit into registers

// Pages [first_page, end_page) for rows [first_row, end_row).
struct Item {
  int64_t first_row = 0, end_row = 0, first_page = 0, end_page = 0;
};

std::vector<Item> make_items(const IndexerLogitsParams& params) {
  const PagedRows& context = params.context;
  std::vector<Item> items;
  for (int64_t first = 0, end = 0; first < params.rows; first = end) {
    int64_t longest = 0;
    for (; end < params.rows && end < first + kGroupRows && context.tables[end] == context.tables[first]; ++end)
      longest = std::max(longest, context.lengths[end]);
    const int64_t pages = (longest + kPageTokens - 1) / kPageTokens;
    for (int64_t page = 0; page < pages; page += kItemPages) items.push_back({first, end, page, std::min(pages, page + kItemPages)});
  }
  return items;
}

void round_query(int64_t width, const float* q, float* rounded) {
  for (int64_t start = 0; start < width; start += kScaleBlock) {
    float* to = rounded + start;
    const int64_t count = std::min(kScaleBlock, width - start);
    const float scale = round_group(q + start, count, [&](int64_t i, Vector values, int64_t lanes) { store_up_to(to + i, values, lanes); });
    for (int64_t i = 0; i < count; ++i) to[i] *= scale;
  }
}

// Queries [rows, heads, width] as the products take them.
std::vector<float> rounded_queries(const IndexerLogitsParams& params, Workers& workers) {
  const int64_t width = params.layout.width;
  std::vector<float> rounded(static_cast<size_t>(params.rows * params.heads * width));
  workers.run(params.rows, [&](int64_t r, int) {
    for (int64_t j = r * params.heads; j < (r + 1) * params.heads; ++j) round_query(width, params.q + j * width, rounded.data() + j * width);
  });
  return rounded;
}

// Keys of a page in float32, rows `stride` apart. A vector may read past a key's codes, into the scales that follow them all.
void dequantize_page(const IndexLayout& layout, const std::byte* page, int64_t keys, float* to, int64_t stride) {
  const uint8_t* codes = reinterpret_cast<const uint8_t*>(page);
  const std::byte* scales = page + kPageTokens * layout.width;
  for (int64_t key = 0; key < keys; ++key)
    for (int64_t start = 0; start < layout.width; start += kScaleBlock, scales += sizeof(float)) {
      float scale;
      std::memcpy(&scale, scales, sizeof scale);
      for (int64_t c = start; c < std::min(layout.width, start + kScaleBlock); c += kLanes)
        store(to + key * stride + c, load_e4m3(codes + key * layout.width + c) * broadcast(scale));
    }
}

// Eight rows of eight, `stride` apart, become eight columns of a tile.
void turn_eight(const float* rows, int64_t stride, float* tile) {
  __m256 a[8], b[8];
  for (int i = 0; i < 8; ++i) a[i] = _mm256_loadu_ps(rows + i * stride);
  for (int i = 0; i < 8; i += 2) {
    b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
    a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(tile + i * kPageTokens, _mm256_permute2f128_ps(a[i], a[i + 4], 0x20));
    _mm256_storeu_ps(tile + (i + 4) * kPageTokens, _mm256_permute2f128_ps(a[i], a[i + 4], 0x31));
  }
}

// tile[c][key] = rows[key][c]; keys in whole eights, whose memory is there even where no token is.
void turn(const float* rows, int64_t stride, int64_t keys, int64_t width, float* tile) {
  for (int64_t key = 0; key < keys; key += 8) {
    int64_t c = 0;
    for (; c + 8 <= width; c += 8) turn_eight(rows + key * stride + c, stride, tile + c * kPageTokens + key);
    for (; c < width; ++c)
      for (int64_t i = key; i < key + 8; ++i) tile[c * kPageTokens + i] = rows[i * stride + c];
  }
}

void load_tile(const IndexLayout& layout, const std::byte* page, int64_t keys, float* scratch, float* tile) {
  if (layout.format == CacheFormat::kF32)
    return turn(reinterpret_cast<const float*>(page), layout.width, keys, layout.width, tile);
  const int64_t stride = (layout.width + kAcross - 1) / kAcross * kAcross;
  dequantize_page(layout, page, keys, scratch, stride);
  turn(scratch, stride, keys, layout.width, tile);
}

// Adds kHeads heads to the logits of kKeyVectors vectors of keys.
template <int kHeads>
inline void add_heads(const float* tile, int64_t width, const float* q, const float* w, Vector* logits) {
  Vector dots[kHeads][kKeyVectors];
#pragma GCC unroll 4
  for (int h = 0; h < kHeads; ++h)
#pragma GCC unroll 4
    for (int v = 0; v < kKeyVectors; ++v) dots[h][v] = zero();
  for (int64_t c = 0; c < width; ++c) {
    Vector keys[kKeyVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kKeyVectors; ++v) keys[v] = load(tile + c * kPageTokens + v * kLanes);
#pragma GCC unroll 4
    for (int h = 0; h < kHeads; ++h) {
      const Vector value = broadcast(q[h * width + c]);
#pragma GCC unroll 4
      for (int v = 0; v < kKeyVectors; ++v) dots[h][v] = fma(value, keys[v], dots[h][v]);
    }
  }
#pragma GCC unroll 4
  for (int h = 0; h < kHeads; ++h)
#pragma GCC unroll 4
    for (int v = 0; v < kKeyVectors; ++v) logits[v] = fma(broadcast(w[h]), max(zero(), dots[h][v]), logits[v]);
}

// One row, `keys` keys of one page.
void row_logits(const float* tile, int64_t keys, int64_t width, int64_t heads, const float* q, const float* w, float* out) {
  for (int64_t start = 0; start < keys; start += kKeyVectors * kLanes) {
    Vector logits[kKeyVectors];
    for (Vector& logit : logits) logit = zero();
    int64_t h = 0;
    for (; h + kHeadBlock <= heads; h += kHeadBlock) add_heads<kHeadBlock>(tile + start, width, q + h * width, w + h, logits);
    for (; h < heads; ++h) add_heads<1>(tile + start, width, q + h * width, w + h, logits);
    for (int64_t v = 0, s = start; v < kKeyVectors && s < keys; ++v, s += kLanes) {
      if (s + kLanes <= keys) store(out + s, logits[v]);
      else store_first(out + s, logits[v], keys - s);
    }
  }
}

void compute(const IndexerLogitsParams& params, const Item& item, const float* queries, float* scratch) {
  const int64_t width = params.layout.width, page_bytes = static_cast<int64_t>(params.layout.page_bytes());
  float* tile = scratch + kPageTokens * (width + kAcross);
  for (int64_t page = item.first_page; page < item.end_page; ++page) {
    const int64_t first = page * kPageTokens;
    int64_t longest = 0;
    for (int64_t r = item.first_row; r < item.end_row; ++r) longest = std::max(longest, params.context.lengths[r] - first);
    const int32_t number = params.context.tables[item.first_row][page];
    load_tile(params.layout, params.context.pages + number * page_bytes, std::min(longest, kPageTokens), scratch, tile);
    for (int64_t r = item.first_row; r < item.end_row; ++r)
      row_logits(tile, std::min(kPageTokens, params.context.lengths[r] - first), width, params.heads, queries + r * params.heads * width,
                 params.w + r * params.w_stride, params.logits + r * params.logits_stride + first);
  }
}

}  // namespace

void indexer_logits(const IndexerLogitsParams& params, Workers& workers) {
  std::vector<float> rounded;
  if (params.layout.format == CacheFormat::kE4m3) rounded = rounded_queries(params, workers);
  const float* queries = rounded.empty() ? params.q : rounded.data();
  const std::vector<Item> items = make_items(params);
  const auto scratch_floats = static_cast<size_t>(kPageTokens * (2 * params.layout.width + kAcross));
  workers.run(static_cast<int64_t>(items.size()), [&](int64_t i, int worker) {
    float* scratch = reinterpret_cast<float*>(workers.scratch(worker, scratch_floats * sizeof(float)));
    compute(params, items[static_cast<size_t>(i)], queries, scratch);
  });
}
#endif
