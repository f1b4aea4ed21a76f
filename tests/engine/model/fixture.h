// Small random models on disk and in memory.
#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "engine/checkpoint/synthetic.h"
#include "engine/model/model.h"
#include "envs/base/rng.h"
#include "tests/engine/folder.h"

namespace assay::test {

inline std::vector<int32_t> random_tokens(int64_t count, int64_t vocabulary, uint64_t seed) {
  Rng rng(seed, "test/tokens");
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocabulary))));
  return tokens;
}

// Logits of every row, the sequence cut into pieces of `chunk` tokens.
inline std::vector<float> all_logits(Model& model, KvCache& cache, std::span<const int32_t> tokens, int64_t chunk, const ForwardOptions& options = {}) {
  CachedSequence sequence;
  if (const Status reserved = cache.reserve(sequence, static_cast<int64_t>(tokens.size())); !reserved.ok()) FAIL(reserved.error().text());
  std::vector<float> logits;
  while (!tokens.empty()) {
    const Chunk piece{&sequence, tokens.first(std::min(tokens.size(), static_cast<size_t>(chunk))), LogitsOf::kAllRows};
    const std::vector<float> some = need(model.forward({&piece, 1}, cache, options));
    logits.insert(logits.end(), some.begin(), some.end());
    tokens = tokens.subspan(piece.tokens.size());
  }
  cache.release(sequence);
  return logits;
}

inline int64_t differing_bits(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  int64_t bits = 0;
  for (size_t i = 0; i < a.size(); ++i) bits += std::popcount(std::bit_cast<uint32_t>(a[i]) ^ std::bit_cast<uint32_t>(b[i]));
  return bits;
}

// Largest difference relative to the largest value of b.
inline double relative_error(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, scale = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(double{a[i]} - double{b[i]}));
    scale = std::max(scale, std::abs(double{b[i]}));
    if (std::isnan(a[i])) return INFINITY;
  }
  return difference / scale;
}

}  // namespace assay::test
