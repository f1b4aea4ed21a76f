#include "engine/model/generate.h"

#include <algorithm>

#include "engine/model/draw_stream.h"

namespace assay {
namespace {

// Chunks of a prompt, and what is left of it for whoever wants logits.
Result<std::span<const int32_t>> prefill_but_last(Model& model, KvCache& cache, CachedSequence& sequence, std::span<const int32_t> tokens, int64_t chunk, Attention attention) {
  ASSAY_ASSERT(!tokens.empty() && chunk > 0);
  ASSAY_TRY(cache.reserve(sequence, sequence.length + static_cast<int64_t>(tokens.size())));
  while (tokens.size() > static_cast<size_t>(chunk)) {
    const Chunk piece{&sequence, tokens.first(static_cast<size_t>(chunk)), LogitsOf::kNone};
    ASSAY_TRY(model.forward({&piece, 1}, cache, {.attention = attention}));
    tokens = tokens.subspan(static_cast<size_t>(chunk));
  }
  return tokens;
}

// Gives the pages back however generation ends.
struct Lease {
  KvCache& cache;
  CachedSequence sequence;
  ~Lease() { cache.release(sequence); }
};

}  // namespace

Result<std::vector<float>> prefill(Model& model, KvCache& cache, CachedSequence& sequence, std::span<const int32_t> tokens, int64_t chunk, Attention attention) {
  ASSAY_ASSIGN(const std::span<const int32_t> last, prefill_but_last(model, cache, sequence, tokens, chunk, attention));
  const Chunk piece{&sequence, last, LogitsOf::kLastRow};
  return model.forward({&piece, 1}, cache, {.attention = attention});
}

Result<Generated> generate(Model& model, KvCache& cache, std::span<const int32_t> prompt, const GenerateOptions& options, const std::function<bool(const Sampled&)>& seen) {
  if (prompt.empty()) return input_error("the prompt has no tokens", "generate", "begin with the beginning-of-sequence token at least");
  const int64_t context = model.config().max_position_embeddings;
  Lease lease{cache, {}};
  CachedSequence& sequence = lease.sequence;
  Generated generated;
  std::span<const int32_t> tokens = prompt;
  for (int32_t token = 0; static_cast<int64_t>(generated.tokens.size()) < options.limit; tokens = {&token, 1}) {
    ASSAY_ASSIGN(const std::span<const int32_t> last, prefill_but_last(model, cache, sequence, tokens, options.chunk, options.attention));
    const Chunk piece{&sequence, last, LogitsOf::kLastRow};
    const Draw draw{options.sampling, uniform_at(options.seed, options.rollout, sequence.length + static_cast<int64_t>(last.size()))};
    ASSAY_ASSIGN(std::vector<Sampled> sampled, model.sample({&piece, 1}, {&draw, 1}, cache, {.attention = options.attention}));
    token = sampled.front().token;
    if (token < 0) return make_error(Boundary::kPolicy, "no token can be drawn from these logits: they are not finite", "generate", "assay model check DIR --values looks for NaN among the weights");
    const bool stop = (seen && !seen(sampled.front())) || std::find(options.stops.begin(), options.stops.end(), token) != options.stops.end();
    generated.tokens.push_back(std::move(sampled.front()));
    if (stop || sequence.length >= context) {
      generated.reason = stop ? StopReason::kStop : StopReason::kContext;
      return generated;
    }
  }
  return generated;
}

}  // namespace assay
