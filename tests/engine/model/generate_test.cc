#include "engine/model/generate.h"

#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

struct Tiny {
  explicit Tiny(int64_t cache_tokens = 1024, int64_t positions = 0) : config(need(preset_config("tiny"))) {
    if (positions > 0) config.max_position_embeddings = positions;
    REQUIRE(write_synthetic(config, folder.path(), {.dtype = WeightDType::kBF16, .seed = 3}).ok());
    model = need(Model::load(need(Checkpoint::open(folder.path())), *machine.device));
    cache = need(KvCache::create(config, {CacheFormat::kE4m3, cache_tokens}, *machine.device));
    prompt = random_tokens(50, config.vocab_size, 9);
  }
  std::vector<int32_t> ids(const GenerateOptions& options) {
    std::vector<int32_t> found;
    for (const Sampled& token : need(generate(*model, *cache, prompt, options)).tokens) found.push_back(token.token);
    return found;
  }

  ModelConfig config;
  Folder folder;
  Machine machine;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
  std::vector<int32_t> prompt;
};

}  // namespace

TEST_CASE("a text is a function of seed and rollout") {
  Tiny tiny;
  GenerateOptions options{.limit = 40, .seed = 5, .rollout = 1};
  const std::vector<int32_t> first = tiny.ids(options);
  REQUIRE(first.size() == 40);
  options.chunk = 7;
  CHECK(tiny.ids(options) == first);
  options.rollout = 2;
  CHECK(tiny.ids(options) != first);
  options.rollout = 1, options.seed = 6;
  CHECK(tiny.ids(options) != first);
}

TEST_CASE("temperature 0 takes the largest logit at every step") {
  Tiny tiny;
  const std::vector<int32_t> greedy = tiny.ids({.sampling = {.temperature = 0}, .limit = 8});
  std::vector<int32_t> whole = tiny.prompt;
  for (const int32_t token : greedy) {
    const std::vector<float> logits = all_logits(*tiny.model, *tiny.cache, whole, 4096);
    const auto last = logits.end() - tiny.config.vocab_size;
    CHECK(token == std::max_element(last, logits.end()) - last);
    whole.push_back(token);
  }
}

TEST_CASE("a text ends at a stop token, which it keeps, and gives its pages back") {
  Tiny tiny;
  const std::vector<int32_t> free_run = tiny.ids({.limit = 30});
  const int64_t free_tokens = tiny.cache->free_tokens();
  const Generated stopped = need(generate(*tiny.model, *tiny.cache, tiny.prompt, {.limit = 30, .stops = {free_run[10]}}));
  CHECK(stopped.reason == StopReason::kStop);
  CHECK(stopped.tokens.back().token == free_run[10]);
  CHECK(stopped.tokens.size() <= 11);
  CHECK(tiny.cache->free_tokens() == free_tokens);
}

TEST_CASE("a text ends where the model's positions end") {
  Tiny tiny(1024, 64);
  const Generated generated = need(generate(*tiny.model, *tiny.cache, tiny.prompt, {.limit = 100}));
  CHECK(generated.reason == StopReason::kContext);
  CHECK(generated.tokens.size() == 15);
}

TEST_CASE("what cannot be computed is refused with its reason") {
  Tiny tiny(128, 256);
  CachedSequence sequence;
  const std::vector<int32_t> many(200, 1);
  const auto no_pages = prefill(*tiny.model, *tiny.cache, sequence, many, 64);
  REQUIRE_FALSE(no_pages.ok());
  CHECK(no_pages.error().boundary == Boundary::kLimit);
  CHECK(tiny.cache->free_tokens() == 128);

  const std::vector<int32_t> outside = {1, static_cast<int32_t>(tiny.config.vocab_size)};
  const auto no_token = prefill(*tiny.model, *tiny.cache, sequence, outside, 64);
  REQUIRE_FALSE(no_token.ok());
  CHECK(no_token.error().what.find("outside the vocabulary") != std::string::npos);
  CHECK(sequence.length == 0);
  tiny.cache->release(sequence);

  CHECK_FALSE(generate(*tiny.model, *tiny.cache, {}, {}).ok());
  const std::unique_ptr<KvCache> large = need(KvCache::create(tiny.config, {CacheFormat::kE4m3, 512}, *tiny.machine.device));
  const std::vector<int32_t> longer(300, 1);
  const auto no_positions = prefill(*tiny.model, *large, sequence, longer, 512);
  REQUIRE_FALSE(no_positions.ok());
  CHECK(no_positions.error().what.find("positions") != std::string::npos);
}

TEST_CASE("forced choices that do not fit are refused") {
  Tiny tiny;
  CachedSequence sequence;
  REQUIRE(tiny.cache->reserve(sequence, 3).ok());
  const std::vector<int32_t> tokens = {1, 2, 3};
  const Chunk chunk{&sequence, tokens};
  const size_t layers = tiny.config.layers.size();
  const auto refused = [&](const ForcedLayer& layer) {
    const Forced forced{std::vector<ForcedLayer>(layers, layer)};
    return !tiny.model->forward({&chunk, 1}, *tiny.cache, {.forced = &forced}).ok();
  };
  CHECK(refused({.selected = {{0}, {0, 2}}}));      // the future
  CHECK(refused({.selected = {{0}, {1, 0}}}));      // not ascending
  CHECK(refused({.experts = {{0, 0}}}));            // twice the same
  CHECK(refused({{}, {{0, 999}}}));          // no such expert
  CHECK_FALSE(refused({.selected = {{0}, {0, 1}}}));
}

TEST_CASE("weights that overflow are noticed in the logits") {
  Tiny tiny;
  ModelConfig config = tiny.config;
  Folder folder;
  REQUIRE(write_synthetic(config, folder.path(), {.dtype = WeightDType::kF32, .seed = 3}).ok());
  std::string bytes = need(read_file(folder.path() + "/model.safetensors"));
  const float huge = 3e38f;
  for (size_t at = bytes.size() - 4096; at + 4 <= bytes.size(); at += 4) std::memcpy(bytes.data() + at, &huge, 4);
  REQUIRE(write_file(folder.path() + "/model.safetensors", bytes).ok());
  const std::unique_ptr<Model> model = need(Model::load(need(Checkpoint::open(folder.path())), *tiny.machine.device));
  const std::unique_ptr<KvCache> cache = need(KvCache::create(config, {CacheFormat::kE4m3, 128}, *tiny.machine.device));
  CachedSequence sequence;
  const auto logits = prefill(*model, *cache, sequence, tiny.prompt, 64);
  REQUIRE_FALSE(logits.ok());
  CHECK(logits.error().boundary == Boundary::kPolicy);
}

}  // namespace assay::test
