// Sequences that are continued, cut, forked and released at random in an engine that has too little room for them.
#include "engine/runtime/replay.h"
#include "tests/engine/runtime/fixture.h"

namespace assay::test {
namespace {

// A conversation by the test's own account.
struct Talk {
  SequenceId id = 0;
  std::vector<int32_t> tokens;
  std::vector<TokenTurn> turns;
  std::optional<TurnRequest> open;
};

std::vector<int32_t> joined(std::vector<int32_t> tokens, int64_t shared, const std::vector<int32_t>& more) {
  tokens.resize(static_cast<size_t>(shared));
  tokens.insert(tokens.end(), more.begin(), more.end());
  return tokens;
}

}  // namespace

TEST_CASE("whatever is done to sequences, a turn is the one that computing everything afresh gives") {
  constexpr int64_t kCacheTokens = 768;
  const uint64_t seed = GENERATE(range<uint64_t>(0, 3));
  CAPTURE(seed);
  Rng rng(seed, "test/random_walk");
  const TinyCheckpoint checkpoint("tiny");
  const std::unique_ptr<Engine> engine = start(checkpoint, {.cache_tokens = kCacheTokens, .max_sequences = 6, .step_tokens = 48});
  const std::unique_ptr<Engine> quiet = start(checkpoint, {.max_sequences = 1, .step_tokens = 1024});
  EngineClient client(*engine), fresh(*quiet);
  std::vector<Talk> talks;
  std::vector<std::vector<TokenTurn>> ended;
  std::vector<int32_t> common = random_tokens(400, checkpoint.config.vocab_size, seed);

  const auto submit = [&](Talk& talk) {
    TurnRequest request = some_request(checkpoint.config, rng.below(1000), static_cast<int64_t>(1 + rng.below(90)));
    const int64_t length = static_cast<int64_t>(talk.tokens.size());
    request.shared = rng.below(3) ? length : rng.between(0, length);
    if (talk.tokens.empty()) request.prompt.assign(common.begin(), common.begin() + rng.between(1, 400));
    else request.prompt.resize(std::min<size_t>(request.prompt.size(), rng.below(100)));
    if (request.shared + request.prompt.size() == 0) request.prompt = {1};
    request.limit = std::min(request.limit, kCacheTokens - request.shared - static_cast<int64_t>(request.prompt.size()));
    if (request.limit < 1) return;
    talk.open = request;
    client.submit(talk.id, request);
  };
  const auto take = [&](const FinishedTurn& finished) {
    Talk& talk = *std::find_if(talks.begin(), talks.end(), [&](const Talk& each) { return each.id == finished.sequence; });
    const TokenTurn& turn = tokens_of(finished);
    TurnRequest whole = *talk.open;
    whole.prompt = joined(talk.tokens, talk.open->shared, talk.open->prompt);
    whole.shared = 0;
    const SequenceId id = fresh.open();
    const TokenTurn expected = tokens_of(play(fresh, id, whole));
    fresh.release(id);
    REQUIRE(turn.sampled == expected.sampled);
    REQUIRE(turn.log_probabilities == expected.log_probabilities);
    REQUIRE(turn.full_log_probabilities == expected.full_log_probabilities);
    REQUIRE(turn.kept == expected.kept);
    const int64_t skipped = turn.experts_from * turn.expert_layers * turn.experts_per_token;
    REQUIRE(std::equal(turn.experts.begin(), turn.experts.end(), expected.experts.begin() + skipped, expected.experts.end()));
    talk.tokens = joined(whole.prompt, static_cast<int64_t>(whole.prompt.size()), turn.sampled);
    talk.turns.push_back(turn);
    talk.open.reset();
  };

  // More than there is room for once they have grown.
  for (int i = 0; i < 6; ++i) {
    Talk& talk = talks.emplace_back();
    talk.id = client.open();
    talk.open = some_request(checkpoint.config, static_cast<uint64_t>(i), 150);
    talk.open->prompt.assign(common.begin() + i, common.begin() + 50);
    client.submit(talk.id, *talk.open);
  }
  for (int operation = 0; operation < 100; ++operation) {
    const uint64_t what = rng.below(10);
    if (talks.size() < 3 || (what == 0 && talks.size() < 8)) {
      talks.emplace_back().id = client.open();
      submit(talks.back());
      continue;
    }
    Talk& talk = talks[rng.below(talks.size())];
    if (what < 5 && !talk.open) {
      submit(talk);
    } else if (what == 5 && !talk.open && talks.size() < 8) {
      Talk fork = talk;
      fork.id = client.fork(talk.id);
      talks.push_back(std::move(fork));
    } else if (what == 6) {
      client.release(talk.id);
      ended.push_back(std::move(talk.turns));
      std::swap(talk, talks.back());
      talks.pop_back();
    } else if (what > 6) {
      for (const FinishedTurn& finished : client.finished()) take(finished);
    }
  }
  for (const auto& [id, finished] : all_finished(client)) take(finished);
  CHECK(engine->stats().preemptions > 0);
  CHECK(engine->stats().dropped > 0);
  CHECK(engine->stats().prompt_tokens_reused > 0);
  for (Talk& talk : talks) {
    client.release(talk.id);
    ended.push_back(std::move(talk.turns));
  }
  play(client, client.open(), {});   // fails, when all before it is done
  CHECK(engine->stats().held_tokens == 0);

  const Machine machine{fast_devices().back()};
  const std::unique_ptr<Model> model = need(Model::load(checkpoint.open(), *machine.device));
  const std::unique_ptr<KvCache> cache = need(KvCache::create(checkpoint.config, {CacheFormat::kE4m3, 2048}, *machine.device));
  for (const std::vector<TokenTurn>& turns : ended) need(check_selections(*model, *cache, turns));
}

}  // namespace assay::test
