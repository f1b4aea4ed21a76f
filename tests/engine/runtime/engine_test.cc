#include "engine/runtime/engine.h"

#include <future>
#include <thread>

#include "tests/engine/runtime/fixture.h"

namespace assay::test {
namespace {

// Allows one list of tokens in the first steps and everything later; stops after so many.
class Script final : public TokenGuide {
 public:
  Script(int64_t vocabulary, std::vector<std::vector<int32_t>> allowed, size_t steps) : steps_(steps) {
    for (const std::vector<int32_t>& tokens : allowed) {
      std::vector<uint64_t>& mask = masks_.emplace_back(static_cast<size_t>(vocabulary + 63) / 64);
      for (const int32_t token : tokens) mask[static_cast<size_t>(token / 64)] |= uint64_t{1} << token % 64;
    }
  }
  std::span<const uint64_t> allowed() override { return heard_ < masks_.size() ? std::span<const uint64_t>(masks_[heard_]) : std::span<const uint64_t>(); }
  Next accept(int32_t) override { return ++heard_ == steps_ ? Next::kStop : Next::kContinue; }

 private:
  std::vector<std::vector<uint64_t>> masks_;
  size_t steps_, heard_ = 0;
};

// Says when the turn has begun.
class Announcer final : public TokenGuide {
 public:
  std::span<const uint64_t> allowed() override { return {}; }
  Next accept(int32_t) override {
    if (heard_++ == 0) begun_.set_value();
    return Next::kContinue;
  }
  void wait() { begun_.get_future().wait(); }

 private:
  std::promise<void> begun_;
  int heard_ = 0;
};

// What followed a turn: a result of a tool.
TurnRequest following(const TokenTurn& turn, const ModelConfig& config, uint64_t index) {
  TurnRequest request = some_request(config, index);
  request.shared = turn.shared + static_cast<int64_t>(turn.prompt.size() + turn.sampled.size());
  return request;
}

// The same as a first turn.
TurnRequest whole(const TokenTurn& first, TurnRequest request) {
  std::vector<int32_t> tokens = first.prompt;
  tokens.insert(tokens.end(), first.sampled.begin(), first.sampled.end());
  tokens.resize(static_cast<size_t>(request.shared));
  tokens.insert(tokens.end(), request.prompt.begin(), request.prompt.end());
  request.prompt = std::move(tokens);
  request.shared = 0;
  return request;
}

// That `turn`, which continued a sequence, is `fresh`, which computed everything.
void check_same_turn(const TokenTurn& turn, const TokenTurn& fresh) {
  CHECK(turn.sampled == fresh.sampled);
  CHECK(turn.log_probabilities == fresh.log_probabilities);
  CHECK(turn.full_log_probabilities == fresh.full_log_probabilities);
  CHECK(turn.kept == fresh.kept);
  const int64_t skipped = turn.experts_from * turn.expert_layers * turn.experts_per_token;
  CHECK(std::equal(turn.experts.begin(), turn.experts.end(), fresh.experts.begin() + skipped, fresh.experts.end()));
}

}  // namespace

TEST_CASE("a turn is the same bits alone and among 64") {
  for (const std::string preset : {"tiny", "glm_tiny"}) {
    const TinyCheckpoint checkpoint(preset);
    const std::unique_ptr<Engine> engine = start(checkpoint), quiet = start(checkpoint, {.max_sequences = 1, .step_tokens = 4096});
    EngineClient client(*engine), alone(*quiet);
    std::vector<SequenceId> ids;
    for (uint64_t i = 0; i < 64; ++i) {
      ids.push_back(client.open());
      client.submit(ids.back(), some_request(checkpoint.config, i, static_cast<int64_t>(40 + i % 9)));
    }
    const auto together = all_finished(client);
    CHECK(engine->stats().largest_batch > 48);   // the first may have ended before the last is asked for
    for (uint64_t i = 0; i < 64; ++i) {
      const TokenTurn& turn = tokens_of(together.at(ids[i]));
      REQUIRE(turn.sampled.size() == 40 + i % 9);
      REQUIRE(turn == tokens_of(play(alone, alone.open(), some_request(checkpoint.config, i, static_cast<int64_t>(40 + i % 9)))));
    }
  }
}

TEST_CASE("a turn is the same bits in steps of 1 token and of 4096") {
  const TinyCheckpoint checkpoint;
  TurnRequest request = some_request(checkpoint.config, 1);
  request.prompt = random_tokens(700, checkpoint.config.vocab_size, 1);
  const TokenTurn large = play_alone(checkpoint, request, {.max_sequences = 1, .step_tokens = 4096});
  CHECK(play_alone(checkpoint, request, {.max_sequences = 1, .step_tokens = 1}) == large);
  CHECK(play_alone(checkpoint, request, {.max_sequences = 1, .step_tokens = 97}) == large);
  request.rollout = 2;
  CHECK_FALSE(play_alone(checkpoint, request) == large);   // so the comparison can fail
}

TEST_CASE("a sequence goes on where it was, also in the middle of its past, and its turns are those of one computed afresh") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  for (const int64_t dropped : {0, 1, 30, 64, 100, 200}) {
    const SequenceId id = client.open();
    TurnRequest opening = some_request(checkpoint.config, 3 + static_cast<uint64_t>(dropped) * 64);
    opening.prompt = random_tokens(250, checkpoint.config.vocab_size, 1000 + static_cast<uint64_t>(dropped));
    const TokenTurn first = tokens_of(play(client, id, opening));
    TurnRequest request = following(first, checkpoint.config, 4);
    request.shared -= dropped;
    const FinishedTurn second = play(client, id, request);
    CHECK(second.record->reused >= std::min<int64_t>(request.shared, 269) / 64 * 64);
    if (dropped <= 1) CHECK(second.record->reused == std::min<int64_t>(request.shared, 269));
    CHECK(tokens_of(second).experts_from == std::min<int64_t>(request.shared, 269));
    check_same_turn(tokens_of(second), play_alone(checkpoint, whole(first, request)));
    client.release(id);
  }
}

TEST_CASE("a text is the same sampled in one turn and in two, for a draw knows only its position") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  TurnRequest request = some_request(checkpoint.config, 5, 30);
  const TokenTurn whole = tokens_of(play(client, client.open(), request));
  const SequenceId id = client.open();
  request.limit = 11;
  const TokenTurn head = tokens_of(play(client, id, request));
  request.shared = static_cast<int64_t>(request.prompt.size()) + 11;
  request.prompt.clear();
  request.limit = 19;
  const TokenTurn tail = tokens_of(play(client, id, request));
  const auto joined = [](auto first, const auto& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  };
  CHECK(joined(head.sampled, tail.sampled) == whole.sampled);
  CHECK(joined(head.log_probabilities, tail.log_probabilities) == whole.log_probabilities);
  CHECK(joined(head.kept, tail.kept) == whole.kept);
  CHECK(joined(head.experts, tail.experts) == whole.experts);
}

TEST_CASE("a sequence that gave way between its turns goes on with the same bits") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> roomy = start(checkpoint), narrow = start(checkpoint, {.cache_tokens = 512});
  std::vector<TokenTurn> turns[2];
  for (const auto& engine : {&roomy, &narrow}) {
    EngineClient client(**engine);
    std::vector<TokenTurn>& played = turns[engine == &narrow];
    const SequenceId id = client.open();
    played.push_back(tokens_of(play(client, id, some_request(checkpoint.config, 5))));
    TurnRequest large = some_request(checkpoint.config, 6);
    large.prompt = random_tokens(480, checkpoint.config.vocab_size, 77);
    played.push_back(tokens_of(play(client, client.open(), large)));
    const FinishedTurn second = play(client, id, following(played.front(), checkpoint.config, 7));
    played.push_back(tokens_of(second));
    CHECK((second.record->reused == 0) == (engine == &narrow));
    CHECK(((*engine)->stats().dropped > 0) == (engine == &narrow));
  }
  CHECK(turns[0] == turns[1]);
}

TEST_CASE("a prompt that was computed before is not computed again, and nothing else changes") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  TurnRequest request = some_request(checkpoint.config, 8);
  request.prompt = random_tokens(300, checkpoint.config.vocab_size, 8);
  const SequenceId first = client.open();
  const FinishedTurn fresh = play(client, first, request);
  CHECK(fresh.record->reused == 0);
  client.release(first);
  const FinishedTurn hit = play(client, client.open(), request);
  CHECK(hit.record->reused == 256);
  CHECK(tokens_of(hit) == tokens_of(fresh));
  request.prompt[100] ^= 1;
  const FinishedTurn other = play(client, client.open(), request);
  CHECK(other.record->reused == 64);
  CHECK(tokens_of(other) == play_alone(checkpoint, request));
  // Whole blocks to the last token: that one's logits are wanted, so its block is computed again.
  request.prompt.resize(256);
  const FinishedTurn even = play(client, client.open(), request), again = play(client, client.open(), request);
  CHECK(again.record->reused == 192);
  CHECK(tokens_of(again) == tokens_of(even));
}

TEST_CASE("a group pays for its prompt once") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  TurnRequest request = some_request(checkpoint.config, 0);
  request.prompt = random_tokens(1000, checkpoint.config.vocab_size, 8);
  std::map<SequenceId, uint64_t> rollouts;
  for (uint64_t i = 0; i < 16; ++i) {
    request.rollout = i;
    const SequenceId id = client.open();
    rollouts[id] = i;
    client.submit(id, request);
  }
  const auto turns = all_finished(client);
  CHECK(engine->stats().prompt_tokens_computed == 1000 + 15 * (1000 - 960));
  CHECK(engine->stats().prompt_tokens_reused == 15 * 960);
  for (const auto& [id, rollout] : rollouts) {
    request.rollout = rollout;
    if (rollout % 5 == 0) CHECK(tokens_of(turns.at(id)) == play_alone(checkpoint, request));
  }
}

TEST_CASE("sequences that are preempted repeat themselves to the bit") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint, {.cache_tokens = 1024, .max_sequences = 8, .step_tokens = 64});
  EngineClient client(*engine);
  std::vector<SequenceId> ids;
  for (uint64_t i = 0; i < 12; ++i) {
    ids.push_back(client.open());
    client.submit(ids.back(), some_request(checkpoint.config, i, 150));
  }
  const auto turns = all_finished(client);
  int64_t preemptions = 0;
  for (uint64_t i = 0; i < 12; ++i) {
    preemptions += turns.at(ids[i]).record->preemptions;
    REQUIRE(tokens_of(turns.at(ids[i])) == play_alone(checkpoint, some_request(checkpoint.config, i, 150)));
  }
  CHECK(preemptions > 0);
  CHECK(preemptions == engine->stats().preemptions);
}

TEST_CASE("a fork goes on as the original does") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  const SequenceId original = client.open();
  const TokenTurn first = tokens_of(play(client, original, some_request(checkpoint.config, 9)));
  const SequenceId fork = client.fork(original);
  const TurnRequest request = following(first, checkpoint.config, 10);
  const FinishedTurn a = play(client, fork, request), b = play(client, original, request);
  CHECK(tokens_of(a) == tokens_of(b));
  CHECK(a.record->reused > 0);
  client.release(original);
  const TurnRequest next = following(tokens_of(a), checkpoint.config, 11);
  CHECK(play(client, fork, next).record.ok());
}

TEST_CASE("a cancelled turn keeps what it sampled, and its sequence goes on") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  // The guide cancels from within the engine's thread, so the turn is certainly open.
  class Canceller final : public TokenGuide {
   public:
    Canceller(EngineClient& client, SequenceId id) : client_(client), id_(id) {}
    std::span<const uint64_t> allowed() override { return {}; }
    Next accept(int32_t) override {
      if (++heard_ == 5) client_.cancel(id_);
      return Next::kContinue;
    }

   private:
    EngineClient& client_;
    SequenceId id_;
    int heard_ = 0;
  };
  const SequenceId id = client.open();
  TurnRequest request = some_request(checkpoint.config, 12, 2000);
  const TurnRequest plain = request;
  request.guide = std::make_shared<Canceller>(client, id);
  const FinishedTurn cancelled = play(client, id, request);
  REQUIRE(cancelled.record.ok());
  CHECK(cancelled.record->end == TurnEnd::kCancelled);
  REQUIRE(tokens_of(cancelled).sampled.size() == 5);
  const TurnRequest next = following(tokens_of(cancelled), checkpoint.config, 13);
  check_same_turn(tokens_of(play(client, id, next)), play_alone(checkpoint, whole(tokens_of(cancelled), next)));

  // Released in mid-turn: nothing comes out, and all room is given back.
  const SequenceId gone = client.open();
  client.submit(gone, some_request(checkpoint.config, 14, 3000));
  client.release(gone);
  client.release(id);
  CHECK(client.finished().empty());
  client.submit(client.open(), {});   // its turn fails, after what was asked before
  REQUIRE(client.finished().size() == 1);
  CHECK(engine->stats().held_tokens == 0);
}

TEST_CASE("a turn that is cancelled while it is preempted ends with a whole record") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint, {.cache_tokens = 256});
  EngineClient client(*engine);
  // The older of two sequences, which takes the pages of the younger one and cancels it afterwards.
  class Canceller final : public TokenGuide {
   public:
    Canceller(EngineClient& client, SequenceId other) : client_(client), other_(other) {}
    std::span<const uint64_t> allowed() override { return {}; }
    Next accept(int32_t) override {
      if (++heard_ == 100) client_.cancel(other_);
      return Next::kContinue;
    }

   private:
    EngineClient& client_;
    SequenceId other_;
    int heard_ = 0;
  };
  const SequenceId older = client.open(), younger = client.open();
  TurnRequest taking = some_request(checkpoint.config, 1, 150), cancelled = some_request(checkpoint.config, 2, 150);
  taking.prompt = random_tokens(60, checkpoint.config.vocab_size, 21);
  cancelled.prompt = random_tokens(60, checkpoint.config.vocab_size, 22);
  taking.guide = std::make_shared<Canceller>(client, younger);
  client.submit(older, taking);
  client.submit(younger, cancelled);
  const auto turns = all_finished(client);
  const FinishedTurn& ended = turns.at(younger);
  REQUIRE(ended.record.ok());
  CHECK(ended.record->end == TurnEnd::kCancelled);
  CHECK(ended.record->preemptions == 1);
  cancelled.limit = static_cast<int64_t>(tokens_of(ended).sampled.size());
  CHECK(tokens_of(ended) == play_alone(checkpoint, cancelled));
  CHECK(tokens_of(turns.at(older)).sampled.size() == 150);
}

TEST_CASE("a poisoned sequence ends alone with its error") {
  const TinyCheckpoint checkpoint("tiny", 5, TinyCheckpoint::Kind::kPoisoned);
  const std::unique_ptr<Engine> engine = start(checkpoint, {.cache_tokens = 2048});
  EngineClient client(*engine);
  std::vector<SequenceId> ids;
  for (uint64_t i = 0; i < 10; ++i) {
    TurnRequest request = some_request(checkpoint.config, i);
    if (i == 4) request.prompt.back() = kPoison;
    else request.guide = std::make_shared<Script>(checkpoint.config.vocab_size, std::vector<std::vector<int32_t>>(20, {1, 2, 3, 50, 60}), 20);
    ids.push_back(client.open());
    client.submit(ids.back(), std::move(request));
  }
  const auto turns = all_finished(client);
  REQUIRE_FALSE(turns.at(ids[4]).record.ok());
  CHECK(turns.at(ids[4]).record.error().boundary == Boundary::kPolicy);
  CHECK(turns.at(ids[4]).record.error().what.find("not finite") != std::string::npos);
  for (const uint64_t i : {0, 3, 5, 9}) {
    TurnRequest request = some_request(checkpoint.config, i);
    request.guide = std::make_shared<Script>(checkpoint.config.vocab_size, std::vector<std::vector<int32_t>>(20, {1, 2, 3, 50, 60}), 20);
    CHECK(tokens_of(turns.at(ids[i])) == play_alone(checkpoint, request));
  }
  CHECK_FALSE(play(client, ids[4], some_request(checkpoint.config, 1)).record.ok());
}

TEST_CASE("requests that cannot be met say so in their turns") {
  const TinyCheckpoint checkpoint("tiny", 5, TinyCheckpoint::Kind::kSound, 300);
  const std::unique_ptr<Engine> engine = start(checkpoint, {.cache_tokens = 256});
  EngineClient client(*engine);
  const auto refused = [&](const TurnRequest& request) {
    const FinishedTurn turn = play(client, client.open(), request);
    return turn.record.ok() ? std::string() : turn.record.error().text();
  };
  TurnRequest request{.prompt = {1, 2, 3}, .limit = 4};
  CHECK(refused(request) == "");
  request.prompt[1] = static_cast<int32_t>(checkpoint.config.vocab_size);
  CHECK(refused(request).find("outside the vocabulary") != std::string::npos);
  request.prompt[1] = -1;
  CHECK(refused(request).find("outside the vocabulary") != std::string::npos);
  CHECK(refused({}).find("no tokens") != std::string::npos);
  CHECK(refused({.shared = 1, .prompt = {1}}).find("cannot keep 1 tokens") != std::string::npos);
  CHECK(refused({.prompt = {1}, .limit = 0}).find("at least one") != std::string::npos);
  CHECK(refused({.prompt = std::vector<int32_t>(301, 1)}).find("has positions for 300") != std::string::npos);
  CHECK(refused({.prompt = std::vector<int32_t>(200, 1), .limit = 57}).find("the cache holds 256") != std::string::npos);
  CHECK(refused({.prompt = std::vector<int32_t>(200, 1), .limit = 56}) == "");
}

TEST_CASE("a turn ends at a stop token, at its limit, and where the model's positions end") {
  const TinyCheckpoint checkpoint("tiny", 5, TinyCheckpoint::Kind::kSound, 64);
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  TurnRequest request = some_request(checkpoint.config, 2, 12);
  request.prompt.resize(50);
  const FinishedTurn limited = play(client, client.open(), request);
  CHECK(limited.record->end == TurnEnd::kLimit);
  request.stops = {tokens_of(limited).sampled[6]};
  const FinishedTurn stopped = play(client, client.open(), request);
  CHECK(stopped.record->end == TurnEnd::kStop);
  CHECK(tokens_of(stopped).sampled.back() == request.stops[0]);
  CHECK(tokens_of(stopped).sampled.size() <= 7);
  request.stops.clear();
  request.limit = 100;
  const FinishedTurn full = play(client, client.open(), request);
  CHECK(full.record->end == TurnEnd::kContext);
  CHECK(tokens_of(full).sampled.size() == 15);
}

TEST_CASE("a guide says what may come, and what it did not allow is recorded as cut") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  TurnRequest request = some_request(checkpoint.config, 15);
  request.guide = std::make_shared<Script>(checkpoint.config.vocab_size, std::vector<std::vector<int32_t>>{{20}, {30, 31}, {}}, 3);
  request.sampling = {};
  const FinishedTurn nothing = play(client, client.open(), request);
  REQUIRE_FALSE(nothing.record.ok());
  CHECK(nothing.record.error().what.find("allows no token") != std::string::npos);

  request.guide = std::make_shared<Script>(checkpoint.config.vocab_size, std::vector<std::vector<int32_t>>{{20}, {30, 31}}, 6);
  const FinishedTurn guided = play(client, client.open(), request);
  const TokenTurn& turn = tokens_of(guided);
  CHECK(guided.record->end == TurnEnd::kStop);
  REQUIRE(turn.sampled.size() == 6);
  CHECK(turn.sampled[0] == 20);
  CHECK((turn.sampled[1] == 30 || turn.sampled[1] == 31));
  CHECK(turn.kept_counts == std::vector<int32_t>{1, 2, 0, 0, 0, 0});
  CHECK(turn.kept == std::vector<int32_t>{20, 30, 31});
  CHECK(turn.log_probabilities[0] == 0);
  CHECK(turn.full_log_probabilities[0] < -1);
}

TEST_CASE("new weights begin with the turns after them, and nothing computed with the old ones is used again") {
  const TinyCheckpoint checkpoint, newer("tiny", 6), other("glm_tiny");
  const std::unique_ptr<Engine> engine = start(checkpoint);
  EngineClient client(*engine);
  const TurnRequest request = some_request(checkpoint.config, 17, 300);
  const SequenceId open = client.open(), kept = client.open();
  const TokenTurn before = tokens_of(play(client, kept, request));
  const auto begun = std::make_shared<Announcer>();
  TurnRequest announced = request;
  announced.guide = begun;
  client.submit(open, announced);
  begun->wait();
  REQUIRE(engine->swap_weights(newer.open(), "second").ok());
  const TokenTurn during = tokens_of(all_finished(client).at(open));
  CHECK(during == before);
  CHECK(during.policy_version == "first");

  const FinishedTurn after = play(client, client.open(), request);
  CHECK(after.record->reused == 0);
  TokenTurn fresh = play_alone(newer, request);
  fresh.policy_version = "second";
  CHECK(tokens_of(after) == fresh);

  const TurnRequest next = following(before, checkpoint.config, 18);
  const FinishedTurn second = play(client, kept, next);
  CHECK(tokens_of(second).policy_version == "second");
  CHECK(tokens_of(second).experts_from == 0);
  check_same_turn(tokens_of(second), play_alone(newer, whole(before, next)));

  CHECK_FALSE(engine->swap_weights(other.open(), "third").ok());
  CHECK(tokens_of(play(client, client.open(), request)) == fresh);
}

TEST_CASE("clients on several threads get the turns they would get alone") {
  const TinyCheckpoint checkpoint;
  const std::unique_ptr<Engine> engine = start(checkpoint, {.cache_tokens = 2048, .max_sequences = 6});
  std::vector<std::vector<TokenTurn>> first(4), second(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      EngineClient client(*engine);
      std::map<SequenceId, size_t> index;
      first[t].resize(5), second[t].resize(5);
      for (size_t i = 0; i < 5; ++i) {
        const SequenceId id = client.open();
        index[id] = i;
        client.submit(id, some_request(checkpoint.config, t * 5 + i));
      }
      // Each goes on as soon as it may, whatever the others do.
      for (std::vector<FinishedTurn> turns = client.finished(); !turns.empty(); turns = client.finished())
        for (const FinishedTurn& turn : turns) {
          const size_t i = index.at(turn.sequence);
          (first[t][i].sampled.empty() ? first : second)[t][i] = turn.record->tokens;
          if (second[t][i].sampled.empty()) client.submit(turn.sequence, following(first[t][i], checkpoint.config, 40 + i));
        }
    });
  for (std::thread& thread : threads) thread.join();
  const std::unique_ptr<Engine> quiet = start(checkpoint, {.max_sequences = 1});
  EngineClient client(*quiet);
  for (size_t t = 0; t < 4; ++t)
    for (size_t i = 0; i < 5; ++i) {
      const SequenceId id = client.open();
      REQUIRE(first[t][i] == tokens_of(play(client, id, some_request(checkpoint.config, t * 5 + i))));
      REQUIRE(second[t][i] == tokens_of(play(client, id, following(first[t][i], checkpoint.config, 40 + i))));
    }
}

TEST_CASE("an engine that would not fit is refused before anything is loaded") {
  const TinyCheckpoint checkpoint;
  const auto huge = Engine::open(checkpoint.open(), engine_options({.cache_tokens = int64_t{1} << 50}));
  REQUIRE_FALSE(huge.ok());
  CHECK(huge.error().boundary == Boundary::kLimit);
  CHECK(huge.error().hint.find("fewer tokens of context") != std::string::npos);
  const auto wide = Engine::open(checkpoint.open(), engine_options({.step_tokens = int64_t{1} << 40}));
  REQUIRE_FALSE(wide.ok());
  CHECK(wide.error().what.find("for a step's buffers") != std::string::npos);
  CHECK_FALSE(Engine::open(checkpoint.open(), engine_options({.max_sequences = 64, .step_tokens = 63})).ok());
}

}  // namespace assay::test
