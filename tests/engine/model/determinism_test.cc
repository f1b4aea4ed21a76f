// Bits of a row do not depend on what stands beside it, on how its sequence was cut, or on the number of threads.
#include "tests/engine/kernels/tables.h"
#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

using testing::fast_kernels;

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
  World(const Case& which, const Kernels& kernels, int threads, int64_t cache_tokens) : workers(threads) {
    const ModelConfig config = need(preset_config(which.preset));
    need_ok(write_synthetic(config, folder.path(), {.dtype = which.dtype, .seed = 7}));
    const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
    model = need(Model::load(checkpoint, kernels, workers));
    cache = need(KvCache::create(config, {which.cache, cache_tokens}));
  }
  static void need_ok(const Status& status) {
    if (!status.ok()) FAIL(status.error().text());
  }

  Folder folder;
  Workers workers;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
};

}  // namespace

TEST_CASE("a sequence's logits are the same bits in chunks of 1 and of 4096") {
  for (const Case& which : kCases)
    for (const Kernels* kernels : fast_kernels()) {
      CAPTURE(which.preset, kernels->name);
      World world(which, *kernels, 2, 4160);
      const std::vector<int32_t> tokens = random_tokens(4096, world.model->config().vocab_size, 1);
      const std::vector<float> whole = all_logits(*world.model, *world.cache, tokens, 4096);
      REQUIRE(differing_bits(whole, all_logits(*world.model, *world.cache, tokens, 1)) == 0);
      REQUIRE(differing_bits(whole, all_logits(*world.model, *world.cache, tokens, 97)) == 0);
    }
}

TEST_CASE("a sequence's logits are the same bits alone and among 64") {
  for (const Case& which : kCases)
    for (const Kernels* kernels : fast_kernels()) {
      CAPTURE(which.preset, kernels->name);
      World world(which, *kernels, 2, 64 * 320);
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

TEST_CASE("the number of threads changes no bit") {
  for (const Case& which : kCases)
    for (const Kernels* kernels : fast_kernels()) {
      CAPTURE(which.preset, kernels->name);
      std::vector<float> first;
      for (const int threads : {1, 2, 3}) {
        World world(which, *kernels, threads, 512);
        const std::vector<int32_t> tokens = random_tokens(400, world.model->config().vocab_size, 2);
        const std::vector<float> logits = all_logits(*world.model, *world.cache, tokens, 128);
        if (threads == 1) first = logits;
        REQUIRE(differing_bits(first, logits) == 0);
      }
    }
}

TEST_CASE("used pages carry nothing over to the next sequence") {
  for (const Case& which : kCases) {
    World world(which, cpu_kernels().back(), 2, 512);
    const std::vector<int32_t> tokens = random_tokens(300, world.model->config().vocab_size, 3);
    const std::vector<float> fresh = all_logits(*world.model, *world.cache, tokens, 64);
    all_logits(*world.model, *world.cache, random_tokens(512, world.model->config().vocab_size, 4), 512);
    REQUIRE(differing_bits(fresh, all_logits(*world.model, *world.cache, tokens, 64)) == 0);
  }
}

TEST_CASE("one changed token changes later bits, so the comparisons above can fail") {
  World world(kCases[0], cpu_kernels().back(), 2, 512);
  std::vector<int32_t> tokens = random_tokens(300, world.model->config().vocab_size, 3);
  const std::vector<float> before = all_logits(*world.model, *world.cache, tokens, 64);
  tokens[150] = (tokens[150] + 1) % static_cast<int32_t>(world.model->config().vocab_size);
  const std::vector<float> after = all_logits(*world.model, *world.cache, tokens, 64);
  const size_t row = static_cast<size_t>(world.model->config().vocab_size);
  REQUIRE(std::equal(before.begin(), before.begin() + static_cast<int64_t>(150 * row), after.begin()));
  REQUIRE(differing_bits(before, after) > 0);
}

}  // namespace assay::test
