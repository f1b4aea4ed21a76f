// A row's tokens are taken in blocks of 64 of its own list, with a running maximum for each head: what was summed before is scaled
// when the maximum grows (arXiv 2205.14135). Blocks, and the order in a block, depend on the list alone, and the scratch is the
// same for any context. Eight heads are one item: their scores are vectors of heads, so a token is read along its width
// and never turned; their outputs are vectors of columns. Every sum is one chain of fused multiply-adds in ascending order.
#ifndef ASSAY_SIMD_BODY
#include "engine/kernels/sparse_attention.h"
#include "engine/numeric.h"
#define ASSAY_SIMD_BODY "engine/kernels/sparse_attention_cpu.cc"
#include "engine/kernels/simd.h"
#else
namespace {

constexpr int64_t kHeads = 8, kBlock = 64;
constexpr int64_t kAcross = 16;                       // what rows of floats are padded to
constexpr int kScoreTokens = 8;                       // scored at once
constexpr int kSumHeads = ASSAY_AVX512 ? 8 : 4;       // summed at once
constexpr float kLowest = -std::numeric_limits<float>::infinity();

int64_t padded(int64_t width) { return (width + kAcross - 1) / kAcross * kAcross; }

// What one item works in.
struct Scratch {
  float* query = nullptr;     // [rank + rope, 8]
  float* tokens = nullptr;    // [64, padded(rank + rope)]: dequantised
  float* weights = nullptr;   // [64, 8]: scores, then exp(score - maximum)
  float* out = nullptr;       // [8, padded(rank)]
};

size_t scratch_floats(const LatentLayout& layout) {
  const int64_t width = layout.rank + layout.rope;
  return static_cast<size_t>(kHeads * padded(width) + kBlock * padded(width) + kBlock * kHeads + kHeads * padded(layout.rank));
}

Scratch carve(const LatentLayout& layout, float* memory) {
  const int64_t width = padded(layout.rank + layout.rope);
  float* tokens = memory + kHeads * width;
  float* weights = tokens + kBlock * width;
  return {memory, tokens, weights, weights + kBlock * kHeads};
}

// Eight heads of one row.
struct Task {
  const SparseAttentionParams& params;
  int64_t row = 0, first_head = 0, heads = 0;
  Scratch scratch;
  const float* tokens[kBlock] = {};   // [rank + rope] each
  alignas(64) float largest[kHeads], sum[kHeads], shrink[2 * kHeads];
};

void turn_query(Task& task) {
  const SparseAttentionParams& params = task.params;
  const int64_t rank = params.layout.rank, rope = params.layout.rope;
  std::fill_n(task.scratch.query, (rank + rope) * kHeads, 0.0f);
  for (int64_t h = 0; h < task.heads; ++h) {
    const int64_t head = task.first_head + h;
    const float* latent = params.q_latent + (task.row * params.heads + head) * rank;
    const float* rotary = params.q_rope + task.row * params.q_rope_row_stride + head * params.q_rope_head_stride;
    for (int64_t c = 0; c < rank; ++c) task.scratch.query[c * kHeads + h] = latent[c];
    for (int64_t c = 0; c < rope; ++c) task.scratch.query[(rank + c) * kHeads + h] = rotary[c];
  }
}

void dequantize_codes(const uint8_t* codes, int64_t width, float scale, float* to) {
  int64_t c = 0;
  for (; c + kLanes <= width; c += kLanes) store(to + c, load_e4m3(codes + c) * broadcast(scale));
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

void dequantize_token(const LatentLayout& layout, const std::byte* token, float* to) {
  const std::byte* scales = token + layout.rank;
  for (int64_t start = 0; start < layout.rank; start += kScaleBlock, scales += sizeof(float)) {
    float scale;
    std::memcpy(&scale, scales, sizeof scale);
    dequantize_codes(reinterpret_cast<const uint8_t*>(token) + start, std::min(kScaleBlock, layout.rank - start), scale, to + start);
  }
  widen_bf16(scales, layout.rope, to + layout.rank);
}

void find_tokens(Task& task, int64_t first, int64_t count) {
  const SparseAttentionParams& params = task.params;
  const LatentLayout& layout = params.layout;
  const int64_t token_bytes = static_cast<int64_t>(layout.token_bytes()), stride = padded(layout.rank + layout.rope);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t position = params.indices ? params.indices[task.row * params.index_stride + first + i] : first + i;
    const int64_t page = params.context.tables[task.row][position / kPageTokens];
    const std::byte* token = params.context.pages + (page * kPageTokens + position % kPageTokens) * token_bytes;
    if (layout.format == CacheFormat::kF32) {
      task.tokens[i] = reinterpret_cast<const float*>(token);
    } else {
      dequantize_token(layout, token, task.scratch.tokens + i * stride);
      task.tokens[i] = task.scratch.tokens + i * stride;
    }
  }
  // Scores come in whole groups of tokens.
  for (int64_t i = count; i % kScoreTokens != 0; ++i) task.tokens[i] = task.tokens[0];
}

void score_tokens(Task& task, int64_t count) {
  const int64_t width = task.params.layout.rank + task.params.layout.rope;
  const __m256 scale = _mm256_set1_ps(task.params.scale);
  for (int64_t first = 0; first < count; first += kScoreTokens) {
    const float* const* tokens = task.tokens + first;
    __m256 scores[kScoreTokens];
#pragma GCC unroll 8
    for (int t = 0; t < kScoreTokens; ++t) scores[t] = _mm256_setzero_ps();
    for (int64_t c = 0; c < width; ++c) {
      const __m256 query = _mm256_loadu_ps(task.scratch.query + c * kHeads);
#pragma GCC unroll 8
      for (int t = 0; t < kScoreTokens; ++t) scores[t] = _mm256_fmadd_ps(_mm256_set1_ps(tokens[t][c]), query, scores[t]);
    }
#pragma GCC unroll 8
    for (int t = 0; t < kScoreTokens; ++t) _mm256_storeu_ps(task.scratch.weights + (first + t) * kHeads, scores[t] * scale);
  }
}

// Turns scores into weights under the new maximum; sums them; says by how much the earlier sums shrink.
void weigh_tokens(Task& task, int64_t count) {
  const __m256 before = _mm256_load_ps(task.largest);
  __m256 largest = before;
  for (int64_t t = 0; t < count; ++t) largest = _mm256_max_ps(_mm256_loadu_ps(task.scratch.weights + t * kHeads), largest);
  _mm256_store_ps(task.largest, largest);
  // With nothing but minus infinity so far every weight is zero, not NaN: later tokens may have more.
  const __m256 none = _mm256_cmp_ps(largest, _mm256_set1_ps(kLowest), _CMP_EQ_OQ);
  const __m256 base = _mm256_andnot_ps(none, largest);
  alignas(64) float bases[2 * kHeads];
  for (int64_t half = 0; half < 2; ++half) {
    _mm256_store_ps(bases + half * kHeads, base);
    _mm256_store_ps(task.shrink + half * kHeads, before - base);
  }
  store(task.shrink, exp(load(task.shrink)));
  if (kLanes == kHeads) store(task.shrink + kHeads, exp(load(task.shrink + kHeads)));
  const Vector subtracted = load(bases);
  for (int64_t i = 0; i < count * kHeads; i += kLanes)
    store(task.scratch.weights + i, exp(load(task.scratch.weights + i) - subtracted));
  __m256 sum = _mm256_setzero_ps();
  for (int64_t t = 0; t < count; ++t) sum = sum + _mm256_loadu_ps(task.scratch.weights + t * kHeads);
  _mm256_store_ps(task.sum, _mm256_fmadd_ps(_mm256_load_ps(task.sum), _mm256_load_ps(task.shrink), sum));
}

// Columns [c, c + kVectors vectors), the last vector of `lanes`, of kSumHeads heads from `head` on.
template <int kVectors>
inline void add_columns(Task& task, int64_t count, int64_t head, int64_t c, int64_t lanes) {
  Vector sums[kSumHeads][kVectors];
#pragma GCC unroll 8
  for (int h = 0; h < kSumHeads; ++h)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sums[h][v] = zero();
  for (int64_t t = 0; t < count; ++t) {
    Vector values[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      values[v] = lanes == kLanes ? load(task.tokens[t] + c + v * kLanes) : load_first(task.tokens[t] + c + v * kLanes, lanes);
#pragma GCC unroll 8
    for (int h = 0; h < kSumHeads; ++h) {
      const Vector weight = broadcast(task.scratch.weights[t * kHeads + head + h]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sums[h][v] = fma(weight, values[v], sums[h][v]);
    }
  }
  const int64_t stride = padded(task.params.layout.rank);
#pragma GCC unroll 8
  for (int h = 0; h < kSumHeads; ++h)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      float* out = task.scratch.out + (head + h) * stride + c + v * kLanes;
      store(out, fma(load(out), broadcast(task.shrink[head + h]), sums[h][v]));
    }
}

void add_tokens(Task& task, int64_t count) {
  const int64_t rank = task.params.layout.rank;
  for (int64_t head = 0; head < task.heads; head += kSumHeads) {
    int64_t c = 0;
    for (; c + 2 * kLanes <= rank; c += 2 * kLanes) add_columns<2>(task, count, head, c, kLanes);
    for (; c < rank; c += kLanes) add_columns<1>(task, count, head, c, std::min(kLanes, rank - c));
  }
}

void attend(Task& task) {
  const SparseAttentionParams& params = task.params;
  const int64_t rank = params.layout.rank, stride = padded(rank);
  const int64_t tokens = params.indices ? params.counts[task.row] : params.context.lengths[task.row];
  turn_query(task);
  std::fill_n(task.largest, kHeads, kLowest);
  std::fill_n(task.sum, kHeads, 0.0f);
  std::fill_n(task.scratch.out, kHeads * stride, 0.0f);
  for (int64_t first = 0; first < tokens; first += kBlock) {
    const int64_t count = std::min(kBlock, tokens - first);
    find_tokens(task, first, count);
    score_tokens(task, count);
    weigh_tokens(task, count);
    add_tokens(task, count);
  }
  for (int64_t h = 0; h < task.heads; ++h) {
    float* out = params.out + (task.row * params.heads + task.first_head + h) * rank;
    for (int64_t c = 0; c < rank; ++c) out[c] = tokens > 0 ? task.scratch.out[h * stride + c] / task.sum[h] : 0.0f;
  }
}

}  // namespace

void sparse_attention(const SparseAttentionParams& params, Workers& workers) {
  const int64_t blocks = (params.heads + kHeads - 1) / kHeads;
  workers.run(params.rows * blocks, [&](int64_t item, int worker) {
    float* memory = reinterpret_cast<float*>(workers.scratch(worker, scratch_floats(params.layout) * sizeof(float)));
    const int64_t first_head = item % blocks * kHeads;
    Task task{params, item / blocks, first_head, std::min(kHeads, params.heads - first_head), carve(params.layout, memory), {}, {}, {}, {}};
    attend(task);
  });
}
#endif
