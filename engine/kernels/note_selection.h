// What a row selected, as one number that tells whether another computation selected the same.
//   selections[r] = mix64(selections[r] + the sum over the row's tokens t of mix64(t + 0x9e3779b97f4a7c15)), modulo 2^64
// A sum knows no order. A row that sees at most `k` tokens selects all of them whatever batch it is in, and keeps its number.
// Exact: every implementation gives the same.
#pragma once

#include <cstdint>
#include <span>

#include "engine/runtime/workers.h"
#include "envs/base/rng.h"

namespace assay {

constexpr uint64_t kSelectedOffset = 0x9e3779b97f4a7c15ULL;

inline uint64_t selected_set(std::span<const int32_t> tokens) {
  uint64_t sum = 0;
  for (const int32_t token : tokens) sum += mix64(static_cast<uint64_t>(token) + kSelectedOffset);
  return sum;
}

struct NoteSelectionParams {
  int64_t rows = 0, k = 0;
  const int32_t* indices = nullptr;    // [rows, k]
  const int64_t* counts = nullptr;     // [rows]: how many of them count
  const int64_t* lengths = nullptr;    // [rows]: tokens that the row sees
  uint64_t* selections = nullptr;      // [rows]
};

using NoteSelectionKernel = void(const NoteSelectionParams& params, Workers& workers);

}  // namespace assay
