// The whole model over the plain double kernels beside the whole model over the fast ones; and the FP8 cache beside the exact one.
#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

struct Run {
  std::vector<float> logits;
  Trace trace;
};

Run run(const Checkpoint& checkpoint, const std::string& device, CacheFormat format, std::span<const int32_t> tokens, const Forced* forced) {
  const Machine machine(device);
  const std::unique_ptr<Model> model = need(Model::load(checkpoint, *machine.device));
  const std::unique_ptr<KvCache> cache = need(KvCache::create(checkpoint.config(), {format, static_cast<int64_t>(tokens.size())}, *machine.device));
  Run result;
  result.logits = all_logits(*model, *cache, tokens, static_cast<int64_t>(tokens.size()), {.trace = &result.trace, .forced = forced});
  return result;
}

Forced choices_of(const Trace& trace) {
  Forced forced;
  for (const LayerTrace& layer : trace.layers) forced.layers.push_back({layer.selected, layer.experts});
  return forced;
}

}  // namespace

TEST_CASE("fast kernels agree with the double reference over whole models") {
  struct Case {
    std::string preset;
    WeightDType dtype;
    CacheFormat cache;
    double bound, cuda_bound;
  };
  // With FP8, values near the middle between two codes round differently when the sums before them differ in the last bit: one
  // code is up to 1/16 of a value, of which a model keeps a small share.
  // CUDA rounds in the middle of products and of attention over FP8 caches (cuda_kernels.h), so more codes differ there.
  const std::vector<Case> cases = {{"tiny", WeightDType::kF32, CacheFormat::kF32, 1e-5, 1e-5},
                                   {"dense_tiny", WeightDType::kBF16, CacheFormat::kF32, 1e-5, 3e-5},
                                   {"glm_tiny", WeightDType::kBF16, CacheFormat::kE4m3, 1e-2, 3e-2},
                                   {"tiny", WeightDType::kFp8, CacheFormat::kE4m3, 2e-2, 2e-1}};
  for (const Case& which : cases) {
    Folder folder;
    REQUIRE(write_synthetic(need(preset_config(which.preset)), folder.path(), {.dtype = which.dtype, .seed = 11}).ok());
    const Checkpoint checkpoint = need(Checkpoint::open(folder.path()));
    const std::vector<int32_t> tokens = random_tokens(150, checkpoint.config().vocab_size, 12);
    const Run reference = run(checkpoint, "reference", which.cache, tokens, nullptr);
    const Forced forced = choices_of(reference.trace);
    for (const std::string& device : fast_devices()) {
      const Run fast = run(checkpoint, device, which.cache, tokens, &forced);
      const double error = relative_error(fast.logits, reference.logits), bound = device == "cuda" ? which.cuda_bound : which.bound;
      std::printf("parity %-12s %-5s cache %-4s %-9s against the double reference, its choices forced: %.1e (bound %.0e)\n", which.preset.c_str(),
                  std::string(name_of(which.dtype)).c_str(), which.cache == CacheFormat::kF32 ? "f32" : "fp8", device.c_str(), error, bound);
      CHECK(error <= bound);
    }
  }
}

TEST_CASE("sparse attention over everything is dense attention, bit for bit") {
  Folder folder;
  ModelConfig config = need(preset_config("tiny"));
  config.index_topk = 512;
  REQUIRE(write_synthetic(config, folder.path(), {.dtype = WeightDType::kBF16, .seed = 2}).ok());
  const Machine machine;
  const std::unique_ptr<Model> model = need(Model::load(need(Checkpoint::open(folder.path())), *machine.device));
  const std::unique_ptr<KvCache> cache = need(KvCache::create(config, {CacheFormat::kE4m3, 512}, *machine.device));
  const std::vector<int32_t> tokens = random_tokens(512, config.vocab_size, 1);
  Trace trace;   // makes the indexer choose although it may choose everything
  const std::vector<float> chosen = all_logits(*model, *cache, tokens, 512, {.trace = &trace});
  CHECK(differing_bits(all_logits(*model, *cache, tokens, 512, {.attention = Attention::kDense}), chosen) == 0);
  CHECK(differing_bits(all_logits(*model, *cache, tokens, 100), chosen) == 0);
}

TEST_CASE("beyond k, sparse attention differs from dense") {
  Folder folder;
  const ModelConfig config = need(preset_config("tiny"));
  REQUIRE(write_synthetic(config, folder.path(), {.dtype = WeightDType::kBF16, .seed = 2}).ok());
  const Machine machine;
  const std::unique_ptr<Model> model = need(Model::load(need(Checkpoint::open(folder.path())), *machine.device));
  const int64_t length = 2 * config.index_topk;
  const std::unique_ptr<KvCache> cache = need(KvCache::create(config, {CacheFormat::kE4m3, length}, *machine.device));
  const std::vector<int32_t> tokens = random_tokens(length, config.vocab_size, 1);
  const std::vector<float> sparse = all_logits(*model, *cache, tokens, 128), dense = all_logits(*model, *cache, tokens, 128, {.attention = Attention::kDense});
  const int64_t same = config.index_topk * config.vocab_size;
  CHECK(std::equal(sparse.begin(), sparse.begin() + same, dense.begin()));
  CHECK(differing_bits(sparse, dense) > 0);
}

}  // namespace assay::test
