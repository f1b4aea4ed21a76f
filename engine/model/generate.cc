#include "engine/model/generate.h"

#include <algorithm>

#include "engine/model/draw_stream.h"

namespace assay {
namespace {

// Gives the pages back however generation ends.
struct Lease {
  KvCache& cache;
  CachedSequence sequence;
  ~Lease() { cache.release(sequence); }
};

}  // namespace

Result<std::vector<float>> prefill(Model& model, KvCache& cache, CachedSequence& sequence, std::span<const int32_t> tokens, int64_t chunk, Attention attention) {
  ASSAY_ASSERT(!tokens.empty() && chunk > 0);
  ASSAY_TRY(cache.reserve(sequence, sequence.length + static_cast<int64_t>(tokens.size())));
  for (;;) {
    const size_t count = std::min(tokens.size(), static_cast<size_t>(chunk));
    const bool last = count == tokens.size();
    const Chunk piece{&sequence, tokens.first(count), last ? LogitsOf::kLastRow : LogitsOf::kNone};
    ASSAY_ASSIGN(std::vector<float> logits, model.forward({&piece, 1}, cache, {.attention = attention}));
    if (last) return logits;
    tokens = tokens.subspan(count);
  }
}

Result<Generated> generate(Model& model, const Kernels& kernels, KvCache& cache, std::span<const int32_t> prompt, const GenerateOptions& options,
                           const std::function<bool(const Sampled&)>& seen) {
  if (prompt.empty()) return input_error("the prompt has no tokens", "generate", "begin with the beginning-of-sequence token at least");
  const int64_t context = model.config().max_position_embeddings;
  Lease lease{cache, {}};
  ASSAY_ASSIGN(std::vector<float> logits, prefill(model, cache, lease.sequence, prompt, options.chunk, options.attention));
  Generated generated;
  for (int64_t i = 0; i < options.limit; ++i) {
    const double uniform = uniform_at(options.seed, options.rollout, lease.sequence.length);
    Sampled sampled = kernels.sample(logits.data(), model.config().vocab_size, options.sampling, uniform);
    if (sampled.token < 0) return make_error(Boundary::kPolicy, "no token can be drawn from these logits", "generate");
    const int32_t token = sampled.token;
    const bool stop = (seen && !seen(sampled)) || std::find(options.stops.begin(), options.stops.end(), token) != options.stops.end();
    generated.tokens.push_back(std::move(sampled));
    if (stop) {
      generated.reason = StopReason::kStop;
      break;
    }
    if (lease.sequence.length >= context) {
      generated.reason = StopReason::kContext;
      break;
    }
    if (i + 1 < options.limit) {
      ASSAY_ASSIGN(logits, prefill(model, cache, lease.sequence, {&token, 1}, 1, options.attention));
    }
  }
  return generated;
}

}  // namespace assay
