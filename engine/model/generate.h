// Tokens after a prompt, one sequence at a time: what `assay model generate` does. The draw of a token is a function of (seed, rollout,
// position) and its distribution alone.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/model/model.h"

namespace assay {

struct GenerateOptions {
  SamplingParams sampling;
  int64_t limit = 256;                 // tokens at most
  std::vector<int32_t> stops;          // the token is kept and ends the text
  uint64_t seed = 0, rollout = 0;
  int64_t chunk = 256;                 // prompt tokens a forward
  Attention attention = Attention::kSparse;
};

enum class StopReason { kStop, kLimit, kContext };

struct Generated {
  std::vector<Sampled> tokens;
  StopReason reason = StopReason::kLimit;
};

// Computes tokens of a sequence in chunks; the logits of the last token come back. Tokens may not be empty. Reserves pages.
Result<std::vector<float>> prefill(Model& model, KvCache& cache, CachedSequence& sequence, std::span<const int32_t> tokens, int64_t chunk,
                                   Attention attention = Attention::kSparse);

// `seen` gets every token as it is drawn; false ends the text (kStop).
Result<Generated> generate(Model& model, KvCache& cache, std::span<const int32_t> prompt, const GenerateOptions& options,
                           const std::function<bool(const Sampled&)>& seen = {});

}  // namespace assay
