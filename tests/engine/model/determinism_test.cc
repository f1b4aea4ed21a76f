// Bits of a row do not depend on what stands beside it, on how its sequence was cut, or on the number of threads.
#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

struct Case {
  std::string preset;
  WeightDType dtype;
  CacheFormat cache;
};

const std::vector<Case> kCases = {{"tiny", WeightDType::kF32, CacheFormat::kF32},
                                  {"tiny", WeightDType::kBF16, CacheFormat::kE4m3},
                                  {"tiny", WeightDType::kFp8, CacheFormat::kE4m3},
                                  {"glm_tiny", WeightDType::kBF16, CacheFormat::kE4m3}};

struct World {
  World(const Case& which, const std::string& device, int threads, int64_t cache_tokens) : machine(device, threads) {
    const ModelConfig config = need(preset_config(which.preset));
    need_ok(write_synthetic(config, folder.path(), {.dtype = which.dtype, .seed = 7}));
    const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
    model = need(Model::load(checkpoint, *machine.device));
    cache = need(KvCache::create(config, {which.cache, cache_tokens}, *machine.device));
  }
  static void need_ok(const Status& status) {
    if (!status.ok()) FAIL(status.error().text());
  }

  Folder folder;
  Machine machine;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
};

}  // namespace

TEST_CASE("a sequence's logits are the same bits in chunks of 1 and of 4096") {
  for (const Case& which : kCases)
    for (const std::string& device : fast_devices()) {
      CAPTURE(which.preset, device);
      World world(which, device, 2, 4160);
      const std::vector<int32_t> tokens = random_tokens(4096, world.model->config().vocab_size, 1);
      const std::vector<float> whole = all_logits(*world.model, *world.cache, tokens, 4096);
      REQUIRE(differing_bits(whole, all_logits(*world.model, *world.cache, tokens, 1)) == 0);
      REQUIRE(differing_bits(whole, all_logits(*world.model, *world.cache, tokens, 97)) == 0);
    }
}

TEST_CASE("a sequence's logits are the same bits alone and among 64") {
  for (const Case& which : kCases)
    for (const std::string& device : fast_devices()) {
      CAPTURE(which.preset, device);
      World world(which, device, 2, 64 * 320);
      const int64_t vocabulary = world.model->config().vocab_size;
      std::vector<std::vector<int32_t>> tokens;
      std::vector<std::vector<float>> alone, together(64);
      for (uint64_t i = 0; i < 64; ++i) {
        tokens.push_back(random_tokens(static_cast<int64_t>(20 + 37 * i % 260), vocabulary, 100 + i));
        alone.push_back(all_logits(*world.model, *world.cache, tokens.back(), 4096));
      }
      // Prefills of different lengths, then decoding one token each, all in one batch as long as a sequence has tokens left.
      std::vector<CachedSequence> sequences(64);
      for (bool more = true; more;) {
        std::vector<Chunk> batch;
        std::vector<size_t> members;
        for (size_t i = 0; i < 64; ++i) {
          const size_t done = static_cast<size_t>(sequences[i].length);
          if (done == tokens[i].size()) continue;
          const size_t count = done == 0 ? tokens[i].size() - std::min<size_t>(tokens[i].size() - 1, i % 9) : 1;
          World::need_ok(world.cache->reserve(sequences[i], static_cast<int64_t>(done + count)));
          batch.push_back({&sequences[i], std::span(tokens[i]).subspan(done, count), LogitsOf::kAllRows});
          members.push_back(i);
        }
        more = !batch.empty();
        if (!more) break;
        const std::vector<float> logits = need(world.model->forward(batch, *world.cache));
        size_t at = 0;
        for (size_t b = 0; b < batch.size(); ++b) {
          const size_t values = batch[b].tokens.size() * static_cast<size_t>(vocabulary);
          together[members[b]].insert(together[members[b]].end(), logits.begin() + static_cast<int64_t>(at), logits.begin() + static_cast<int64_t>(at + values));
          at += values;
        }
      }
      for (size_t i = 0; i < 64; ++i) REQUIRE(differing_bits(alone[i], together[i]) == 0);
    }
}

namespace {

// A sequence as it is played: a prompt, and tokens drawn behind it, each with all that is recorded of it.
struct Play {
  std::vector<int32_t> tokens;
  size_t prompt = 0;
  uint64_t rollout = 0;
  CachedSequence sequence;
  std::vector<Sampled> drawn;
  std::vector<uint16_t> experts;       // of all rows computed
  std::vector<uint64_t> selections;
};

Play make_play(uint64_t rollout, int64_t vocabulary) {
  Play play{random_tokens(static_cast<int64_t>(20 + 53 * rollout % 240), vocabulary, 500 + rollout % 60), 0, rollout, {}, {}, {}, {}};
  play.prompt = play.tokens.size();
  return play;
}

// One step of all plays: up to `chunk` tokens of each, and a draw where none are left.
void step(World& world, std::span<Play*> plays, size_t chunk) {
  std::vector<Chunk> chunks;
  std::vector<Draw> draws;
  for (Play* play : plays) {
    const size_t done = static_cast<size_t>(play->sequence.length), count = std::min(chunk, play->tokens.size() - done);
    const bool last = done + count == play->tokens.size();
    World::need_ok(world.cache->reserve(play->sequence, static_cast<int64_t>(done + count)));
    chunks.push_back({&play->sequence, std::span(play->tokens).subspan(done, count), last ? LogitsOf::kLastRow : LogitsOf::kNone});
    if (last) draws.push_back({{.temperature = 0.9, .top_k = 40, .top_p = 0.95, .min_p = 0.01}, Rng(3, play->rollout, done + count).unit()});
  }
  Choices choices;
  std::vector<Sampled> sampled = need(world.model->sample(chunks, draws, *world.cache, {.choices = &choices}));
  const size_t experts = choices.experts.size() / choices.selections.size();
  size_t row = 0, draw = 0;
  for (size_t i = 0; i < plays.size(); ++i) {
    const size_t count = chunks[i].tokens.size();
    plays[i]->experts.insert(plays[i]->experts.end(), choices.experts.begin() + static_cast<int64_t>(row * experts), choices.experts.begin() + static_cast<int64_t>((row + count) * experts));
    plays[i]->selections.insert(plays[i]->selections.end(), choices.selections.begin() + static_cast<int64_t>(row), choices.selections.begin() + static_cast<int64_t>(row + count));
    row += count;
    if (chunks[i].logits == LogitsOf::kNone) continue;
    plays[i]->tokens.push_back(sampled[draw].token);
    plays[i]->drawn.push_back(std::move(sampled[draw++]));
  }
}

void play_on(World& world, Play& play, size_t draws, size_t chunk) {
  Play* one = &play;
  while (play.drawn.size() < draws) step(world, {&one, 1}, chunk);
}

bool same(const Play& a, const Play& b) {
  const auto same_draw = [](const Sampled& x, const Sampled& y) {
    return x.token == y.token && x.kept == y.kept && std::bit_cast<uint64_t>(x.log_probability) == std::bit_cast<uint64_t>(y.log_probability) &&
           std::bit_cast<uint64_t>(x.log_probability_full) == std::bit_cast<uint64_t>(y.log_probability_full);
  };
  return a.tokens == b.tokens && a.experts == b.experts && a.selections == b.selections && std::equal(a.drawn.begin(), a.drawn.end(), b.drawn.begin(), b.drawn.end(), same_draw);
}

}  // namespace

TEST_CASE("tokens, log-probabilities, experts and selections are the same alone, among 64, in chunks, behind a shared prefix and after preemption") {
  constexpr size_t kDraws = 12, kFollowed = 5;
  for (const Case& which : kCases)
    for (const std::string& device : fast_devices()) {
      CAPTURE(which.preset, device);
      World world(which, device, 2, 64 * 384);
      const int64_t vocabulary = world.model->config().vocab_size;
      std::vector<Play> alone, together;
      for (uint64_t i = 0; i < 64; ++i) together.push_back(make_play(i, vocabulary));
      for (uint64_t i = 0; i < kFollowed; ++i) play_on(world, alone.emplace_back(make_play(i, vocabulary)), kDraws, 4096);
      CHECK(std::any_of(alone[1].selections.begin(), alone[1].selections.end(), [](uint64_t selection) { return selection != 0; }));
      CHECK_FALSE(same(alone[0], alone[1]));

      std::vector<Play*> all;
      for (Play& play : together) all.push_back(&play);
      while (std::any_of(all.begin(), all.end(), [](const Play* play) { return play->drawn.size() < kDraws; })) step(world, all, 37);
      for (size_t i = 0; i < kFollowed; ++i) {
        Play& play = together[i];   // has played on while others had prompts left
        play.drawn.resize(kDraws);
        play.tokens.resize(play.prompt + kDraws);
        play.selections.resize(alone[i].selections.size());
        play.experts.resize(alone[i].experts.size());
        CHECK(same(play, alone[i]));
      }
      for (Play& play : together) world.cache->release(play.sequence);

      for (size_t i = 0; i < kFollowed; ++i) {
        // Whole pages of another sequence's, which computed the same beginning.
        Play prefixed = make_play(i, vocabulary);
        const size_t shared = (prefixed.prompt - 1) / static_cast<size_t>(kPageTokens);
        prefixed.sequence.pages.assign(alone[i].sequence.pages.begin(), alone[i].sequence.pages.begin() + static_cast<int64_t>(shared));
        prefixed.sequence.length = static_cast<int64_t>(shared) * kPageTokens;
        const size_t skipped = shared * static_cast<size_t>(kPageTokens), experts = alone[i].experts.size() / alone[i].selections.size();
        prefixed.selections.assign(alone[i].selections.begin(), alone[i].selections.begin() + static_cast<int64_t>(skipped));
        prefixed.experts.assign(alone[i].experts.begin(), alone[i].experts.begin() + static_cast<int64_t>(skipped * experts));
        play_on(world, prefixed, kDraws, 50);
        CHECK(same(prefixed, alone[i]));

        Play preempted = make_play(i, vocabulary);
        play_on(world, preempted, kDraws / 2, 128);
        world.cache->release(preempted.sequence);   // all is computed again, prompt and drawn tokens in one go
        preempted.experts.clear(), preempted.selections.clear();
        play_on(world, preempted, kDraws, 33);
        CHECK(same(preempted, alone[i]));
      }
    }
}

TEST_CASE("the number of threads changes no bit") {
  for (const Case& which : kCases)
    for (const std::string& device : fast_devices()) {
      CAPTURE(which.preset, device);
      std::vector<float> first;
      for (const int threads : {1, 2, 3}) {
        World world(which, device, threads, 512);
        const std::vector<int32_t> tokens = random_tokens(400, world.model->config().vocab_size, 2);
        const std::vector<float> logits = all_logits(*world.model, *world.cache, tokens, 128);
        if (threads == 1) first = logits;
        REQUIRE(differing_bits(first, logits) == 0);
      }
    }
}

TEST_CASE("used pages carry nothing over to the next sequence") {
  for (const Case& which : kCases) {
    World world(which, cpu_kernels().back().name, 2, 512);
    const std::vector<int32_t> tokens = random_tokens(300, world.model->config().vocab_size, 3);
    const std::vector<float> fresh = all_logits(*world.model, *world.cache, tokens, 64);
    all_logits(*world.model, *world.cache, random_tokens(512, world.model->config().vocab_size, 4), 512);
    REQUIRE(differing_bits(fresh, all_logits(*world.model, *world.cache, tokens, 64)) == 0);
  }
}

TEST_CASE("one changed token changes later bits, so the comparisons above can fail") {
  World world(kCases[0], cpu_kernels().back().name, 2, 512);
  std::vector<int32_t> tokens = random_tokens(300, world.model->config().vocab_size, 3);
  const std::vector<float> before = all_logits(*world.model, *world.cache, tokens, 64);
  tokens[150] = (tokens[150] + 1) % static_cast<int32_t>(world.model->config().vocab_size);
  const std::vector<float> after = all_logits(*world.model, *world.cache, tokens, 64);
  const size_t row = static_cast<size_t>(world.model->config().vocab_size);
  REQUIRE(std::equal(before.begin(), before.begin() + static_cast<int64_t>(150 * row), after.begin()));
  REQUIRE(differing_bits(before, after) > 0);
}

}  // namespace assay::test
