// Vectors of neighbouring keys: a page is turned into [width][64] once for a group of rows of one sequence, and every dot product
// is one chain of fused multiply-adds over ascending width, whatever the vector. So neither the group nor the instruction set
// shows in the bits. Of FP8 keys the codes are summed as numbers, group by group of the scales, and a group's sum is scaled: the
// page's codes then need no multiplication. They are numbers / 256 (vector.inc), which queries times 256 make good exactly.
#ifndef ASSAY_SIMD_BODY
#include <vector>

#include "engine/kernels/indexer_logits.h"
#include "engine/kernels/quantize_group.h"
#include "engine/kernels/split.h"
#define ASSAY_SIMD_BODY "engine/kernels/indexer_logits_cpu.cc"
#include "engine/kernels/simd.h"
#else
namespace {

constexpr int64_t kGroupRows = 64;   // rows of one sequence that share a turned page
constexpr int64_t kItemPages = 4;    // for a worker at a time
constexpr int kKeyVectors = ASSAY_AVX512 ? 4 : 2;   // of four heads they fit into registers

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
    for (int64_t i = 0; i < count; ++i) to[i] = to[i] * 256 * scale;
  }
}

// Queries [rows, heads, width], quantised and back, times 256.
std::vector<float> rounded_queries(const IndexerLogitsParams& params, Workers& workers) {
  const int64_t width = params.layout.width;
  std::vector<float> rounded(static_cast<size_t>(params.rows * params.heads * width));
  for_rows(workers, params.rows, 2 * params.heads * width, [&](int64_t first, int64_t last) {
    for (int64_t j = first * params.heads; j < last * params.heads; ++j) round_query(width, params.q + j * width, rounded.data() + j * width);
  });
  return rounded;
}

// Eight rows of eight, `stride` apart, become eight columns of a tile.
inline void turn_eight(const float* rows, int64_t stride, float* tile) {
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

// tile[c][key] = rows[key][c]; keys in whole groups, whose memory is there even where no token is.
void turn(const float* rows, int64_t keys, int64_t width, float* tile) {
  for (int64_t key = 0; key < keys; key += 8) {
    int64_t c = 0;
    for (; c + 8 <= width; c += 8) turn_eight(rows + key * width + c, width, tile + c * kPageTokens + key);
    for (; c < width; ++c)
      for (int64_t i = key; i < key + 8; ++i) tile[c * kPageTokens + i] = rows[i * width + c];
  }
}

// The same for codes, sixteen keys at a time: bytes are turned with a quarter of the shuffles.
inline void turn_sixteen(const uint8_t* rows, int64_t stride, uint8_t* tile) {
  __m128i a[16], b[8];
  for (int i = 0; i < 16; ++i) a[i] = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(rows + i * stride));
  for (int i = 0; i < 8; ++i) b[i] = _mm_unpacklo_epi8(a[2 * i], a[2 * i + 1]);   // two keys of eight columns
  for (int i = 0; i < 8; i += 2) {                                                // four of four
    a[i] = _mm_unpacklo_epi16(b[i], b[i + 1]);
    a[i + 1] = _mm_unpackhi_epi16(b[i], b[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)                                                  // eight of two
    for (int half = 0; half < 2; ++half) {
      b[i + 2 * half] = _mm_unpacklo_epi32(a[i + half], a[i + half + 2]);
      b[i + 2 * half + 1] = _mm_unpackhi_epi32(a[i + half], a[i + half + 2]);
    }
  for (int i = 0; i < 4; ++i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(tile + 2 * i * kPageTokens), _mm_unpacklo_epi64(b[i], b[i + 4]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(tile + (2 * i + 1) * kPageTokens), _mm_unpackhi_epi64(b[i], b[i + 4]));
  }
}

void turn(const uint8_t* rows, int64_t keys, int64_t width, uint8_t* tile) {
  for (int64_t key = 0; key < keys; key += 16) {
    int64_t c = 0;
    for (; c + 8 <= width; c += 8) turn_sixteen(rows + key * width + c, width, tile + c * kPageTokens + key);
    for (; c < width; ++c)
      for (int64_t i = key; i < key + 16; ++i) tile[c * kPageTokens + i] = rows[i * width + c];
  }
}

// A page, or as much of it as there are keys, as the products take it.
struct Tile {
  float* values = nullptr;      // [width, 64]: of FP8 keys codes / 256
  float* scales = nullptr;      // [groups, 64]; of FP8 keys alone
  uint8_t* codes = nullptr;     // [width, 64]; scratch
  int64_t width = 0, groups = 0;
};

size_t tile_bytes(const IndexLayout& layout) {
  return static_cast<size_t>(kPageTokens) * static_cast<size_t>(5 * layout.width + 4 * scale_groups(layout.width));
}

Tile place_tile(const IndexLayout& layout, std::byte* memory) {
  Tile tile{reinterpret_cast<float*>(memory), nullptr, nullptr, layout.width, layout.format == CacheFormat::kE4m3 ? scale_groups(layout.width) : 0};
  tile.scales = tile.values + layout.width * kPageTokens;
  tile.codes = reinterpret_cast<uint8_t*>(tile.scales + tile.groups * kPageTokens);
  return tile;
}

void load_tile(const std::byte* page, int64_t keys, const Tile& tile) {
  if (tile.groups == 0) return turn(reinterpret_cast<const float*>(page), keys, tile.width, tile.values);
  turn(reinterpret_cast<const uint8_t*>(page), keys, tile.width, tile.codes);
  for (int64_t c = 0; c < tile.width; ++c)
    for (int64_t key = 0; key < keys; key += 2 * kLanes) {
      const VectorPair values = load_e4m3_over_256(tile.codes + c * kPageTokens + key);
      store(tile.values + c * kPageTokens + key, values.low);
      store(tile.values + c * kPageTokens + key + kLanes, values.high);
    }
  const std::byte* scales = page + kPageTokens * tile.width;
  for (int64_t key = 0; key < kPageTokens; ++key)
    for (int64_t group = 0; group < tile.groups; ++group, scales += sizeof(float)) std::memcpy(tile.scales + group * kPageTokens + key, scales, sizeof(float));
}

// dots[h][v] += q[h][c] * key[c][v] over columns [c, end).
template <int kHeads>
inline void add_products(const Tile& tile, int64_t key, int64_t c, int64_t end, const float* q, Vector (&dots)[kHeads][kKeyVectors]) {
  for (; c < end; ++c) {
    Vector keys[kKeyVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kKeyVectors; ++v) keys[v] = load(tile.values + c * kPageTokens + key + v * kLanes);
#pragma GCC unroll 4
    for (int h = 0; h < kHeads; ++h) {
      const Vector value = broadcast(q[h * tile.width + c]);
#pragma GCC unroll 4
      for (int v = 0; v < kKeyVectors; ++v) dots[h][v] = fma(value, keys[v], dots[h][v]);
    }
  }
}

// Adds kHeads heads to the logits of kKeyVectors vectors of keys.
template <int kHeads>
inline void add_heads(const Tile& tile, int64_t key, const float* q, const float* w, Vector* logits) {
  Vector dots[kHeads][kKeyVectors] = {};
  if (tile.groups == 0) add_products(tile, key, 0, tile.width, q, dots);
  for (int64_t group = 0; group < tile.groups; ++group) {
    Vector sums[kHeads][kKeyVectors] = {};
    add_products(tile, key, group * kScaleBlock, std::min(tile.width, (group + 1) * kScaleBlock), q, sums);
#pragma GCC unroll 4
    for (int v = 0; v < kKeyVectors; ++v) {
      const Vector scale = load(tile.scales + group * kPageTokens + key + v * kLanes);
#pragma GCC unroll 4
      for (int h = 0; h < kHeads; ++h) dots[h][v] = fma(sums[h][v], scale, dots[h][v]);
    }
  }
#pragma GCC unroll 4
  for (int h = 0; h < kHeads; ++h) {
#pragma GCC unroll 4
    for (int v = 0; v < kKeyVectors; ++v) logits[v] = fma(broadcast(w[h]), max(zero(), dots[h][v]), logits[v]);
  }
}

// One row, `keys` keys of one page.
void row_logits(const Tile& tile, int64_t keys, int64_t heads, const float* q, const float* w, float* out) {
  for (int64_t start = 0; start < keys; start += kKeyVectors * kLanes) {
    Vector logits[kKeyVectors] = {};
    int64_t h = 0;
    for (; h + 4 <= heads; h += 4) add_heads<4>(tile, start, q + h * tile.width, w + h, logits);
    for (; h + 2 <= heads; h += 2) add_heads<2>(tile, start, q + h * tile.width, w + h, logits);
    if (h < heads) add_heads<1>(tile, start, q + h * tile.width, w + h, logits);
    for (int64_t v = 0, s = start; v < kKeyVectors && s < keys; ++v, s += kLanes) store_up_to(out + s, logits[v], keys - s);
  }
}

void compute(const IndexerLogitsParams& params, const Item& item, const float* queries, const Tile& tile) {
  const int64_t width = params.layout.width, page_bytes = static_cast<int64_t>(params.layout.page_bytes());
  for (int64_t page = item.first_page; page < item.end_page; ++page) {
    const int64_t first = page * kPageTokens;
    int64_t longest = 0;
    for (int64_t r = item.first_row; r < item.end_row; ++r) longest = std::max(longest, params.context.lengths[r] - first);
    const int32_t number = params.context.tables[item.first_row][page];
    load_tile(params.context.pages + number * page_bytes, std::min(longest, kPageTokens), tile);
    for (int64_t r = item.first_row; r < item.end_row; ++r)
      row_logits(tile, std::min(kPageTokens, params.context.lengths[r] - first), params.heads, queries + r * params.heads * width,
                 params.w + r * params.w_stride, params.logits + r * params.logits_stride + first);
  }
}

}  // namespace

void indexer_logits(const IndexerLogitsParams& params, Workers& workers) {
  std::vector<float> rounded;
  if (params.layout.format == CacheFormat::kE4m3) rounded = rounded_queries(params, workers);
  const float* queries = rounded.empty() ? params.q : rounded.data();
  const std::vector<Item> items = make_items(params);
  workers.run(static_cast<int64_t>(items.size()), [&](int64_t i, int worker) {
    compute(params, items[static_cast<size_t>(i)], queries, place_tile(params.layout, workers.scratch(worker, tile_bytes(params.layout))));
  });
}
#endif
