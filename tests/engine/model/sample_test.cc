// What a forward hands out beside logits: drawn tokens, choices; and weights that are replaced under it.
#include <set>

#include "tests/engine/model/fixture.h"

namespace assay::test {
namespace {

struct Tiny {
  explicit Tiny(const std::string& preset = "tiny", const std::string& device = cpu_kernels().back().name) : config(need(preset_config(preset))), machine(device) {
    model = need(Model::load(checkpoint(1), *machine.device));
    cache = need(KvCache::create(config, {CacheFormat::kE4m3, 1024}, *machine.device));
  }
  Checkpoint checkpoint(uint64_t seed, bool poisoned = false) {
    folders.push_back(std::make_unique<Folder>());
    const std::string directory = folders.back()->path();
    REQUIRE(write_synthetic(config, directory, {.dtype = WeightDType::kF32, .seed = seed}).ok());
    if (poisoned) poison_token(directory, 7);
    return need(Checkpoint::open(directory));
  }
  CachedSequence sequence(int64_t tokens) {
    CachedSequence sequence;
    REQUIRE(cache->reserve(sequence, tokens).ok());
    return sequence;
  }

  ModelConfig config;
  std::vector<std::unique_ptr<Folder>> folders;
  Machine machine;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
};

}  // namespace

TEST_CASE("tokens are drawn from the rows of logits that a forward gives") {
  Tiny tiny;
  const std::vector<int32_t> first = random_tokens(90, tiny.config.vocab_size, 1), second = random_tokens(40, tiny.config.vocab_size, 2);
  CachedSequence a = tiny.sequence(90), b = tiny.sequence(40), c = tiny.sequence(90), d = tiny.sequence(40);
  const std::vector<float> logits = need(tiny.model->forward(std::vector<Chunk>{{&a, first}, {&b, second}}, *tiny.cache));
  const std::vector<Draw> draws = {{{.temperature = 0.8, .top_p = 0.9}, 0.3}, {{}, 0.9}};
  const std::vector<Sampled> sampled = need(tiny.model->sample(std::vector<Chunk>{{&c, first}, {&d, second}}, draws, *tiny.cache));
  REQUIRE(sampled.size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    const Sampled expected = cpu_kernels().back().sample(logits.data() + static_cast<int64_t>(i) * tiny.config.vocab_size, tiny.config.vocab_size, draws[i].params, draws[i].uniform);
    CHECK(sampled[i].token == expected.token);
    CHECK(sampled[i].log_probability == expected.log_probability);
    CHECK(sampled[i].kept == expected.kept);
  }
}

TEST_CASE("a row that is not finite gives no token and changes no other") {
  for (const std::string& device : fast_devices()) {
    CAPTURE(device);
    Tiny tiny("tiny", device);
    REQUIRE(tiny.model->replace_weights(tiny.checkpoint(1, true)).ok());
    std::vector<int32_t> good = random_tokens(40, tiny.config.vocab_size, 1), bad = good;
    std::replace(good.begin(), good.end(), 7, 8);
    bad[39] = 7;
    const std::vector<Draw> draws(2, Draw{{}, 0.5});
    CachedSequence alone = tiny.sequence(40), beside = tiny.sequence(40), poisoned = tiny.sequence(40);
    const std::vector<Sampled> expected = need(tiny.model->sample(std::vector<Chunk>{{&alone, good}}, {draws.data(), 1}, *tiny.cache));
    const std::vector<Sampled> sampled = need(tiny.model->sample(std::vector<Chunk>{{&poisoned, bad}, {&beside, good}}, draws, *tiny.cache));
    CHECK(sampled[0].token == -1);
    CHECK(sampled[1].token == expected[0].token);
    CHECK(sampled[1].log_probability == expected[0].log_probability);
  }
}

TEST_CASE("choices are those a trace shows, however the sequence is cut") {
  for (const auto& [preset, device] : {std::pair{"tiny", fast_devices().front()}, {"tiny", fast_devices().back()}, {"glm_tiny", fast_devices().back()}}) {
    CAPTURE(preset, device);
    Tiny tiny(preset, device);
    const std::vector<int32_t> tokens = random_tokens(150, tiny.config.vocab_size, 1);
    const size_t k = static_cast<size_t>(tiny.config.num_experts_per_tok), rows = tokens.size();
    Trace trace;
    all_logits(*tiny.model, *tiny.cache, tokens, 4096, {.trace = &trace});
    std::vector<uint16_t> experts;
    std::vector<uint64_t> selections(rows);
    for (size_t row = 0; row < rows; ++row)
      for (size_t layer = 0; layer < trace.layers.size(); ++layer) {
        if (!trace.layers[layer].experts.empty()) experts.insert(experts.end(), trace.layers[layer].experts[row].begin(), trace.layers[layer].experts[row].end());
        if (tiny.config.layers[layer].indexer == IndexerType::kFull && static_cast<int64_t>(row) >= tiny.config.index_topk)
          selections[row] = mix64(selections[row] + selected_set(trace.layers[layer].selected[row]));
      }
    REQUIRE(experts.size() % (rows * k) == 0);
    for (const size_t chunk : {1, 31, 4096}) {
      CachedSequence sequence = tiny.sequence(150);
      Choices choices, all;
      for (size_t at = 0; at < rows; at += chunk) {
        const Chunk piece{&sequence, std::span(tokens).subspan(at, std::min(chunk, rows - at)), LogitsOf::kNone};
        need(tiny.model->forward({&piece, 1}, *tiny.cache, {.choices = &choices}));
        all.experts.insert(all.experts.end(), choices.experts.begin(), choices.experts.end());
        all.selections.insert(all.selections.end(), choices.selections.begin(), choices.selections.end());
      }
      CHECK(all.experts == experts);
      CHECK(all.selections == selections);
      tiny.cache->release(sequence);
    }
    CHECK(std::set<uint64_t>(selections.begin(), selections.end()).size() == rows - static_cast<size_t>(tiny.config.index_topk) + 1);
  }
}

TEST_CASE("replaced weights give the bits of a model that was loaded with them, and others are refused") {
  for (const std::string& device : fast_devices()) {
    CAPTURE(device);
    Tiny tiny("tiny", device);
    const std::vector<int32_t> tokens = random_tokens(100, tiny.config.vocab_size, 1);
    const std::vector<float> before = all_logits(*tiny.model, *tiny.cache, tokens, 64);
    CHECK(differing_bits(before, all_logits(*tiny.model, *tiny.cache, tokens, 1)) == 0);   // steps that a device may have recorded
    REQUIRE(tiny.model->replace_weights(tiny.checkpoint(2)).ok());
    const std::vector<float> after = all_logits(*tiny.model, *tiny.cache, tokens, 64);
    CHECK(differing_bits(before, after) > 0);
    CHECK(differing_bits(after, all_logits(*tiny.model, *tiny.cache, tokens, 1)) == 0);
    const std::unique_ptr<Model> fresh = need(Model::load(tiny.checkpoint(2), *tiny.machine.device));
    CHECK(differing_bits(after, all_logits(*fresh, *tiny.cache, tokens, 64)) == 0);

    Tiny other("glm_tiny", device);
    CHECK_FALSE(tiny.model->replace_weights(other.checkpoint(1)).ok());
    CHECK(differing_bits(after, all_logits(*tiny.model, *tiny.cache, tokens, 64)) == 0);
  }
}

}  // namespace assay::test
