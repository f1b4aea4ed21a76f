// What a forward refuses, and what it notices.
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
  ModelConfig config;
  Folder folder;
  Machine machine;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
  std::vector<int32_t> prompt;
};

}  // namespace

TEST_CASE("what cannot be computed is refused with its reason") {
  Tiny tiny(128, 256);
  CachedSequence sequence;
  const Status no_pages = tiny.cache->reserve(sequence, 200);
  REQUIRE_FALSE(no_pages.ok());
  CHECK(no_pages.error().boundary == Boundary::kLimit);
  CHECK(tiny.cache->free_tokens() == 128);

  const std::vector<int32_t> outside = {1, static_cast<int32_t>(tiny.config.vocab_size)};
  REQUIRE(tiny.cache->reserve(sequence, 2).ok());
  const Chunk wrong{&sequence, outside};
  const auto no_token = tiny.model->forward({&wrong, 1}, *tiny.cache);
  REQUIRE_FALSE(no_token.ok());
  CHECK(no_token.error().what.find("outside the vocabulary") != std::string::npos);
  CHECK(sequence.length == 0);
  tiny.cache->release(sequence);

  const std::unique_ptr<KvCache> large = need(KvCache::create(tiny.config, {CacheFormat::kE4m3, 512}, *tiny.machine.device));
  const std::vector<int32_t> longer(300, 1);
  REQUIRE(large->reserve(sequence, 300).ok());
  const Chunk far{&sequence, longer};
  const auto no_positions = tiny.model->forward({&far, 1}, *large);
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
  REQUIRE(cache->reserve(sequence, 50).ok());
  const Chunk chunk{&sequence, tiny.prompt};
  const auto logits = model->forward({&chunk, 1}, *cache);
  REQUIRE_FALSE(logits.ok());
  CHECK(logits.error().boundary == Boundary::kPolicy);
}

}  // namespace assay::test
