#include "engine/runtime/replay.h"

#include "tests/engine/runtime/fixture.h"

namespace assay::test {
namespace {

struct Player {
  explicit Player(const std::string& preset) : checkpoint(preset) {
    model = need(Model::load(checkpoint.open(), *machine.device));
    cache = need(KvCache::create(checkpoint.config, {CacheFormat::kE4m3, 1024}, *machine.device));
  }
  // Three turns of one rollout; the last begins in the middle of what the second left.
  std::vector<TokenTurn> rollout() {
    const std::unique_ptr<Engine> engine = start(checkpoint);
    EngineClient client(*engine);
    const SequenceId id = client.open();
    std::vector<TokenTurn> turns;
    int64_t length = 0;
    for (const int64_t dropped : {0, 0, 90}) {
      TurnRequest request = some_request(checkpoint.config, 3 + turns.size());
      request.shared = length - dropped;
      request.sampling.temperature = 0.8;
      turns.push_back(tokens_of(play(client, id, request)));
      length = request.shared + static_cast<int64_t>(request.prompt.size() + turns.back().sampled.size());
    }
    return turns;
  }

  TinyCheckpoint checkpoint;
  Machine machine{fast_devices().back()};
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
};

}  // namespace

TEST_CASE("recorded turns, computed again with their experts, give the recorded log-probabilities and digests") {
  for (const std::string preset : {"tiny", "glm_tiny", "dense_tiny"}) {
    CAPTURE(preset);
    Player player(preset);
    const std::vector<TokenTurn> turns = player.rollout();
    for (const int64_t chunk : {1, 50, 4096}) {
      const std::vector<ReplayedTurn> replayed = need(replay(*player.model, *player.cache, turns, {.temperature = 0.8, .chunk = chunk}));
      REQUIRE(replayed.size() == 3);
      for (size_t i = 0; i < 3; ++i) {
        CHECK(replayed[i].full_log_probabilities == turns[i].full_log_probabilities);
        CHECK(replayed[i].selection_digest == turns[i].selection_digest);
      }
    }
    CHECK(check_selections(*player.model, *player.cache, turns).ok());
    CHECK(player.cache->free_tokens() == 1024);
  }
}

TEST_CASE("a record that was changed is noticed, and one that contradicts itself is refused") {
  Player player("tiny");
  const std::vector<TokenTurn> turns = player.rollout();
  const auto verdict = [&](const auto& change) {
    std::vector<TokenTurn> changed = turns;
    change(changed);
    const Status status = check_selections(*player.model, *player.cache, changed);
    return status.ok() ? Boundary::kInternal : status.error().boundary;
  };
  CHECK(verdict([](auto&) {}) == Boundary::kInternal);
  CHECK(verdict([](auto& all) { all[1].prompt[3] ^= 1; }) == Boundary::kVerifier);
  CHECK(verdict([](auto& all) { all[1].selection_digest[0] ^= 1; }) == Boundary::kVerifier);
  // Another expert for one early token, in the last routed layer but one.
  CHECK(verdict([](auto& all) { all[0].experts[4] = static_cast<uint16_t>(all[0].experts[5] == 7 ? 6 : all[0].experts[5] + 1); }) == Boundary::kVerifier);
  CHECK(verdict([](auto& all) { all[1].experts.pop_back(); }) == Boundary::kInput);
  CHECK(verdict([](auto& all) { all[1].experts[0] = 8; }) == Boundary::kInput);
  CHECK(verdict([](auto& all) { all[1].shared = 5000; }) == Boundary::kInput);
  CHECK(verdict([](auto& all) { all[1].experts_from = -1; }) == Boundary::kInput);
  CHECK(verdict([](auto& all) { all[0].prompt[0] = 100'000; }) == Boundary::kInput);
  CHECK(verdict([](auto& all) { all[2].sampled.back() = -5; }) == Boundary::kInput);
  CHECK(verdict([](auto& all) { all.erase(all.begin()); }) == Boundary::kInput);
  CHECK(player.cache->free_tokens() == 1024);

  REQUIRE(player.model->replace_weights(TinyCheckpoint("tiny", 6).open()).ok());
  CHECK(verdict([](auto&) {}) == Boundary::kVerifier);
}

}  // namespace assay::test
