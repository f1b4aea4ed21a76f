// Engines over small random checkpoints, and turns played on them.
#pragma once

#include <map>

#include "engine/runtime/engine.h"
#include "tests/engine/model/fixture.h"

namespace assay::test {

inline constexpr int kPoison = 7;   // a token whose logits are not finite, in poisoned checkpoints

class TinyCheckpoint {
 public:
  enum class Kind { kSound, kPoisoned };

  explicit TinyCheckpoint(const std::string& preset = "tiny", uint64_t seed = 5, Kind kind = Kind::kSound, int64_t positions = 0)
      : config(need(preset_config(preset))) {
    if (positions > 0) config.max_position_embeddings = positions;
    need(write_synthetic(config, folder_.path(), {.dtype = kind == Kind::kPoisoned ? WeightDType::kF32 : WeightDType::kBF16, .seed = seed}));
    if (kind == Kind::kPoisoned) poison_token(folder_.path(), kPoison);
  }
  Checkpoint open() const { return need(Checkpoint::open(folder_.path())); }

  ModelConfig config;

 private:
  Folder folder_;
};

struct EngineSize {
  int64_t cache_tokens = 16384, max_sequences = 64, step_tokens = 512;
};

inline EngineOptions engine_options(const EngineSize& size) {
  return {fast_devices().back(), 2, {CacheFormat::kE4m3, size.cache_tokens}, size.max_sequences, size.step_tokens, "first"};
}

inline std::unique_ptr<Engine> start(const TinyCheckpoint& checkpoint, const EngineSize& size = {}) {
  return need(Engine::open(checkpoint.open(), engine_options(size)));
}

// What another turn must repeat: everything that is recorded but how it was come by.
inline const TokenTurn& tokens_of(const FinishedTurn& turn) {
  if (!turn.record.ok()) FAIL(turn.record.error().text());
  return turn.record->tokens;
}

// Waits for all open turns of a client.
inline std::map<SequenceId, FinishedTurn> all_finished(EngineClient& client) {
  std::map<SequenceId, FinishedTurn> all;
  for (;;) {
    std::vector<FinishedTurn> turns = client.finished();
    if (turns.empty()) return all;
    for (FinishedTurn& turn : turns) all.insert_or_assign(turn.sequence, std::move(turn));
  }
}

inline FinishedTurn play(EngineClient& client, SequenceId sequence, TurnRequest request) {
  client.submit(sequence, std::move(request));
  std::vector<FinishedTurn> turns = client.finished();
  REQUIRE(turns.size() == 1);
  return std::move(turns.front());
}

// One turn in an engine that has nothing else to do.
inline TokenTurn play_alone(const TinyCheckpoint& checkpoint, const TurnRequest& request, const EngineSize& size = {}) {
  const std::unique_ptr<Engine> engine = start(checkpoint, size);
  EngineClient client(*engine);
  return tokens_of(play(client, client.open(), request));
}

// Requests of many shapes: short and long prompts, plain and cut distributions.
inline TurnRequest some_request(const ModelConfig& config, uint64_t index, int64_t limit = 20) {
  static const std::vector<SamplingParams> settings = {{}, {.temperature = 0.7, .top_p = 0.9}, {.top_k = 5}, {.temperature = 0}, {.temperature = 1.3, .min_p = 0.05}};
  TurnRequest request;
  request.prompt = random_tokens(static_cast<int64_t>(3 + 53 * index % 290), config.vocab_size, 100 + index);
  std::replace(request.prompt.begin(), request.prompt.end(), kPoison, kPoison + 1);
  request.sampling = settings[index % settings.size()];
  request.seed = 11;
  request.rollout = index;
  request.limit = limit;
  return request;
}

}  // namespace assay::test
