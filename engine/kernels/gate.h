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
};

using GateKernel = void(const GateParams& params, Workers& workers);

}  // namespace assay
