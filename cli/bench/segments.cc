// What an engine records of a rollout, put into a store on disk, beside the same as JSON Lines; one thread.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/bench.h"
#include "cli/bench/temporary_folder.h"
#include "datasets/store.h"
#include "datasets/token_sequence.h"
#include "envs/base/rng.h"

namespace assay::bench::segments {
namespace {

// The routed experts of DeepSeek-V3.2: 58 layers choose 8 of 256. Here every choice is equally likely, which compresses worst.
constexpr int kLayers = 58, kChosen = 8, kExperts = 256;
constexpr int kTurns = 8, kGiven = 100, kSampled = 150, kVocabulary = 129'280;
constexpr int64_t kRollouts = 300;

void draw_experts(Rng& rng, int64_t rows, TokenTurn& turn) {
  for (int64_t choice = 0; choice < rows * kLayers; ++choice) {
    uint16_t deck[kExperts];
    for (uint16_t i = 0; i < kExperts; ++i) deck[i] = i;
    for (uint64_t i = 0; i < kChosen; ++i) {
      std::swap(deck[i], deck[i + rng.below(kExperts - i)]);
      turn.experts.push_back(deck[i]);
    }
  }
}

// Half of the tokens come from a set of 20 neighbours in probability, which are none in number.
void draw_sampled(Rng& rng, TokenTurn& turn) {
  for (int i = 0; i < kSampled; ++i) {
    std::vector<int32_t> kept(i % 2 ? 20 : 0);
    for (int32_t& token : kept) token = static_cast<int32_t>(rng.below(kVocabulary));
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    const float probability = static_cast<float>(std::log(1 - rng.unit() * 0.99));
    turn.sampled.push_back(kept.empty() ? static_cast<int32_t>(rng.below(kVocabulary)) : rng.pick(kept));
    turn.log_probabilities.push_back(probability);
    turn.full_log_probabilities.push_back(kept.empty() ? probability : probability - 0.1f);
    turn.kept_counts.push_back(static_cast<int32_t>(kept.size()));
    turn.kept.insert(turn.kept.end(), kept.begin(), kept.end());
  }
}

Rollout drawn_rollout() {
  Rng rng(1, "bench/segments");
  Rollout rollout;
  rollout.policy = "bench";
  int64_t tokens = 0;
  for (int i = 0; i < kTurns; ++i) {
    TokenTurn turn;
    turn.shared = tokens;
    turn.expert_layers = kLayers;
    turn.experts_per_token = kChosen;
    turn.experts_from = std::max<int64_t>(tokens - 1, 0);
    for (int j = 0; j < kGiven; ++j) turn.prompt.push_back(static_cast<int32_t>(rng.below(kVocabulary)));
    draw_sampled(rng, turn);
    tokens += kGiven + kSampled;
    draw_experts(rng, tokens - 1 - turn.experts_from, turn);
    rollout.turns.push_back(std::move(turn));
    rollout.messages.push_back({Role::kAssistant, "", "", {}, ""});
  }
  return rollout;
}

// A row as trainers read it; experts nested by token and layer.
OrderedJson row_of(const TokenSequence& s) {
  OrderedJson experts = OrderedJson::array();
  for (auto at = s.experts.begin(); at < s.experts.end();) {
    OrderedJson layers = OrderedJson::array();
    for (int layer = 0; layer < kLayers; ++layer, at += kChosen) layers.push_back(std::vector<uint16_t>(at, at + kChosen));
    experts.push_back(std::move(layers));
  }
  return {{"tokens", s.tokens},          {"loss_mask", s.mask},          {"rollout_log_probs", s.log_probabilities},
          {"full_log_probs", s.full_log_probabilities}, {"top_p_token_ids", s.kept}, {"top_p_offsets", s.kept_offsets},
          {"routed_experts", experts}};
}

// As arrays of what each needs: int32 ids, uint8 masks and experts, float32, int64 offsets.
int64_t array_bytes(const TokenSequence& s) {
  return static_cast<int64_t>(s.tokens.size() * (4 + 1 + 4 + 4 + 8) + 4 * s.kept.size() + s.experts.size());
}

Result<std::vector<Figure>> run() {
  Rollout rollout = drawn_rollout();
  ASSAY_ASSIGN(const std::vector<TokenSequence> sequences, token_sequences(rollout));
  const int64_t array = array_bytes(sequences[0]), json = static_cast<int64_t>(row_of(sequences[0]).dump().size()) + 1;
  const TemporaryFolder folder("segments");
  std::filesystem::create_directories(folder.path);
  ASSAY_ASSIGN(auto store, Store::open((folder.path / "bench.db").string(), StoreMode::kOpenOrCreate, system_clock()));
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < kRollouts; ++i) {
    rollout.sample = i;
    rollout.id = rollout_id(rollout.task, rollout.policy, 0, i);
    ASSAY_TRY(store->put_rollout(rollout));
  }
  ASSAY_TRY(store->flush());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ASSAY_ASSIGN(const Json statistics, store->statistics());
  const double stored = statistics.value("bytes", 0.0) / static_cast<double>(kRollouts);
  const std::string shape = std::to_string(kTurns * (kGiven + kSampled)) + " tokens, 58 layers of 8 of 256 experts, drawn evenly, half of the tokens cut to 20";
  return std::vector<Figure>{
      {"segments", "size of JSON Lines", stored / static_cast<double>(json), "", 1.0 / 3, false,
       std::to_string(static_cast<int64_t>(stored)) + " bytes a rollout, with its rollout record, of " + std::to_string(json) +
           " as a row of tokens, loss_mask, log-probabilities, top-p ids with offsets and nested experts; " + shape},
      {"segments", "records of tokens", static_cast<double>(array * kRollouts) / seconds / 1e6, "MB/s", 200, true,
       std::to_string(array) + " bytes a rollout as arrays (int32, float32, uint8 experts), checked, packed, synced and committed, in /tmp"}};
}

}  // namespace

BenchArea make() { return {"segments", "what engines record of rollouts, put into a store", run}; }

}  // namespace assay::bench::segments
