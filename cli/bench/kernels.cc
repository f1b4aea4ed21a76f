// Kernels one by one, at the shapes of the 20m preset (a decoding step of eight sequences, a chunk of prefill) and of one layer of
// DeepSeek-V3.2 where the shape matters.
#include <thread>

#include "cli/bench.h"
#include "cli/kernel_timer.h"
#include "engine/checkpoint/synthetic.h"
#include "engine/numeric.h"
#include "envs/base/rng.h"

namespace assay::bench::kernels {
namespace {

constexpr int64_t kDecodeRows = 8, kPrefillRows = 256;

std::vector<float> random_values(int64_t count, uint64_t stream) {
  Rng rng(1, "bench/kernels", stream);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(2 * rng.unit() - 1);
  return values;
}

Weight random_weight(WeightType type, int64_t rows, int64_t columns) {
  const std::vector<float> values = random_values(rows * columns, 1);
  if (type == WeightType::kF32) return pack_weight(type, values.data(), rows, columns, columns, 1);
  if (type == WeightType::kBf16) {
    std::vector<uint16_t> codes;
    for (float value : values) codes.push_back(float_to_bf16(value));
    return pack_weight(type, codes.data(), rows, columns, columns, 1);
  }
  std::vector<uint8_t> codes;
  for (float value : values) codes.push_back(float_to_e4m3(value));
  const std::vector<float> scales(static_cast<size_t>((rows / kScaleBlock + 1) * (columns / kScaleBlock + 1)), 0.5f);
  return pack_weight(type, codes.data(), rows, columns, columns, 1, scales.data());
}

std::string rows_text(int64_t rows) { return std::to_string(rows) + (rows == 1 ? " row" : " rows"); }

// `count` weights side by side over the same rows, as heads or experts are.
Figure time_gemm(KernelTimer& timer, const std::string& name, WeightType type, int64_t count, int64_t rows, int64_t outputs, int64_t columns) {
  std::vector<Weight> weights;
  for (int64_t i = 0; i < count; ++i) weights.push_back(random_weight(type, outputs, columns));
  const std::vector<float> x = random_values(count * rows * columns, 2);
  std::vector<float> y(static_cast<size_t>(count * rows * outputs));
  std::vector<GemmProblem> problems;
  KernelWork work{static_cast<double>(count * rows * outputs * columns), static_cast<double>((x.size() + y.size()) * sizeof(float))};
  for (int64_t i = 0; i < count; ++i) {
    const Weight& weight = weights[static_cast<size_t>(i)];
    problems.push_back({&weight, x.data() + i * rows * columns, columns, nullptr, y.data() + i * rows * outputs, outputs, rows, nullptr});
    work.bytes += static_cast<double>(weight.bytes());
  }
  return timer.time("gemm " + name + ", " + rows_text(rows), work, [&] { timer.kernels().gemm(problems, timer.workers()); });
}

void time_model_gemms(KernelTimer& timer, const ModelConfig& config, std::vector<Figure>& figures) {
  const int64_t hidden = config.hidden_size, heads = config.num_attention_heads, rank = config.kv_lora_rank, inner = config.moe_intermediate_size;
  for (int64_t rows : {kDecodeRows, kPrefillRows}) {
    const int64_t expert_rows = rows * config.num_experts_per_tok / config.n_routed_experts;
    const auto add = [&](const std::string& name, int64_t count, int64_t each, int64_t outputs, int64_t columns) {
      figures.push_back(time_gemm(timer, "20m bf16 " + name, WeightType::kBf16, count, each, outputs, columns));
    };
    add("queries", 1, rows, heads * config.qk_head_dim(), config.q_lora_rank);
    add("absorbed heads", heads, rows, rank, config.qk_nope_head_dim);
    add("output", 1, rows, hidden, heads * config.v_head_dim);
    add("experts in", 2 * config.n_routed_experts, expert_rows, inner, hidden);
    add("experts out", config.n_routed_experts, expert_rows, hidden, inner);
  }
}

void time_large_gemms(KernelTimer& timer, std::vector<Figure>& figures) {
  const std::pair<WeightType, std::string> types[] = {{WeightType::kF32, "f32"}, {WeightType::kBf16, "bf16"}, {WeightType::kE4m3, "e4m3"}};
  for (const auto& [type, name] : types)
    for (int64_t rows : {int64_t{1}, kDecodeRows, kPrefillRows}) figures.push_back(time_gemm(timer, name + " 2048 x 7168", type, 1, rows, 2048, 7168));
}

// Kernels that touch each number once or twice: what counts is bytes.
void time_rows(KernelTimer& timer, std::vector<Figure>& figures) {
  const int64_t rows = kPrefillRows, width = 7168, heads = 128, rope = 64;
  std::vector<float> x = random_values(rows * width, 3), up = random_values(rows * width, 4), y(x.size()), wide = random_values(rows * heads * rope, 5);
  const std::vector<float> weight = random_values(width, 6), cosines = random_values(rows * rope / 2, 7);
  std::vector<uint8_t> codes(x.size());
  std::vector<float> scales(x.size() / kScaleBlock);
  const Kernels& kernels = timer.kernels();
  Workers& workers = timer.workers();
  const auto bytes = [](auto count, int64_t each) { return KernelWork{0, static_cast<double>(static_cast<int64_t>(count) * each)}; };
  figures.push_back(timer.time("rms_norm 256 x 7168", bytes(x.size(), 8), [&] { kernels.rms_norm({rows, width, 1e-6f, x.data(), width, weight.data(), nullptr, y.data(), width}, workers); }));
  figures.push_back(timer.time("layer_norm 256 x 7168", bytes(x.size(), 8), [&] { kernels.layer_norm({rows, width, 1e-6f, x.data(), width, weight.data(), weight.data(), y.data(), width}, workers); }));
  for (const auto& [layout, name] : {std::pair{RopeLayout::kInterleaved, "interleaved"}, std::pair{RopeLayout::kHalfSplit, "half-split"}})
    figures.push_back(timer.time(std::string("rope ") + name + " 256 x 128 x 64", bytes(wide.size(), 8), [&] {
      kernels.rope({rows, heads, rope, wide.data(), heads * rope, rope, cosines.data(), cosines.data(), layout}, workers);
    }));
  figures.push_back(timer.time("fp8_quantize 256 x 7168", bytes(x.size(), 5), [&] { kernels.fp8_quantize({rows, width, x.data(), width, codes.data(), scales.data()}, workers); }));
  figures.push_back(timer.time("add 256 x 7168", bytes(x.size(), 12), [&] { kernels.add({rows, width, x.data(), width, y.data(), width}, workers); }));
  figures.push_back(timer.time("silu_mul 256 x 7168", bytes(x.size(), 12), [&] { kernels.silu_mul({rows, width, x.data(), up.data(), width, y.data(), width}, workers); }));
  figures.push_back(timer.time("hadamard 14336 x 128", bytes(y.size(), 8), [&] {
    std::fill(y.begin(), y.end(), 1.0f);   // lest it grow; the copy is in the time
    kernels.hadamard({rows * width / 128, 128, y.data()}, workers);
  }));
}

void time_choices(KernelTimer& timer, std::vector<Figure>& figures) {
  const int64_t rows = kPrefillRows, experts = 256, k = 8, vocabulary = 129'280, width = 7168;
  const std::vector<float> logits = random_values(rows * experts, 8), bias(experts), vocabulary_logits = random_values(vocabulary, 9);
  std::vector<int32_t> chosen(static_cast<size_t>(rows * k)), source(chosen.size());
  std::vector<float> weights(chosen.size()), expert_out = random_values(rows * width, 10), y(expert_out.size());
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<int32_t>(i * 7 % static_cast<size_t>(rows));
  const Kernels& kernels = timer.kernels();
  Workers& workers = timer.workers();
  figures.push_back(timer.time("gate 256 x 256 in 8 groups, 8 chosen", {0, static_cast<double>(logits.size() * 4)}, [&] {
    kernels.gate({rows, experts, 8, 4, k, NormalizeWeights::kYes, 2.5f, logits.data(), bias.data(), chosen.data(), weights.data()}, workers);
  }));
  figures.push_back(timer.time("combine 256 x 7168, 8 slots", {static_cast<double>(rows * k * width), static_cast<double>(rows * k * width * 4)}, [&] {
    kernels.combine({rows, width, k, expert_out.data(), source.data(), weights.data(), y.data(), width}, workers);
  }));
  for (const auto& [name, sampling] : {std::pair<std::string, SamplingParams>{"temperature 1", {}}, {"top_p 0.95", {.top_p = 0.95}}})
    figures.push_back(timer.time("sample 129280 tokens, " + name, {0, static_cast<double>(vocabulary * 4)},
                                 [&, &params = sampling] { kernels.sample(vocabulary_logits.data(), vocabulary, params, 0.5); }));
}

Result<std::vector<Figure>> run() {
  ASSAY_ASSIGN(const ModelConfig config, preset_config("20m"));
  Workers workers(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  KernelTimer timer("kernels", cpu_kernels().back(), workers);
  std::vector<Figure> figures;
  time_model_gemms(timer, config, figures);
  time_large_gemms(timer, figures);
  time_rows(timer, figures);
  time_choices(timer, figures);
  std::vector<Figure> all = timer.ceilings();
  all.insert(all.end(), figures.begin(), figures.end());
  return all;
}

}  // namespace

BenchArea make() { return {"kernels", "kernels of the embedded model one by one, as shares of the machine's ceilings", run}; }

}  // namespace assay::bench::kernels
