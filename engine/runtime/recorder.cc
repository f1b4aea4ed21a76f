#include "engine/runtime/recorder.h"

#include <algorithm>

#include "envs/base/hash.h"
#include "envs/base/status.h"

namespace assay {
namespace {

int64_t routed_layers(const ModelConfig& config) {
  return std::count_if(config.layers.begin(), config.layers.end(), [](const LayerConfig& layer) { return layer.mlp == MlpType::kSparse; });
}

}  // namespace

Recorder::Recorder(const ModelConfig& config, int64_t pages)
    : expert_layers_(static_cast<int32_t>(routed_layers(config))), experts_per_token_(static_cast<int32_t>(config.num_experts_per_tok)),
      of_row_(expert_layers_ * experts_per_token_), pages_(static_cast<size_t>(pages)) {}

int64_t Recorder::bytes_needed(const ModelConfig& config, int64_t pages) {
  const int64_t of_row = routed_layers(config) * config.num_experts_per_tok;
  return pages * kPageTokens * (of_row * static_cast<int64_t>(sizeof(uint16_t)) + static_cast<int64_t>(sizeof(uint64_t)));
}

void Recorder::note(const Choices& choices, int64_t first, int64_t count, const CachedSequence& sequence) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t slot = KvCache::slot(sequence, sequence.length - count + i), row = first + i;
    Page& page = pages_[static_cast<size_t>(slot / kPageTokens)];
    if (page.selections.empty()) {
      page.selections.resize(kPageTokens);
      page.experts.resize(static_cast<size_t>(kPageTokens * of_row_));
    }
    page.selections[static_cast<size_t>(slot % kPageTokens)] = choices.selections[static_cast<size_t>(row)];
    std::copy_n(choices.experts.begin() + row * of_row_, of_row_, page.experts.begin() + slot % kPageTokens * of_row_);
  }
}

TokenTurn Recorder::record(Sequence& sequence, const std::string& policy_version) const {
  const OpenTurn& open = *sequence.turn;
  TokenTurn turn;
  turn.shared = open.request.shared;
  turn.prompt = open.request.prompt;
  turn.policy_version = policy_version;
  for (const Sampled& sampled : open.sampled) {
    turn.sampled.push_back(sampled.token);
    turn.log_probabilities.push_back(static_cast<float>(sampled.log_probability));
    turn.full_log_probabilities.push_back(static_cast<float>(sampled.log_probability_full));
    turn.kept_counts.push_back(static_cast<int32_t>(sampled.kept.size()));
    turn.kept.insert(turn.kept.end(), sampled.kept.begin(), sampled.kept.end());
  }
  const int64_t end = sequence.length() - 1;
  ASSAY_ASSERT(sequence.cached.length >= end);
  turn.expert_layers = expert_layers_;
  turn.experts_per_token = experts_per_token_;
  turn.experts_from = sequence.recorded;
  std::vector<uint64_t> selections;
  for (int64_t position = turn.experts_from; position < end; ++position) {
    const int64_t slot = KvCache::slot(sequence.cached, position);
    const Page& page = pages_[static_cast<size_t>(slot / kPageTokens)];
    selections.push_back(page.selections[static_cast<size_t>(slot % kPageTokens)]);
    const auto experts = page.experts.begin() + slot % kPageTokens * of_row_;
    turn.experts.insert(turn.experts.end(), experts, experts + of_row_);
  }
  turn.selection_digest = selection_digest(selections);
  sequence.recorded = end;
  return turn;
}

std::string selection_digest(std::span<const uint64_t> selections) {
  std::string bytes;
  bytes.reserve(selections.size() * sizeof(uint64_t));
  for (const uint64_t selection : selections)
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<char>(selection >> shift & 0xff));
  return sha256_hex(bytes);
}

}  // namespace assay
