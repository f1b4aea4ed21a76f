// What the rows of a forward chose: small enough to be kept for every token, unlike a Trace.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "envs/base/rng.h"

namespace assay {

struct Choices {
  std::vector<uint16_t> experts;      // [rows, layers with routed experts, experts_per_token], each token's ascending
  std::vector<uint64_t> selections;   // [rows]: which tokens the row attended to, see below
};

// A row that sees at most index_topk tokens chooses nothing: 0, in every batch. Otherwise, over the layers that select by
// themselves, first to last: selection = mix64(selection + selected_set(tokens of this layer)). A sum knows no order, so a
// device may add as it likes.
inline uint64_t selected_set(std::span<const int32_t> tokens) {
  uint64_t sum = 0;
  for (const int32_t token : tokens) sum += mix64(static_cast<uint64_t>(token) + 0x9e3779b97f4a7c15ULL);
  return sum;
}

}  // namespace assay
