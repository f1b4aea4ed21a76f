#include <algorithm>
#include <vector>

#include "engine/kernels/indexer_logits.h"
#include "engine/kernels/quantize_group.h"

namespace assay::reference {
namespace {

// What a query is after it went through the format of the keys.
std::vector<float> rounded_query(const IndexLayout& layout, const float* q) {
  std::vector<float> rounded(q, q + layout.width);
  if (layout.format == CacheFormat::kF32) return rounded;
  for (int64_t start = 0; start < layout.width; start += kScaleBlock) {
    uint8_t codes[kScaleBlock];
    const int64_t width = std::min(kScaleBlock, layout.width - start);
    const float scale = quantize_group(q + start, width, codes);
    for (int64_t i = 0; i < width; ++i) rounded[static_cast<size_t>(start + i)] = e4m3_to_float(codes[i]) * scale;
  }
  return rounded;
}

}  // namespace

void indexer_logits(const IndexerLogitsParams& params, Workers&) {
  const int64_t width = params.layout.width;
  std::vector<float> key(static_cast<size_t>(width));
  for (int64_t r = 0; r < params.rows; ++r) {
    std::vector<std::vector<float>> queries;
    for (int64_t j = 0; j < params.heads; ++j) queries.push_back(rounded_query(params.layout, params.q + (r * params.heads + j) * width));
    for (int64_t s = 0; s < params.context.lengths[r]; ++s) {
      const int64_t page = params.context.tables[r][s / kPageTokens];
      read_index_key(params.layout, params.context.pages + page * static_cast<int64_t>(params.layout.page_bytes()), s % kPageTokens, key.data());
      double logit = 0;
      for (int64_t j = 0; j < params.heads; ++j) {
        double dot = 0;
        for (size_t i = 0; i < key.size(); ++i) dot += static_cast<double>(queries[static_cast<size_t>(j)][i]) * key[i];
        if (dot < 0) dot = 0;   // NaN stays
        logit += params.w[r * params.w_stride + j] * dot;
      }
      params.logits[r * params.logits_stride + s] = static_cast<float>(logit);
    }
  }
}

}  // namespace assay::reference
