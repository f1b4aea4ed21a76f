// The CUDA kernels at DeepSeek-V3.2's dimensions, with the device's ceilings measured in the same run. Each call of a measurement has data
// of its own where the device's cache could hold them otherwise.
#include "cli/bench.h"

#ifdef ASSAY_CUDA
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>

#include "engine/kernels/cuda_device.h"
#include "engine/kernels/cuda_memory.h"
#include "engine/kernels/cuda_timer.h"
#include "engine/numeric.h"
#include "envs/base/rng.h"
#endif

namespace assay::bench::cuda {
#ifdef ASSAY_CUDA
namespace {

using namespace assay::cuda;

constexpr int64_t kHeads = 64, kRank = 512, kRope = 64, kIndexHeads = 64, kIndexWidth = 128, kTopK = 2048;
constexpr size_t kScratchBytes = size_t{1} << 30;

std::vector<float> random_values(int64_t count, uint64_t stream) {
  Rng rng(1, "bench/cuda", stream);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(2 * rng.unit() - 1);
  return values;
}

std::string formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

struct Ceilings {
  double bf16 = 0, e4m3 = 0, bytes = 0;   // operations a second, bytes a second
};

class Bench {
 public:
  Result<std::vector<Figure>> run() {
    ASSAY_ASSIGN(scratch_, Memory::allocate(kScratchBytes));
    ASSAY_TRY(time_ceilings());
    ASSAY_TRY(time_decode());
    ASSAY_TRY(time_prefill());
    ASSAY_TRY(time_gemms());
    ASSAY_TRY(time_rows());
    return std::move(figures_);
  }

 private:
  Launch launch() const { return {nullptr, scratch_.data(), scratch_.bytes()}; }

  Status time_ceilings();
  Status time_decode();
  Status time_prefill();
  Status time_gemms();
  Status time_rows();
  Status time_paged_logits(int64_t sequences, int64_t context);
  Status time_top_k(int64_t rows, int64_t length, double goal);
  Status time_attention(const std::string& name, int64_t rows, int64_t sequences, int64_t context, Figure goal);
  Status time_gemm(const std::string& name, WeightType type, int64_t count, int64_t rows, int64_t outputs, int64_t columns);

  // A figure of time or of rate, with the shares of the ceilings that the work reaches.
  void add(Figure figure, double us, double operations, double bytes) {
    const double flops = operations / us * 1e6, rate = bytes / us * 1e6;
    if (figure.unit == "us" || figure.unit.empty()) figure.value = us, figure.unit = "us", figure.at_least = false;
    if (figure.unit == "TFLOP/s") figure.value = flops / 1e12;
    if (figure.unit == "GB/s") figure.value = rate / 1e9;
    figure.area = "cuda";
    figure.note = formatted("%.1f us", us);
    if (operations > 0) figure.note += formatted(", %.0f TFLOP/s", flops / 1e12) + formatted(" = %.0f%% of bf16", 100 * flops / ceilings_.bf16);
    if (bytes > 0) figure.note += formatted(", %.0f GB/s", rate / 1e9) + formatted(" = %.0f%% of reading", 100 * rate / ceilings_.bytes);
    figures_.push_back(std::move(figure));
  }

  Memory scratch_;
  Ceilings ceilings_;
  std::vector<Figure> figures_;
};

Status Bench::time_ceilings() {
  constexpr int64_t kRounds = 2000;
  constexpr size_t kReadBytes = size_t{4} << 30;
  double bf16 = 0, e4m3 = 0;
  ASSAY_ASSIGN(const double bf16_us, time_us(1, launch(), [&](int, const Launch& at) { bf16 = multiply_bf16(kRounds, at); }));
  ASSAY_ASSIGN(const double e4m3_us, time_us(1, launch(), [&](int, const Launch& at) { e4m3 = multiply_e4m3(kRounds, at); }));
  ASSAY_ASSIGN(const Memory data, Memory::allocate(kReadBytes));
  ASSAY_ASSIGN(const double read_us, time_us(1, launch(), [&](int, const Launch& at) { read_memory(data.data(), data.bytes(), at); }));
  ceilings_ = {2e6 * bf16 / bf16_us, 2e6 * e4m3 / e4m3_us, 1e6 * static_cast<double>(kReadBytes) / read_us};
  figures_.push_back({.area = "cuda", .name = "ceiling: bf16 products", .value = ceilings_.bf16 / 1e12, .unit = "TFLOP/s", .note = "tensor cores, operands in shared memory"});
  figures_.push_back({.area = "cuda", .name = "ceiling: fp8 products", .value = ceilings_.e4m3 / 1e12, .unit = "TFLOP/s", .note = "the same"});
  figures_.push_back({.area = "cuda", .name = "ceiling: reading", .value = ceilings_.bytes / 1e9, .unit = "GB/s", .note = "4 GiB once"});
  return {};
}

// Sequences of one length in a cache, their pages in an order without a pattern, and rows at their ends: as many of each.
struct Batch {
  int64_t sequences = 0, context = 0, rows = 0;
  std::vector<int64_t> slots, lengths;
  Memory tables, row_tables, device_lengths, device_slots;
  int64_t pages() const { return sequences * context / kPageTokens; }
  double pairs() const { return static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), int64_t{0})); }
  PagedRows paged(const Memory& cache) const { return {cache.data(), row_tables.as<const int32_t*>(), device_lengths.as<int64_t>()}; }
};

Result<Batch> make_batch(int64_t sequences, int64_t context, int64_t rows) {
  Batch batch{sequences, context, rows, {}, {}, {}, {}, {}, {}};
  const int64_t each = context / kPageTokens, of_sequence = rows / sequences;
  std::vector<int32_t> pages(static_cast<size_t>(batch.pages()));
  std::iota(pages.begin(), pages.end(), 0);
  Rng rng(1, "bench/cuda/pages");
  rng.shuffle(pages);
  ASSAY_ASSIGN(batch.tables, Memory::of<int32_t>(pages));
  for (int32_t page : pages)
    for (int64_t offset = 0; offset < kPageTokens; ++offset) batch.slots.push_back(page * kPageTokens + offset);
  std::vector<const int32_t*> tables;
  for (int64_t r = 0; r < rows; ++r) {
    tables.push_back(batch.tables.as<int32_t>() + r / of_sequence * each);
    batch.lengths.push_back(context - of_sequence + r % of_sequence + 1);
  }
  ASSAY_ASSIGN(batch.row_tables, Memory::of<const int32_t*>(tables));
  ASSAY_ASSIGN(batch.device_lengths, Memory::of<int64_t>(batch.lengths));
  ASSAY_ASSIGN(batch.device_slots, Memory::of<int64_t>(batch.slots));
  return batch;
}

// So many that one after another they do not fit into the device's cache.
int copies_of(double bytes) { return std::clamp(static_cast<int>(std::ceil(256e6 / bytes)), 2, 16); }

Result<std::vector<Memory>> index_caches(const Batch& batch, const IndexLayout& layout, int count) {
  ASSAY_ASSIGN(const Memory keys, Memory::of<float>(random_values(batch.sequences * batch.context * kIndexWidth, 1)));
  std::vector<Memory> caches;
  for (int i = 0; i < count; ++i) {
    ASSAY_ASSIGN(Memory cache, Memory::allocate(static_cast<size_t>(batch.pages()) * layout.page_bytes()));
    index_append({layout, batch.sequences * batch.context, keys.as<float>(), cache.data(), batch.device_slots.as<int64_t>()}, {});
    caches.push_back(std::move(cache));
  }
  ASSAY_TRY(synchronize({}));
  return caches;
}

Status Bench::time_paged_logits(int64_t sequences, int64_t context) {
  const IndexLayout layout{CacheFormat::kE4m3, kIndexWidth};
  ASSAY_ASSIGN(const Batch batch, make_batch(sequences, context, sequences));
  const double bytes = static_cast<double>(static_cast<size_t>(batch.pages()) * layout.page_bytes());
  const int copies = copies_of(bytes);
  ASSAY_ASSIGN(const std::vector<Memory> caches, index_caches(batch, layout, copies));
  ASSAY_ASSIGN(const Memory q, Memory::of<float>(random_values(batch.rows * kIndexHeads * kIndexWidth, 2)));
  ASSAY_ASSIGN(const Memory w, Memory::of<float>(random_values(batch.rows * kIndexHeads, 3)));
  ASSAY_ASSIGN(const Memory logits, Memory::allocate(static_cast<size_t>(batch.rows * context) * sizeof(float)));
  ASSAY_ASSIGN(const double us, time_us(copies, launch(), [&](int i, const Launch& at) {
    indexer_logits({layout, batch.paged(caches[static_cast<size_t>(i)]), batch.rows, kIndexHeads, q.as<float>(), w.as<float>(), kIndexHeads, logits.as<float>(), context}, at);
  }));
  Figure figure{.name = "paged logits, batch " + std::to_string(sequences) + ", " + std::to_string(context / 1024) + "K", .unit = "GB/s"};
  if (sequences == 8) figure.goal = 2000;
  add(figure, us, 2 * batch.pairs() * kIndexHeads * kIndexWidth, bytes + 4 * batch.pairs());
  return {};
}

Status Bench::time_top_k(int64_t rows, int64_t length, double goal) {
  const int copies = copies_of(static_cast<double>(rows * length * 4));
  ASSAY_ASSIGN(const Memory values, Memory::of<float>(random_values(rows * length * copies, 4)));
  ASSAY_ASSIGN(const Memory lengths, Memory::of<int64_t>(std::vector<int64_t>(static_cast<size_t>(rows), length)));
  ASSAY_ASSIGN(const Memory indices, Memory::allocate(static_cast<size_t>(rows * kTopK) * sizeof(int32_t)));
  ASSAY_ASSIGN(const Memory counts, Memory::allocate(static_cast<size_t>(rows) * sizeof(int64_t)));
  ASSAY_ASSIGN(const double us, time_us(copies, launch(), [&](int i, const Launch& at) {
    top_k({rows, kTopK, values.as<float>() + i * rows * length, length, lengths.as<int64_t>(), indices.as<int32_t>(), counts.as<int64_t>()}, at);
  }));
  add({.name = "top-k 2048 of " + std::to_string(rows) + " x " + std::to_string(length / 1024) + "K", .unit = "us", .goal = goal}, us, 0, static_cast<double>(rows * length * 4));
  return {};
}

// Ascending positions without a pattern, below each row's length, other ones in every copy.
std::vector<int32_t> random_selection(const Batch& batch, int copies) {
  std::vector<int32_t> all;
  for (int64_t r = 0; r < batch.rows * copies; ++r) {
    Rng rng(2, "bench/cuda/selection", static_cast<uint64_t>(r % 512));
    const int64_t length = batch.lengths[static_cast<size_t>(r % batch.rows)], step = length / kTopK;
    const int64_t shift = r / 512 % 4;
    for (int64_t i = 0; i < kTopK; ++i) all.push_back(static_cast<int32_t>(std::min(length - 1, i * step + (static_cast<int64_t>(rng.below(static_cast<uint64_t>(step))) + shift) % step)));
  }
  return all;
}

Status Bench::time_attention(const std::string& name, int64_t rows, int64_t sequences, int64_t context, Figure goal) {
  const int64_t heads = goal.unit == "us" ? kHeads : 2 * kHeads;
  const LatentLayout layout{CacheFormat::kE4m3, kRank, kRope};
  ASSAY_ASSIGN(const Batch batch, make_batch(sequences, context, rows));
  const double bytes = static_cast<double>(rows * kTopK) * static_cast<double>(layout.token_bytes());
  const int copies = rows > 256 ? 1 : copies_of(bytes);
  ASSAY_ASSIGN(const Memory cache, Memory::allocate(static_cast<size_t>(batch.pages()) * layout.page_bytes()));
  {
    constexpr int64_t kWidth = kRank + kRope;
    ASSAY_ASSIGN(const Memory latents, Memory::of<float>(random_values(sequences * context * kWidth, 5)));
    latent_append({layout, sequences * context, latents.as<float>(), kWidth, latents.as<float>() + kRank, kWidth, cache.data(), batch.device_slots.as<int64_t>()}, {});
    ASSAY_TRY(synchronize({}));
  }
  ASSAY_ASSIGN(const Memory q, Memory::of<float>(random_values(rows * heads * (kRank + kRope), 6)));
  ASSAY_ASSIGN(const Memory indices, Memory::of<int32_t>(random_selection(batch, copies)));
  ASSAY_ASSIGN(const Memory counts, Memory::of<int64_t>(std::vector<int64_t>(static_cast<size_t>(rows), kTopK)));
  ASSAY_ASSIGN(const Memory out, Memory::allocate(static_cast<size_t>(rows * heads * kRank) * sizeof(float)));
  SparseAttentionParams params{layout, batch.paged(cache), rows, heads};
  params.q_latent = q.as<float>();
  params.q_rope = q.as<float>() + rows * heads * kRank;
  params.q_rope_row_stride = heads * kRope, params.q_rope_head_stride = kRope;
  params.scale = 0.07f;
  params.index_stride = kTopK, params.counts = counts.as<int64_t>(), params.out = out.as<float>();
  ASSAY_ASSIGN(const double us, time_us(copies, launch(), [&](int i, const Launch& at) {
    SparseAttentionParams chosen = params;
    chosen.indices = indices.as<int32_t>() + i * rows * kTopK;
    sparse_attention(chosen, at);
  }));
  goal.name = name + ", " + std::to_string(heads) + " heads, k 2048";
  add(goal, us, 2.0 * static_cast<double>(rows * heads * kTopK * (2 * kRank + kRope)), bytes + static_cast<double>(rows * heads * (2 * kRank + kRope) * 4));
  return {};
}

Status Bench::time_decode() {
  for (int64_t sequences : {1, 8, 32}) ASSAY_TRY(time_attention("sparse decode, batch " + std::to_string(sequences), sequences, sequences, 32 * 1024, {.unit = "us", .goal = sequences == 8 ? 40.0 : 0.0, .at_least = false}));
  for (int64_t sequences : {1, 8, 64}) ASSAY_TRY(time_paged_logits(sequences, 32 * 1024));
  ASSAY_TRY(time_top_k(1, 128 * 1024, 0));
  ASSAY_TRY(time_top_k(8, 128 * 1024, 40));
  return time_top_k(2048, 32 * 1024, 0);
}

Status Bench::time_prefill() {
  constexpr int64_t kRows = 2048, kContext = 32 * 1024;
  const IndexLayout layout{CacheFormat::kE4m3, kIndexWidth};
  ASSAY_ASSIGN(const Batch batch, make_batch(1, kContext, kRows));
  ASSAY_ASSIGN(const std::vector<Memory> caches, index_caches(batch, layout, 1));
  ASSAY_ASSIGN(const Memory q, Memory::of<float>(random_values(kRows * kIndexHeads * kIndexWidth, 2)));
  ASSAY_ASSIGN(const Memory w, Memory::of<float>(random_values(kRows * kIndexHeads, 3)));
  ASSAY_ASSIGN(const Memory logits, Memory::allocate(static_cast<size_t>(kRows * kContext) * sizeof(float)));
  ASSAY_ASSIGN(const double us, time_us(1, launch(), [&](int, const Launch& at) {
    indexer_logits({layout, batch.paged(caches[0]), kRows, kIndexHeads, q.as<float>(), w.as<float>(), kIndexHeads, logits.as<float>(), kContext}, at);
  }));
  add({.name = "prefill logits, 2048 x 32K", .unit = "TFLOP/s", .goal = 300}, us, 2 * batch.pairs() * kIndexHeads * kIndexWidth, 4 * batch.pairs());
  return time_attention("sparse prefill, 2048 rows over 32K", kRows, 1, kContext, {.unit = "TFLOP/s", .goal = 200});
}

Result<Memory> random_panels(WeightType type, int64_t count) {
  const std::vector<float> values = random_values(std::min<int64_t>(count, 1 << 22), 7);
  const auto repeated = [&](auto convert) {
    std::vector<decltype(convert(0.0f))> codes(static_cast<size_t>(count));
    for (size_t i = 0; i < codes.size(); ++i) codes[i] = convert(values[i % values.size()]);
    return codes;
  };
  switch (type) {
    case WeightType::kF32: return Memory::of<float>(repeated([](float value) { return value; }));
    case WeightType::kBf16: return Memory::of<uint16_t>(repeated([](float value) { return float_to_bf16(value); }));
    case WeightType::kE4m3: break;
  }
  return Memory::of<uint8_t>(repeated([](float value) { return float_to_e4m3(value); }));
}

// `count` weights side by side over the same rows, as heads or experts are.
Status Bench::time_gemm(const std::string& name, WeightType type, int64_t count, int64_t rows, int64_t outputs, int64_t columns) {
  const int64_t panel_values = (outputs + kPanelRows - 1) / kPanelRows * kPanelRows * columns;
  const int64_t value_bytes = type == WeightType::kF32 ? 4 : type == WeightType::kBf16 ? 2 : 1;
  const double bytes = static_cast<double>(count * panel_values * value_bytes);
  const int copies = copies_of(bytes);
  ASSAY_ASSIGN(const Memory panels, random_panels(type, copies * count * panel_values));
  ASSAY_ASSIGN(const Memory scales, Memory::of<float>(std::vector<float>(static_cast<size_t>((outputs / kScaleBlock + 1) * (columns / kScaleBlock + 1)), 0.5f)));
  ASSAY_ASSIGN(const Memory x, Memory::of<float>(random_values(count * rows * columns, 8)));
  ASSAY_ASSIGN(const Memory y, Memory::allocate(static_cast<size_t>(count * rows * outputs) * sizeof(float)));
  std::vector<Weight> weights;
  const auto unowned = [](auto*) {};
  for (int64_t i = 0; i < copies * count; ++i)
    weights.push_back({type, outputs, columns, {panels.data() + i * panel_values * value_bytes, unowned}, {scales.as<float>(), unowned}});
  ASSAY_ASSIGN(const double us, time_us(copies, launch(), [&](int copy, const Launch& at) {
    std::vector<GemmProblem> problems;
    for (int64_t i = 0; i < count; ++i)
      problems.push_back({&weights[static_cast<size_t>(copy * count + i)], x.as<float>() + i * rows * columns, columns, nullptr, y.as<float>() + i * rows * outputs, outputs, rows, nullptr});
    gemm(problems, at);
  }));
  add({.name = "gemm " + name + ", " + std::to_string(rows) + " rows", .unit = "us"}, us, 2.0 * static_cast<double>(count * rows * outputs * columns),
      bytes + static_cast<double>(count * rows * (outputs + columns) * 4));
  return {};
}

Status Bench::time_gemms() {
  const std::pair<WeightType, std::string> types[] = {{WeightType::kF32, "f32"}, {WeightType::kBf16, "bf16"}, {WeightType::kE4m3, "e4m3"}};
  for (const auto& [type, name] : types)
    for (int64_t rows : {1, 8, 64, 2048}) ASSAY_TRY(time_gemm(name + " 2048 x 7168", type, 1, rows, 2048, 7168));
  ASSAY_TRY(time_gemm("f32 router 256 x 7168", WeightType::kF32, 1, 8, 256, 7168));
  ASSAY_TRY(time_gemm("bf16 128 heads of 512 x 128", WeightType::kBf16, 128, 8, 512, 128));
  return time_gemm("e4m3 64 experts of 2048 x 7168", WeightType::kE4m3, 64, 4, 2048, 7168);
}

// Kernels that touch each number once or twice: what counts is bytes.
Status Bench::time_rows() {
  constexpr int64_t kRows = 8192, kWidth = 7168, kExperts = 256;
  ASSAY_ASSIGN(const Memory x, Memory::of<float>(random_values(kRows * kWidth, 9)));
  ASSAY_ASSIGN(const Memory y, Memory::of<float>(random_values(kRows * kWidth, 10)));
  ASSAY_ASSIGN(const Memory codes, Memory::allocate(static_cast<size_t>(kRows * kWidth)));
  const double count = static_cast<double>(kRows * kWidth);
  const auto time = [&](const std::string& name, double bytes, const std::function<void(const Launch&)>& call) -> Status {
    ASSAY_ASSIGN(const double us, time_us(1, launch(), [&](int, const Launch& at) { call(at); }));
    add({.name = name, .unit = "us"}, us, 0, bytes);
    return {};
  };
  ASSAY_TRY(time("rms_norm 8192 x 7168", 8 * count, [&](const Launch& at) { rms_norm({kRows, kWidth, 1e-6f, x.as<float>(), kWidth, x.as<float>(), nullptr, y.as<float>(), kWidth}, at); }));
  ASSAY_TRY(time("silu_mul 8192 x 7168", 12 * count, [&](const Launch& at) { silu_mul({kRows, kWidth, x.as<float>(), x.as<float>(), kWidth, y.as<float>(), kWidth}, at); }));
  ASSAY_TRY(time("fp8_quantize 8192 x 7168", 5 * count, [&](const Launch& at) { fp8_quantize({kRows, kWidth, x.as<float>(), kWidth, codes.as<uint8_t>(), y.as<float>()}, at); }));
  ASSAY_TRY(time("hadamard 458752 x 128", 8 * count, [&](const Launch& at) { hadamard({kRows * kWidth / 128, 128, y.as<float>()}, at); }));
  return time("gate 8192 x 256 in 8 groups, 8 chosen", static_cast<double>(kRows * kExperts * 4), [&](const Launch& at) {
    gate({kRows, kExperts, 8, 4, 8, NormalizeWeights::kYes, 2.5f, x.as<float>(), x.as<float>(), codes.as<int32_t>(), y.as<float>()}, at);
  });
}

Result<std::vector<Figure>> run() {
  const Result<DeviceProperties> device = find_device();
  if (!device.ok()) return std::vector<Figure>{};   // assay doctor says why
  return Bench().run();
}

}  // namespace
#else
namespace {
Result<std::vector<Figure>> run() { return std::vector<Figure>{}; }   // built without CUDA, as assay doctor says
}  // namespace
#endif

BenchArea make() { return {"cuda", "kernels of the embedded model on the GPU, if there is one, as shares of its ceilings", run}; }

}  // namespace assay::bench::cuda
