#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/kernels/sparse_attention.h"

namespace assay::reference {
namespace {

struct Tokens {
  int64_t count = 0;
  std::vector<float> latents, ropes;   // [count, rank], [count, rope]
};

Tokens chosen_tokens(const SparseAttentionParams& params, int64_t r) {
  const LatentLayout& layout = params.layout;
  Tokens tokens;
  tokens.count = params.indices ? params.counts[r] : params.context.lengths[r];
  tokens.latents.resize(static_cast<size_t>(tokens.count * layout.rank));
  tokens.ropes.resize(static_cast<size_t>(tokens.count * layout.rope));
  for (int64_t i = 0; i < tokens.count; ++i) {
    const int64_t token = params.indices ? params.indices[r * params.index_stride + i] : i;
    const int64_t page = params.context.tables[r][token / kPageTokens];
    read_latent(layout, params.context.pages + page * static_cast<int64_t>(layout.page_bytes()), token % kPageTokens,
                tokens.latents.data() + i * layout.rank, tokens.ropes.data() + i * layout.rope);
  }
  return tokens;
}

double dot(const float* a, const float* b, int64_t width) {
  double sum = 0;
  for (int64_t i = 0; i < width; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

void attend(const SparseAttentionParams& params, const Tokens& tokens, int64_t r, int64_t head) {
  const int64_t rank = params.layout.rank, rope = params.layout.rope;
  const float* q_latent = params.q_latent + (r * params.heads + head) * rank;
  const float* q_rope = params.q_rope + r * params.q_rope_row_stride + head * params.q_rope_head_stride;
  std::vector<double> scores(static_cast<size_t>(tokens.count)), out(static_cast<size_t>(rank));
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (int64_t i = 0; i < tokens.count; ++i) {
    double& score = scores[static_cast<size_t>(i)];
    score = params.scale * (dot(q_latent, tokens.latents.data() + i * rank, rank) + dot(q_rope, tokens.ropes.data() + i * rope, rope));
    largest = std::max(largest, score);
  }
  for (int64_t i = 0; i < tokens.count; ++i) {
    const double weight = std::exp(scores[static_cast<size_t>(i)] - largest);
    sum += weight;
    for (int64_t c = 0; c < rank; ++c) out[static_cast<size_t>(c)] += weight * tokens.latents[static_cast<size_t>(i * rank + c)];
  }
  float* y = params.out + (r * params.heads + head) * rank;
  for (int64_t c = 0; c < rank; ++c) y[c] = tokens.count ? static_cast<float>(out[static_cast<size_t>(c)] / sum) : 0.0f;
}

}  // namespace

void sparse_attention(const SparseAttentionParams& params, Workers&) {
  for (int64_t r = 0; r < params.rows; ++r) {
    const Tokens tokens = chosen_tokens(params, r);
    for (int64_t head = 0; head < params.heads; ++head) attend(params, tokens, r, head);
  }
}

}  // namespace assay::reference
