#include "engine/runtime/replay.h"

#include <algorithm>

#include "engine/runtime/recorder.h"

namespace assay {
namespace {

class Replay {
 public:
  Replay(Model& model, KvCache& cache, const ReplayOptions& options) : model_(model), cache_(cache), options_(options), config_(model.config()) {
    for (size_t layer = 0; layer < config_.layers.size(); ++layer)
      if (config_.layers[layer].mlp == MlpType::kSparse) routed_.push_back(layer);
    of_row_ = static_cast<int64_t>(routed_.size()) * config_.num_experts_per_tok;
  }
  ~Replay() { cache_.release(cached_); }

  Result<ReplayedTurn> add(const TokenTurn& turn) {
    ASSAY_TRY(take(turn));
    const int64_t end = length() - 1, first_drawn = end - static_cast<int64_t>(turn.sampled.size());
    cached_.length = std::min({cached_.length, turn.experts_from, first_drawn});   // the pages are ours alone
    selections_.resize(static_cast<size_t>(cached_.length));
    ASSAY_TRY(cache_.reserve(cached_, end));
    while (cached_.length < first_drawn) ASSAY_TRY(compute(std::min(options_.chunk, first_drawn - cached_.length), LogitsOf::kNone));
    ReplayedTurn replayed;
    while (cached_.length < end) {
      ASSAY_ASSIGN(const std::vector<Sampled> sampled, compute(std::min(options_.chunk, end - cached_.length), LogitsOf::kAllRows));
      for (const Sampled& token : sampled) replayed.full_log_probabilities.push_back(static_cast<float>(token.log_probability_full));
    }
    replayed.selection_digest = selection_digest(std::span(selections_).subspan(static_cast<size_t>(turn.experts_from)));
    return replayed;
  }

 private:
  int64_t length() const { return static_cast<int64_t>(tokens_.size()); }

  // The sequence that the turn left behind, and its experts.
  Status take(const TokenTurn& turn) {
    const auto refuse = [](const std::string& what) { return input_error("a recorded turn " + what, "replay"); };
    if (turn.shared < 0 || turn.shared > length()) return refuse("continues tokens that no turn before it has");
    tokens_.resize(static_cast<size_t>(turn.shared));
    tokens_.insert(tokens_.end(), turn.prompt.begin(), turn.prompt.end());
    if (tokens_.empty()) return refuse("has no prompt");
    tokens_.insert(tokens_.end(), turn.sampled.begin(), turn.sampled.end());
    if (turn.expert_layers != static_cast<int32_t>(routed_.size()) || (of_row_ > 0 && turn.experts_per_token != config_.num_experts_per_tok))
      return refuse("has experts of " + std::to_string(turn.expert_layers) + " layers, and the model routes in " + std::to_string(routed_.size()));
    const int64_t rows = length() - 1 - turn.experts_from;
    if (turn.experts_from < 0 || turn.experts_from > std::min(turn.shared, cached_.length) || rows < 0 ||
        static_cast<int64_t>(turn.experts.size()) != rows * of_row_)
      return refuse("has not one set of experts for each of its tokens");
    experts_.resize(static_cast<size_t>(turn.experts_from * of_row_));
    experts_.insert(experts_.end(), turn.experts.begin(), turn.experts.end());
    return {};
  }

  // The next `count` tokens. With all rows, each draws the token that follows it: no other is allowed.
  Result<std::vector<Sampled>> compute(int64_t count, LogitsOf logits) {
    const int64_t first = cached_.length;
    std::vector<std::vector<uint64_t>> masks;
    std::vector<Draw> draws;
    for (int64_t i = 0; logits == LogitsOf::kAllRows && i < count; ++i) {
      const int32_t token = tokens_[static_cast<size_t>(first + i + 1)];
      if (token < 0 || token >= config_.vocab_size) return input_error("a recorded token is outside the vocabulary", "replay");
      masks.emplace_back(static_cast<size_t>(config_.vocab_size + 63) / 64)[static_cast<size_t>(token / 64)] = uint64_t{1} << token % 64;
      draws.push_back({{.temperature = options_.temperature, .allowed = masks.back().data()}, 0});
    }
    const Forced forced = forced_rows(first, count);
    const Chunk chunk{&cached_, std::span(tokens_).subspan(static_cast<size_t>(first), static_cast<size_t>(count)), logits};
    Choices choices;
    ASSAY_ASSIGN(std::vector<Sampled> sampled, model_.sample({&chunk, 1}, draws, cache_, {.forced = &forced, .choices = &choices}));
    selections_.insert(selections_.end(), choices.selections.begin(), choices.selections.end());
    return sampled;
  }

  Forced forced_rows(int64_t first, int64_t count) const {
    Forced forced;
    forced.layers.resize(config_.layers.size());
    for (int64_t row = first; row < first + count; ++row)
      for (size_t i = 0; i < routed_.size(); ++i) {
        const auto experts = experts_.begin() + row * of_row_ + static_cast<int64_t>(i) * config_.num_experts_per_tok;
        forced.layers[routed_[i]].experts.emplace_back(experts, experts + config_.num_experts_per_tok);
      }
    return forced;
  }

  Model& model_;
  KvCache& cache_;
  const ReplayOptions options_;
  const ModelConfig& config_;
  std::vector<size_t> routed_;           // layers
  int64_t of_row_ = 0;                   // experts of a token in all of them
  CachedSequence cached_;
  std::vector<int32_t> tokens_;
  std::vector<uint16_t> experts_;        // [tokens, of_row_], of the last token perhaps none
  std::vector<uint64_t> selections_;     // [computed tokens]
};

}  // namespace

Result<std::vector<ReplayedTurn>> replay(Model& model, KvCache& cache, std::span<const TokenTurn> turns, const ReplayOptions& options) {
  ASSAY_ASSERT(options.chunk > 0);
  Replay replay(model, cache, options);
  std::vector<ReplayedTurn> replayed;
  for (const TokenTurn& turn : turns) {
    ASSAY_ASSIGN(ReplayedTurn of_turn, replay.add(turn));
    replayed.push_back(std::move(of_turn));
  }
  return replayed;
}

Status check_selections(Model& model, KvCache& cache, std::span<const TokenTurn> turns) {
  ASSAY_ASSIGN(const std::vector<ReplayedTurn> replayed, replay(model, cache, turns));
  for (size_t i = 0; i < turns.size(); ++i)
    if (!turns[i].selection_digest.empty() && turns[i].selection_digest != replayed[i].selection_digest)
      return make_error(Boundary::kVerifier, "the tokens attended to are others than those recorded", "turn " + std::to_string(i),
                        "check with the weights and the instruction set that sampled");
  return {};
}

}  // namespace assay
