// A row's tokens are taken in blocks of 64 of its own list, with a running maximum for each head: what was summed before is scaled
// when the maximum grows (arXiv 2205.14135). Blocks, and the order in a block, depend on the list alone, and the scratch is the
// same for any context. Up to 64 heads are one item and share the dequantised block. Their scores are vectors of heads, so a token
// is read along its width and never turned; their outputs are vectors of columns. Every sum is one chain of fused multiply-adds in
// ascending order, whichever heads, slices and columns are worked on together.
#ifndef ASSAY_SIMD_BODY
#include "engine/kernels/sparse_attention.h"
#include "engine/numeric.h"
#define ASSAY_SIMD_BODY "engine/kernels/sparse_attention_cpu.cc"
#include "engine/kernels/simd.h"
#else
namespace {

constexpr int64_t kBlock = 64, kMostHeads = 64;
constexpr int64_t kSliceFloats = 8192;                        // of the query, which stay in the first cache while a block is scored
constexpr int kSumHeads = 4, kSumVectors = ASSAY_AVX512 ? 4 : 2;   // outputs summed at once
constexpr float kLowest = -std::numeric_limits<float>::infinity();

int64_t padded(int64_t width) { return (width + kLanes - 1) / kLanes * kLanes; }

// What one item works in; rows are padded to whole vectors.
struct Scratch {
  float* query = nullptr;     // [rank + rope, heads]
  float* tokens = nullptr;    // [64, rank + rope]: dequantised
  float* weights = nullptr;   // [64, heads]: scores, then exp(score - maximum)
  float* out = nullptr;       // [heads, rank]
  float *largest = nullptr, *sum = nullptr, *shrink = nullptr;   // [heads]: shrink is the factor of what was summed before
};

// Carves scratch for `heads` heads out of `memory`; returns how many floats that takes.
int64_t carve(const LatentLayout& layout, int64_t heads, float* memory, Scratch& scratch) {
  const int64_t width = layout.rank + layout.rope, all_heads = padded(heads);
  int64_t used = 0;
  const auto take = [&](float*& part, int64_t size) {
    part = memory + used;
    used += size;
  };
  take(scratch.query, width * all_heads);
  take(scratch.tokens, kBlock * padded(width));
  take(scratch.weights, kBlock * all_heads);
  take(scratch.out, all_heads * padded(layout.rank));
  for (float** part : {&scratch.largest, &scratch.sum, &scratch.shrink}) take(*part, all_heads);
  return used;
}

// Some heads of one row.
struct Task {
  const SparseAttentionParams& params;
  int64_t row = 0, first_head = 0, heads = 0;
  Scratch scratch;
  int64_t head_stride() const { return padded(heads); }
  int64_t token_stride() const { return padded(params.layout.rank + params.layout.rope); }
};

void turn_query(const Task& task) {
  const SparseAttentionParams& params = task.params;
  const int64_t rank = params.layout.rank, rope = params.layout.rope, stride = task.head_stride();
  std::fill_n(task.scratch.query, (rank + rope) * stride, 0.0f);
  for (int64_t h = 0; h < task.heads; ++h) {
    const int64_t head = task.first_head + h;
    const float* latent = params.q_latent + (task.row * params.heads + head) * rank;
    const float* rotary = params.q_rope + task.row * params.q_rope_row_stride + head * params.q_rope_head_stride;
    for (int64_t c = 0; c < rank; ++c) task.scratch.query[c * stride + h] = latent[c];
    for (int64_t c = 0; c < rope; ++c) task.scratch.query[(rank + c) * stride + h] = rotary[c];
  }
}

void dequantize_codes(const uint8_t* codes, int64_t width, float scale, float* to) {
  int64_t c = 0;
  for (; c + 2 * kLanes <= width; c += 2 * kLanes) {
    const VectorPair values = load_e4m3(codes + c);
    store(to + c, values.low * broadcast(scale));
    store(to + c + kLanes, values.high * broadcast(scale));
  }
  for (; c < width; ++c) to[c] = e4m3_to_float(codes[c]) * scale;
}

void widen_bf16(const std::byte* from, int64_t width, float* to) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) store(to + c, load_bf16(reinterpret_cast<const uint16_t*>(from) + c));
  for (; c < width; ++c) {
    uint16_t code;
    std::memcpy(&code, from + c * static_cast<int64_t>(sizeof code), sizeof code);
    to[c] = bf16_to_float(code);
  }
}

void load_token(const LatentLayout& layout, const std::byte* token, float* to) {
  if (layout.format == CacheFormat::kF32) {
    std::memcpy(to, token, layout.token_bytes());
    return;
  }
  const std::byte* scales = token + layout.rank;
  for (int64_t start = 0; start < layout.rank; start += kScaleBlock, scales += sizeof(float)) {
    float scale;
    std::memcpy(&scale, scales, sizeof scale);
    dequantize_codes(reinterpret_cast<const uint8_t*>(token) + start, std::min(kScaleBlock, layout.rank - start), scale, to + start);
  }
  widen_bf16(scales, layout.rope, to + layout.rank);
}

void load_tokens(const Task& task, int64_t first, int64_t count) {
  const SparseAttentionParams& params = task.params;
  const int64_t token_bytes = static_cast<int64_t>(params.layout.token_bytes());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t position = params.indices ? params.indices[task.row * params.index_stride + first + i] : first + i;
    const int64_t page = params.context.tables[task.row][position / kPageTokens];
    const std::byte* token = params.context.pages + (page * kPageTokens + position % kPageTokens) * token_bytes;
    load_token(params.layout, token, task.scratch.tokens + i * task.token_stride());
  }
}

// sums[r][v] += left[r][i * left_step] * right[i * right_step + v], over ascending i.
template <int kRows, int kVectors>
inline void multiply(const float* const (&left)[kRows], int64_t left_step, const float* right, int64_t right_step, int64_t count,
                     Vector (&sums)[kRows][kVectors]) {
  for (int64_t i = 0; i < count; ++i) {
    Vector values[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) values[v] = load(right + i * right_step + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vector factor = broadcast(left[r][i * left_step]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = fma(factor, values[v], sums[r][v]);
    }
  }
}

// Adds columns [c, c + columns) to the scores of kTokens tokens from `token` on and kVectors vectors of heads from `head` on.
template <int kTokens, int kVectors>
void score_tile(const Task& task, int64_t token, int64_t head, int64_t c, int64_t columns) {
  float* scores = task.scratch.weights + token * task.head_stride() + head;
  const float* tokens[kTokens];
  Vector sums[kTokens][kVectors];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    tokens[t] = task.scratch.tokens + (token + t) * task.token_stride() + c;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[t][v] = c == 0 ? zero() : load(scores + t * task.head_stride() + v * kLanes);
  }
  multiply(tokens, 1, task.scratch.query + c * task.head_stride() + head, task.head_stride(), columns, sums);
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(scores + t * task.head_stride() + v * kLanes, sums[t][v]);
  }
}

template <int kTokens, int kVectors>
void score_heads(const Task& task, int64_t count, int64_t head, int64_t c, int64_t columns) {
  int64_t token = 0;
  for (; token + kTokens <= count; token += kTokens) score_tile<kTokens, kVectors>(task, token, head, c, columns);
  for (; token < count; ++token) score_tile<1, kVectors>(task, token, head, c, columns);
}

void score_tokens(const Task& task, int64_t count) {
  constexpr int kVectors = ASSAY_AVX512 ? 4 : 2;
  const int64_t width = task.params.layout.rank + task.params.layout.rope, stride = task.head_stride(), slice = kSliceFloats / stride;
  for (int64_t c = 0; c < width; c += slice) {
    const int64_t columns = std::min(slice, width - c);
    int64_t head = 0;
    for (; head + kVectors * kLanes <= stride; head += kVectors * kLanes) score_heads<4, kVectors>(task, count, head, c, columns);
    for (; head < stride; head += kLanes) score_heads<8, 1>(task, count, head, c, columns);
  }
}

// Turns the scores of one vector of heads into weights under the new maximum; sums them; says by how much the earlier sums shrink.
void weigh_heads(const Task& task, int64_t count, int64_t head) {
  const Vector scale = broadcast(task.params.scale), lowest = broadcast(kLowest);
  float* weights = task.scratch.weights + head;
  const int64_t stride = task.head_stride();
  const Vector before = load(task.scratch.largest + head);
  Vector largest = before;
  for (int64_t t = 0; t < count; ++t) {
    const Vector score = load(weights + t * stride) * scale;
    store(weights + t * stride, score);
    largest = max(score, largest);   // in this order NaN is left out
  }
  store(task.scratch.largest + head, largest);
  // With nothing but minus infinity so far every weight is zero, not NaN: later tokens may have more.
  const Vector base = where_equal(largest, lowest, zero(), largest);
  const Vector shrink = exp(before - base);
  Vector sum = zero();
  for (int64_t t = 0; t < count; ++t) {
    const Vector weight = exp(load(weights + t * stride) - base);
    store(weights + t * stride, weight);
    sum += weight;
  }
  store(task.scratch.shrink + head, shrink);
  store(task.scratch.sum + head, fma(load(task.scratch.sum + head), shrink, sum));
}

// kVectors vectors of columns from `c` on, of kHeads heads from `head` on. Columns beyond the rank are computed of what follows it.
template <int kHeads, int kVectors>
void add_tile(const Task& task, int64_t count, int64_t head, int64_t c) {
  const float* weights[kHeads];
  Vector sums[kHeads][kVectors];
#pragma GCC unroll 4
  for (int h = 0; h < kHeads; ++h) {
    weights[h] = task.scratch.weights + head + h;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[h][v] = zero();
  }
  multiply(weights, task.head_stride(), task.scratch.tokens + c, task.token_stride(), count, sums);
  const int64_t stride = padded(task.params.layout.rank);
  const float* shrink = task.scratch.shrink + head;
  float* out = task.scratch.out + head * stride + c;
#pragma GCC unroll 4
  for (int h = 0; h < kHeads; ++h) {
    const Vector factor = broadcast(shrink[h]);
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(out + h * stride + v * kLanes, fma(load(out + h * stride + v * kLanes), factor, sums[h][v]));
  }
}

template <int kVectors>
void add_columns(const Task& task, int64_t count, int64_t c) {
  int64_t head = 0;
  for (; head + kSumHeads <= task.heads; head += kSumHeads) add_tile<kSumHeads, kVectors>(task, count, head, c);
  for (; head < task.heads; ++head) add_tile<1, kVectors>(task, count, head, c);
}

void add_tokens(const Task& task, int64_t count) {
  const int64_t rank = task.params.layout.rank;
  int64_t c = 0;
  for (; c + kSumVectors * kLanes <= rank; c += kSumVectors * kLanes) add_columns<kSumVectors>(task, count, c);
  for (; c < rank; c += kLanes) add_columns<1>(task, count, c);
}

void attend(const Task& task) {
  const SparseAttentionParams& params = task.params;
  const int64_t rank = params.layout.rank, stride = padded(rank);
  const int64_t tokens = params.indices ? params.counts[task.row] : params.context.lengths[task.row];
  turn_query(task);
  std::fill_n(task.scratch.largest, task.head_stride(), kLowest);
  std::fill_n(task.scratch.sum, task.head_stride(), 0.0f);
  std::fill_n(task.scratch.out, task.heads * stride, 0.0f);
  for (int64_t first = 0; first < tokens; first += kBlock) {
    const int64_t count = std::min(kBlock, tokens - first);
    load_tokens(task, first, count);
    score_tokens(task, count);
    for (int64_t head = 0; head < task.heads; head += kLanes) weigh_heads(task, count, head);
    add_tokens(task, count);
  }
  for (int64_t h = 0; h < task.heads; ++h) {
    float* out = params.out + (task.row * params.heads + task.first_head + h) * rank;
    for (int64_t c = 0; c < rank; ++c) out[c] = tokens > 0 ? task.scratch.out[h * stride + c] / task.scratch.sum[h] : 0.0f;
  }
}

// As many as may share a block and still leave every worker something to do.
int64_t heads_of_item(const SparseAttentionParams& params, int workers) {
  int64_t heads = std::min(kMostHeads, padded(params.heads));
  while (heads > kLanes && params.rows * ((params.heads + heads - 1) / heads) < 2 * workers) heads = padded(heads / 2);
  return heads;
}

}  // namespace

void sparse_attention(const SparseAttentionParams& params, Workers& workers) {
  const int64_t at_once = heads_of_item(params, workers.count()), groups = (params.heads + at_once - 1) / at_once;
  Scratch unplaced;
  const auto bytes = static_cast<size_t>(carve(params.layout, at_once, nullptr, unplaced)) * sizeof(float);
  workers.run(params.rows * groups, [&](int64_t item, int worker) {
    const int64_t first_head = item % groups * at_once;
    Task task{params, item / groups, first_head, std::min(at_once, params.heads - first_head), {}};
    carve(params.layout, task.heads, reinterpret_cast<float*>(workers.scratch(worker, bytes)), task.scratch);
    attend(task);
  });
}
#endif
