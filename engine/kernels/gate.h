// DeepSeek-V3's router (arXiv 2412.19437, section 2.1.2): s = sigmoid(logits); choice = s + bias. A group's score is the sum of its two
// best choices (its one, if it has only one); the best `groups_kept` groups stay; the best `k` choices in them are taken, ties to the
// lowest index; weight = s (without bias), divided by (the sum of the chosen + 1e-20) if `normalize`, times `scale`.
// NaN counts as minus infinity when choosing. Experts come out in ascending order. The sigmoid is 1 / (1 + exp(-x)) in float32.
#pragma once

#include <cstdint>

#include "engine/runtime/workers.h"

namespace assay {

enum class NormalizeWeights { kNo, kYes };

struct GateParams {
  int64_t rows = 0, experts = 0, groups = 1, groups_kept = 1, k = 0;   // groups divides experts; k <= experts in groups_kept groups
  NormalizeWeights normalize = NormalizeWeights::kYes;
  float scale = 1;
  const float* logits = nullptr;    // [rows, experts]
  const float* bias = nullptr;      // [experts]
  int32_t* chosen = nullptr;        // [rows, k]
  float* weights = nullptr;         // [rows, k]
  // [rows, k] or null: experts to take in the place of those that would be chosen, ascending; their weights are as if chosen. A row whose
  // first is negative chooses for itself.
  const int32_t* forced = nullptr;
};

using GateKernel = void(const GateParams& params, Workers& workers);

// The pairs (row, slot) of `chosen` in one list by expert, each expert's in ascending order.
struct GroupByExpertParams {
  int64_t rows = 0, experts = 0, k = 0;
  const int32_t* chosen = nullptr;   // [rows, k]
  int32_t* starts = nullptr;         // [experts + 1]: where in the list an expert's pairs begin
  int32_t* list = nullptr;           // [rows * k]: the pair's row
  int32_t* places = nullptr;         // [rows, k]: where in the list the pair is
};

using GroupByExpertKernel = void(const GroupByExpertParams& params, Workers& workers);

}  // namespace assay
