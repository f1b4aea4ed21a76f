// A model of 20 million parameters on the CPU, end to end through the engine: prefill, decoding, what a long context costs, and a group
// that shares its prompt. Where there is a CUDA device, one of 100 million on that instead.
#include <chrono>
#include <map>
#include <thread>

#include "cli/bench.h"
#include "cli/bench/temporary_folder.h"
#include "engine/checkpoint/synthetic.h"
#include "engine/kernels/cuda_device.h"
#include "engine/kernels/kernels.h"
#include "engine/runtime/engine.h"
#include "envs/base/rng.h"

namespace assay::bench::engine {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kDecodePrompt = 512;
constexpr int64_t kGroup = 16;
constexpr int64_t kGroupPrompt = 4096 + 32;

int hardware_threads() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

// An engine and one client of it, who hands in a round of turns and waits for all.
class Player {
 public:
  explicit Player(Engine& engine) : engine_(engine), client_(engine) {}

  std::vector<SequenceId> open(int64_t count) {
    std::vector<SequenceId> ids;
    for (int64_t i = 0; i < count; ++i) ids.push_back(client_.open());
    return ids;
  }

  // A turn for each sequence, behind all it has; seconds that the round took.
  Result<double> play(const std::vector<SequenceId>& ids, const std::vector<int32_t>& prompt, int64_t limit) {
    const auto start = SteadyClock::now();
    for (const SequenceId id : ids) client_.submit(id, {.shared = lengths_[id], .prompt = prompt, .rollout = static_cast<uint64_t>(id), .limit = limit});
    for (std::vector<FinishedTurn> turns = client_.finished(); !turns.empty(); turns = client_.finished())
      for (const FinishedTurn& turn : turns) {
        if (!turn.record.ok()) return turn.record.error();
        lengths_[turn.sequence] += static_cast<int64_t>(prompt.size() + turn.record->tokens.sampled.size());
      }
    return seconds_since(start);
  }

  void release(const std::vector<SequenceId>& ids) {
    for (const SequenceId id : ids) client_.release(id);
  }

  std::vector<int32_t> random_tokens(int64_t count) {
    Rng rng(1, "bench/engine", stream_++);
    std::vector<int32_t> tokens;
    for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(engine_.config().vocab_size))));
    return tokens;
  }

 private:
  Engine& engine_;
  EngineClient client_;
  std::map<SequenceId, int64_t> lengths_;
  uint64_t stream_ = 0;
};

Result<double> prefill_rate(Player& player, int64_t tokens) {
  const std::vector<SequenceId> ids = player.open(1);
  ASSAY_ASSIGN(const double seconds, player.play(ids, player.random_tokens(tokens), 1));
  player.release(ids);
  return static_cast<double>(tokens) / seconds;
}

// Tokens a second of sequences that decode together, behind prompts of kDecodePrompt tokens.
Result<double> decode_rate(Player& player, int64_t sequences, int64_t tokens) {
  const std::vector<SequenceId> ids = player.open(sequences);
  for (const SequenceId id : ids) ASSAY_TRY(player.play({id}, player.random_tokens(kDecodePrompt), 1));
  ASSAY_ASSIGN(const double seconds, player.play(ids, {}, tokens));
  player.release(ids);
  return static_cast<double>(sequences * tokens) / seconds;
}

// Milliseconds of one decoding step behind each of two contexts of one sequence that grows.
Result<std::pair<double, double>> step_times(Player& player, int64_t shorter, int64_t longer) {
  constexpr int64_t kSteps = 40;
  const std::vector<SequenceId> ids = player.open(1);
  ASSAY_TRY(player.play(ids, player.random_tokens(shorter), kSteps));
  ASSAY_ASSIGN(const double at_shorter, player.play(ids, {}, kSteps));
  ASSAY_TRY(player.play(ids, player.random_tokens(longer - shorter), kSteps));
  ASSAY_ASSIGN(const double at_longer, player.play(ids, {}, kSteps));
  player.release(ids);
  return std::pair{at_shorter * 1000 / kSteps, at_longer * 1000 / kSteps};
}

// Prompt tokens computed for a group whose members differ in their draws alone, in units of its prompt.
Result<double> group_share(Player& player, const Engine& engine) {
  const int64_t before = engine.stats().prompt_tokens_computed;
  const std::vector<SequenceId> ids = player.open(kGroup);
  ASSAY_TRY(player.play(ids, player.random_tokens(kGroupPrompt), 8));
  player.release(ids);
  return static_cast<double>(engine.stats().prompt_tokens_computed - before) / kGroupPrompt;
}

Result<std::vector<Figure>> run_on_cpu() {
  TemporaryFolder folder("engine");
  ASSAY_ASSIGN(const ModelConfig config, preset_config("20m"));
  ASSAY_TRY(write_synthetic(config, folder.path.string(), {.dtype = WeightDType::kBF16, .seed = 1}));
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(folder.path.string()));
  EngineOptions options{.backend = "cpu", .threads = hardware_threads()};
  options.cache = {CacheFormat::kE4m3, 48 * 1024};
  options.step_tokens = 256;
  ASSAY_ASSIGN(const std::unique_ptr<Engine> engine, Engine::open(checkpoint, options));
  Player player(*engine);
  ASSAY_TRY(prefill_rate(player, 512));   // touches the buffers once
  ASSAY_ASSIGN(const double prefilled, prefill_rate(player, 4096));
  ASSAY_ASSIGN(const double decoded, decode_rate(player, 8, 128));
  ASSAY_ASSIGN(const double crowded, decode_rate(player, 64, 32));
  ASSAY_ASSIGN(const auto steps, step_times(player, 4096, 32768 - 200));
  ASSAY_ASSIGN(const double group, group_share(player, *engine));
  const std::string what = "random weights, bf16, FP8 cache, " + cpu_kernels().back().name + ", " + std::to_string(options.threads) + " threads, " +
                           std::to_string(config.parameter_count() / 1000000) + " M parameters, " + std::to_string(config.active_parameter_count() / 1000000) + " M active";
  return std::vector<Figure>{{"engine", "prefill", prefilled, "tokens/s", 2'000, true, "4,096 tokens in steps of 256; " + what},
                             {"engine", "decode, 8 sequences", decoded, "tokens/s", 200, true, "behind prompts of 512 tokens"},
                             {"engine", "decode, 64 sequences", crowded, "tokens/s", 300, true, "behind prompts of 512 tokens"},
                             {"engine", "decode at 32K / at 4K", steps.second / steps.first, "times", 1.5, false,
                              "one sequence: " + std::to_string(steps.first) + " and " + std::to_string(steps.second) + " ms a token"},
                             {"engine", "prompt of a group of 16", group, "times computed", 1.2, false,
                              "4,128 tokens: whole blocks of 64 are shared, the 32 tokens after them are not"}};
}

// 100 million parameters, 64 sequences at once, and a group behind one long prompt.
Result<std::vector<Figure>> run_on_cuda() {
  constexpr int64_t kLongPrompt = 16 * 1024;
  TemporaryFolder folder("engine");
  ASSAY_ASSIGN(const ModelConfig config, preset_config("100m"));
  ASSAY_TRY(write_synthetic(config, folder.path.string(), {.dtype = WeightDType::kBF16, .seed = 1}));
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(folder.path.string()));
  EngineOptions options{.backend = "cuda", .threads = hardware_threads()};
  options.cache = {CacheFormat::kE4m3, 128 * 1024};
  options.step_tokens = 4096;
  ASSAY_ASSIGN(const std::unique_ptr<Engine> engine, Engine::open(checkpoint, options));
  Player player(*engine);
  ASSAY_TRY(decode_rate(player, 64, 512));   // records the steps
  ASSAY_ASSIGN(const double decoded, decode_rate(player, 64, 512));
  ASSAY_ASSIGN(const double prefilled, prefill_rate(player, kLongPrompt));
  const std::vector<SequenceId> group = player.open(kGroup);
  const int64_t before = engine->stats().prompt_tokens_computed;
  ASSAY_ASSIGN(const double seconds, player.play(group, player.random_tokens(kLongPrompt), 256));
  const double computed = static_cast<double>(engine->stats().prompt_tokens_computed - before) / static_cast<double>(kLongPrompt);
  return std::vector<Figure>{
      {"engine", "decode, 64 sequences", decoded, "tokens/s", 20'000, true, "behind prompts of 512 tokens; 100m, bf16, FP8 cache, recorded whole"},
      {"engine", "prefill", prefilled, "tokens/s", 0, true, "16,384 tokens in steps of 4,096"},
      {"engine", "prompt of a group of 16", computed, "times computed", 1.1, false, "16,384 tokens: whole blocks of 64 are shared, the last one is not"},
      {"engine", "rollouts of that group", static_cast<double>(kGroup) / seconds, "a second", 0, true, "256 tokens each"}};
}

Result<std::vector<Figure>> run() { return cuda::find_device().ok() ? run_on_cuda() : run_on_cpu(); }

}  // namespace

BenchArea make() { return {"engine", "the embedded model end to end", run}; }

}  // namespace assay::bench::engine
