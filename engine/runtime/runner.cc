#include "engine/runtime/runner.h"

#include "engine/runtime/draw_stream.h"

namespace assay {
namespace {

Draw draw_of(const Sequence& sequence) {
  const TurnRequest& request = sequence.turn->request;
  Draw draw{request.sampling, uniform_at(request.seed, request.rollout, sequence.length())};
  if (request.guide) {
    const std::span<const uint64_t> allowed = request.guide->allowed();
    draw.params.allowed = allowed.empty() ? nullptr : allowed.data();
  }
  return draw;
}

}  // namespace

Result<std::vector<Sampled>> Runner::run(std::span<const StepPart> step) {
  std::vector<Chunk> chunks;
  std::vector<Draw> draws;
  for (const StepPart& part : step) {
    Sequence& sequence = *part.sequence;
    const std::span<const int32_t> tokens = std::span(sequence.tokens).subspan(static_cast<size_t>(sequence.cached.length), static_cast<size_t>(part.tokens));
    chunks.push_back({&sequence.cached, tokens, part.samples ? LogitsOf::kLastRow : LogitsOf::kNone});
    if (part.samples) draws.push_back(draw_of(sequence));
  }
  ASSAY_ASSIGN(std::vector<Sampled> sampled, model_.sample(chunks, draws, cache_, {.attention = attention_, .choices = &choices_}));
  int64_t row = 0;
  for (const StepPart& part : step) {
    recorder_.note(choices_, row, part.tokens, part.sequence->cached);
    row += part.tokens;
  }
  return sampled;
}

}  // namespace assay
