// A model of 20 million parameters on the CPU, end to end: prefill, decoding of eight sequences, and what a long context costs.
#include <chrono>
#include <thread>

#include "cli/bench.h"
#include "cli/bench/temporary_folder.h"
#include "engine/checkpoint/synthetic.h"
#include "engine/model/generate.h"
#include "envs/base/rng.h"

namespace assay::bench::engine {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kBatch = 8;
constexpr int64_t kDecodePrompt = 512;

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

std::vector<int32_t> random_tokens(int64_t count, int64_t vocabulary, uint64_t stream) {
  Rng rng(1, "bench/engine", stream);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocabulary))));
  return tokens;
}

struct Engine {
  Workers workers{static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))};
  std::unique_ptr<Device> device = cpu_device(cpu_kernels().back(), workers);
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
};

// Tokens a second of eight sequences that decode in step, behind prompts of kDecodePrompt tokens.
Result<double> decode_rate(Engine& engine) {
  std::vector<CachedSequence> sequences(kBatch);
  for (int64_t i = 0; i < kBatch; ++i)
    ASSAY_TRY(prefill(*engine.model, *engine.cache, sequences[static_cast<size_t>(i)], random_tokens(kDecodePrompt, engine.model->config().vocab_size, static_cast<uint64_t>(i)), 256));
  int64_t tokens = 0;
  const auto start = SteadyClock::now();
  do {
    std::vector<Chunk> batch;
    const int32_t token = static_cast<int32_t>(tokens % engine.model->config().vocab_size);
    for (CachedSequence& sequence : sequences) {
      ASSAY_TRY(engine.cache->reserve(sequence, sequence.length + 1));
      batch.push_back({&sequence, {&token, 1}, LogitsOf::kLastRow});
    }
    ASSAY_TRY(engine.model->forward(batch, *engine.cache));
    tokens += kBatch;
  } while (seconds_since(start) < 3 && sequences[0].length < 2 * kDecodePrompt);
  const double rate = static_cast<double>(tokens) / seconds_since(start);
  for (CachedSequence& sequence : sequences) engine.cache->release(sequence);
  return rate;
}

Result<double> prefill_rate(Engine& engine, int64_t tokens) {
  CachedSequence sequence;
  const auto start = SteadyClock::now();
  ASSAY_TRY(prefill(*engine.model, *engine.cache, sequence, random_tokens(tokens, engine.model->config().vocab_size, 99), 256));
  const double rate = static_cast<double>(tokens) / seconds_since(start);
  engine.cache->release(sequence);
  return rate;
}

// Milliseconds of one decoding step behind each of two contexts of one sequence that grows.
Result<std::pair<double, double>> step_times(Engine& engine, int64_t shorter, int64_t longer) {
  CachedSequence sequence;
  const auto step_ms = [&]() -> Result<double> {
    constexpr int kSteps = 40;
    const auto start = SteadyClock::now();
    const int32_t token = 5;
    for (int i = 0; i < kSteps; ++i) ASSAY_TRY(prefill(*engine.model, *engine.cache, sequence, {&token, 1}, 1));
    return seconds_since(start) * 1000 / kSteps;
  };
  const auto grow_to = [&](int64_t length) -> Status {
    const auto grown = prefill(*engine.model, *engine.cache, sequence, random_tokens(length - sequence.length, engine.model->config().vocab_size, 7), 512);
    return grown.ok() ? Status{} : Status{grown.error()};
  };
  ASSAY_TRY(grow_to(shorter));
  ASSAY_TRY(step_ms());
  ASSAY_ASSIGN(const double short_ms, step_ms());
  ASSAY_TRY(grow_to(longer));
  ASSAY_ASSIGN(const double long_ms, step_ms());
  engine.cache->release(sequence);
  return std::pair{short_ms, long_ms};
}

Result<std::vector<Figure>> run() {
  TemporaryFolder folder("engine");
  ASSAY_ASSIGN(const ModelConfig config, preset_config("20m"));
  ASSAY_TRY(write_synthetic(config, folder.path.string(), {.dtype = WeightDType::kBF16, .seed = 1}));
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(folder.path.string()));
  Engine engine;
  ASSAY_ASSIGN(engine.model, Model::load(checkpoint, *engine.device));
  ASSAY_ASSIGN(engine.cache, KvCache::create(config, {CacheFormat::kE4m3, 33 * 1024}, *engine.device));
  ASSAY_TRY(prefill_rate(engine, 512));   // touches every page and buffer once
  ASSAY_ASSIGN(const double prefilled, prefill_rate(engine, 4096));
  ASSAY_ASSIGN(const double decoded, decode_rate(engine));
  ASSAY_ASSIGN(const auto steps, step_times(engine, 4096, 32768 - 100));
  const std::string what = "random weights, bf16, FP8 cache, " + engine.device->name() + ", " + std::to_string(engine.workers.count()) + " threads, " +
                           std::to_string(config.parameter_count() / 1000000) + " M parameters, " + std::to_string(config.active_parameter_count() / 1000000) + " M active";
  return std::vector<Figure>{{"engine", "prefill", prefilled, "tokens/s", 2'000, true, "4,096 tokens in chunks of 256; " + what},
                             {"engine", "decode, 8 sequences", decoded, "tokens/s", 200, true, "behind prompts of 512 tokens"},
                             {"engine", "decode at 32K / at 4K", steps.second / steps.first, "times", 1.5, false,
                              "one sequence: " + std::to_string(steps.first) + " and " + std::to_string(steps.second) + " ms a token"}};
}

}  // namespace

BenchArea make() { return {"engine", "the embedded model end to end", run}; }

}  // namespace assay::bench::engine
