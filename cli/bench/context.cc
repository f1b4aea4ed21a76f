// The attention of DeepSeek-V3.2 on a CUDA device by length of context, dense beside sparse: alone, and in two whole layers.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "cli/bench.h"
#include "cli/bench/temporary_folder.h"
#include "engine/checkpoint/synthetic.h"
#include "engine/kernels/cuda_device.h"
#include "engine/model/model.h"
#include "envs/base/rng.h"

#ifdef ASSAY_CUDA
#include "engine/kernels/cuda_memory.h"
#include "engine/kernels/cuda_timer.h"
#endif

namespace assay::bench::context {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) { return std::chrono::duration<double>(SteadyClock::now() - start).count(); }

std::vector<int32_t> random_tokens(int64_t count, int64_t vocabulary, uint64_t stream) {
  Rng rng(1, "bench/context", stream);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocabulary))));
  return tokens;
}

struct Loaded {
  Workers workers{static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))};
  std::unique_ptr<Device> device;
  std::unique_ptr<Model> model;
  std::unique_ptr<KvCache> cache;
};

struct Ceilings {
  double bf16 = 0, bytes = 0;   // operations and bytes a second
};

#ifdef ASSAY_CUDA
Result<Ceilings> device_ceilings() {
  constexpr size_t kReadBytes = size_t{2} << 30;
  ASSAY_ASSIGN(const cuda::Memory data, cuda::Memory::allocate(kReadBytes));
  const cuda::Launch scratch{nullptr, data.data(), data.bytes()};
  double multiplied = 0;
  ASSAY_ASSIGN(const double multiply_us, cuda::time_us(1, scratch, [&](int, const cuda::Launch& at) { multiplied = cuda::multiply_bf16(2000, at); }));
  ASSAY_ASSIGN(const double read_us, cuda::time_us(1, scratch, [&](int, const cuda::Launch& at) { cuda::read_memory(data.data(), data.bytes(), at); }));
  return Ceilings{2e6 * multiplied / multiply_us, 1e6 * static_cast<double>(kReadBytes) / read_us};
}
#else
Result<Ceilings> device_ceilings() { return Ceilings{}; }
#endif

std::string shown(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string context_name(int64_t tokens) { return std::to_string(tokens / 1024) + "K"; }

// Rows at the ends of sequences whose caches hold random numbers: of one sequence (a chunk of a prompt) or of one each (decoding).
class LongContexts {
 public:
  static constexpr int64_t kChunk = 2048, kSequences = 8, kLongest = 128 * 1024;

  Result<std::vector<Figure>> run() {
    ASSAY_ASSIGN(ceilings_, device_ceilings());
    ASSAY_TRY(load());
    ASSAY_TRY(fill_cache());
    for (const int64_t context : {8, 16, 32, 64, 128})
      for (const Kind kind : {Kind::kPrefill, Kind::kDecode}) ASSAY_TRY(measure(kind, context * 1024));
    for (const Kind kind : {Kind::kPrefill, Kind::kDecode}) compare(kind);
    return std::move(figures_);
  }

 private:
  enum class Kind { kPrefill, kDecode };
  struct Times {
    double whole_ms = 0, dense_whole_ms = 0, alone_ms = 0, dense_alone_ms = 0;
  };

  Status load();
  Status fill_cache();
  Status measure(Kind kind, int64_t context);
  Result<double> whole_ms(Kind kind, int64_t context, Attention attention);
  Result<double> alone_ms(Kind kind, int64_t context, Attention attention);
  void compare(Kind kind);
  static std::string name_of(Kind kind) { return kind == Kind::kPrefill ? "prefill" : "decode"; }

  template <typename T>
  Result<std::shared_ptr<T>> uploaded(const std::vector<T>& values) {
    ASSAY_ASSIGN(const std::shared_ptr<std::byte> memory, loaded_.device->allocate(values.size() * sizeof(T)));
    loaded_.device->upload(memory.get(), values.data(), values.size() * sizeof(T));
    return std::shared_ptr<T>(memory, reinterpret_cast<T*>(memory.get()));
  }
  // Milliseconds of a call, the median of some.
  Result<double> timed(const std::function<Status()>& call) {
    std::vector<double> times;
    ASSAY_TRY(call());
    for (const auto start = SteadyClock::now(); times.size() < 3 || (seconds_since(start) < 0.3 && times.size() < 50);) {
      const auto begin = SteadyClock::now();
      ASSAY_TRY(call());
      times.push_back(1000 * seconds_since(begin));
    }
    std::nth_element(times.begin(), times.begin() + static_cast<int64_t>(times.size() / 2), times.end());
    return times[times.size() / 2];
  }

  Ceilings ceilings_;
  TemporaryFolder folder_{"attention"};
  Loaded loaded_;
  std::vector<CachedSequence> sequences_;
  std::map<std::pair<Kind, int64_t>, Times> times_;
  std::vector<Figure> figures_;
};

std::vector<float> random_floats(int64_t count, uint64_t stream) {
  Rng rng(1, "bench/context/floats", stream);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(2 * rng.unit() - 1);
  return values;
}

Status LongContexts::load() {
  ASSAY_ASSIGN(const ModelConfig config, preset_config("v32_attention"));
  ASSAY_TRY(write_synthetic(config, folder_.path.string(), {.dtype = WeightDType::kBF16, .seed = 1}));
  ASSAY_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(folder_.path.string()));
  ASSAY_ASSIGN(loaded_.device, open_device("cuda", loaded_.workers));
  ASSAY_ASSIGN(loaded_.model, Model::load(checkpoint, *loaded_.device));
  ASSAY_ASSIGN(loaded_.cache, KvCache::create(config, {CacheFormat::kE4m3, kSequences * kLongest}, *loaded_.device));
  return loaded_.model->reserve({kChunk, kSequences, kLongest});
}

Status LongContexts::fill_cache() {
  constexpr int64_t kRows = 16384;
  const ModelConfig& config = loaded_.model->config();
  const KvCache& cache = *loaded_.cache;
  const int64_t rank = config.kv_lora_rank, width = rank + config.qk_rope_head_dim;
  sequences_.resize(kSequences);
  for (CachedSequence& sequence : sequences_) ASSAY_TRY(loaded_.cache->reserve(sequence, kLongest));
  ASSAY_ASSIGN(const std::shared_ptr<float> values, uploaded(random_floats(kRows * width, 1)));
  for (int64_t first = 0; first < kSequences * kLongest; first += kRows) {
    std::vector<int64_t> slots(kRows);
    for (int64_t i = 0; i < kRows; ++i) slots[static_cast<size_t>(i)] = first + i;
    ASSAY_ASSIGN(const std::shared_ptr<int64_t> places, uploaded(slots));
    for (int64_t layer = 0; layer < config.num_hidden_layers(); ++layer) {
      loaded_.device->latent_append({cache.latent_layout(), kRows, values.get(), width, values.get() + rank, width, cache.latents(layer), places.get()});
      loaded_.device->index_append({cache.index_layout(), kRows, values.get(), cache.index_keys(layer), places.get()});
    }
    ASSAY_TRY(loaded_.device->wait());
  }
  return {};
}

// The whole model, tokens drawn.
Result<double> LongContexts::whole_ms(Kind kind, int64_t context, Attention attention) {
  const int64_t rows = kind == Kind::kPrefill ? kChunk : 1;
  const std::vector<int32_t> tokens = random_tokens(rows, loaded_.model->config().vocab_size, 3);
  const std::vector<Draw> draws(kind == Kind::kPrefill ? 1 : kSequences, Draw{{}, 0.5});
  return timed([&]() -> Status {
    std::vector<Chunk> chunks;
    for (size_t i = 0; i < draws.size(); ++i) {
      sequences_[i].length = context - rows;
      chunks.push_back({&sequences_[i], tokens, LogitsOf::kLastRow});
    }
    ASSAY_TRY(loaded_.model->sample(chunks, draws, *loaded_.cache, {.attention = attention}));
    return {};
  });
}

// Indexer, selection and attention of one layer, of queries that are there.
Result<double> LongContexts::alone_ms(Kind kind, int64_t context, Attention attention) {
  const ModelConfig& config = loaded_.model->config();
  const KvCache& cache = *loaded_.cache;
  Device& device = *loaded_.device;
  const bool prefill = kind == Kind::kPrefill;
  const int64_t rows = prefill ? kChunk : kSequences, heads = config.num_attention_heads, rank = config.kv_lora_rank, rope = config.qk_rope_head_dim;
  const int64_t index_heads = config.index_n_heads, k = config.index_topk, pages = kLongest / kPageTokens;
  std::vector<int32_t> table;
  for (const CachedSequence& sequence : sequences_) table.insert(table.end(), sequence.pages.begin(), sequence.pages.begin() + pages);
  ASSAY_ASSIGN(const std::shared_ptr<int32_t> tables, uploaded(table));
  std::vector<const int32_t*> of_rows;
  std::vector<int64_t> row_lengths;
  for (int64_t row = 0; row < rows; ++row) {
    of_rows.push_back(tables.get() + (prefill ? 0 : row * pages));
    row_lengths.push_back(prefill ? context - rows + row + 1 : context);
  }
  ASSAY_ASSIGN(const std::shared_ptr<const int32_t*> row_tables, uploaded(of_rows));
  ASSAY_ASSIGN(const std::shared_ptr<int64_t> lengths, uploaded(row_lengths));
  ASSAY_ASSIGN(const std::shared_ptr<float> q, uploaded(random_floats(rows * heads * (rank + rope), 4)));
  ASSAY_ASSIGN(const std::shared_ptr<std::byte> out, device.allocate(static_cast<size_t>(rows * heads * rank) * sizeof(float)));
  ASSAY_ASSIGN(const std::shared_ptr<std::byte> scores, device.allocate(static_cast<size_t>(rows * context) * sizeof(float)));
  ASSAY_ASSIGN(const std::shared_ptr<int32_t> chosen, uploaded(std::vector<int32_t>(static_cast<size_t>(rows * k))));
  ASSAY_ASSIGN(const std::shared_ptr<int64_t> counts, uploaded(std::vector<int64_t>(static_cast<size_t>(rows))));
  const auto call = [&] {
    const PagedRows keys{cache.index_keys(0), row_tables.get(), lengths.get()}, latents{cache.latents(0), row_tables.get(), lengths.get()};
    SparseAttentionParams params{cache.latent_layout(), latents, rows, heads, q.get(), q.get() + rows * heads * rank, heads * rope, rope, static_cast<float>(config.softmax_scale())};
    params.index_stride = context;
    params.out = reinterpret_cast<float*>(out.get());
    if (attention == Attention::kSparse) {
      float* logits = reinterpret_cast<float*>(scores.get());
      device.indexer_logits({cache.index_layout(), keys, rows, index_heads, q.get(), q.get(), index_heads, logits, context});
      device.top_k({rows, k, logits, context, lengths.get(), chosen.get(), counts.get()});
      params.indices = chosen.get(), params.index_stride = k, params.counts = counts.get();
    }
    device.sparse_attention(params);
  };
  // Played as a recording, where calls are short many in a row, so that the host's part is left out.
  const int calls = prefill ? 1 : 8;
  std::shared_ptr<void> recording;
  ASSAY_ASSIGN(const double calls_ms, timed([&]() -> Status {
    device.repeat(recording, [&] { for (int i = 0; i < calls; ++i) call(); });
    return device.wait();
  }));
  return calls_ms / calls;
}

Status LongContexts::measure(Kind kind, int64_t context) {
  Times& times = times_[{kind, context}];
  ASSAY_ASSIGN(times.whole_ms, whole_ms(kind, context, Attention::kSparse));
  ASSAY_ASSIGN(times.dense_whole_ms, whole_ms(kind, context, Attention::kDense));
  ASSAY_ASSIGN(times.alone_ms, alone_ms(kind, context, Attention::kSparse));
  ASSAY_ASSIGN(times.dense_alone_ms, alone_ms(kind, context, Attention::kDense));
  const ModelConfig& config = loaded_.model->config();
  const double layers = static_cast<double>(config.num_hidden_layers()), weights = static_cast<double>(config.active_parameter_count());
  const double rows = static_cast<double>(kind == Kind::kPrefill ? kChunk : kSequences), seen = static_cast<double>(context), k = static_cast<double>(std::min(config.index_topk, context));
  const double attention = rows * static_cast<double>(config.num_attention_heads * (2 * config.kv_lora_rank + config.qk_rope_head_dim)) * k;
  const double indexer = rows * static_cast<double>(config.index_n_heads * config.index_head_dim) * seen;
  const double operations = 2 * (rows * weights + layers * (attention + indexer));
  const double bytes = 2 * weights + layers * rows * (132 * seen + 656 * k);
  std::string share;
  if (ceilings_.bf16 > 0)
    share = kind == Kind::kPrefill ? shown("; %.0f TFLOP/s", operations / times.whole_ms / 1e9) + shown(" = %.0f%% of bf16", 100 * operations / times.whole_ms * 1e3 / ceilings_.bf16)
                                   : shown("; %.0f GB/s", bytes / times.whole_ms / 1e6) + shown(" = %.0f%% of reading", 100 * bytes / times.whole_ms * 1e3 / ceilings_.bytes);
  figures_.push_back({.area = "context", .name = name_of(kind) + " at " + context_name(context), .value = rows / times.whole_ms * 1000, .unit = "tokens/s",
                      .note = shown("two layers of v32_attention, sparse %.2f ms", times.whole_ms) + shown(", dense %.2f ms", times.dense_whole_ms) +
                              shown("; attention of a layer alone %.3f ms", times.alone_ms) + shown(", dense %.3f ms", times.dense_alone_ms) + share});
  return {};
}

void LongContexts::compare(Kind kind) {
  const Times &near = times_[{kind, 8 * 1024}], &far = times_[{kind, kLongest}];
  const std::string of = ", " + name_of(kind);
  figures_.push_back({"context", "attention at 128K / at 8K" + of, far.alone_ms / near.alone_ms, "times", 1.6, false, "indexer, selection and attention alone"});
  figures_.push_back({"context", "dense / sparse attention at 128K" + of, far.dense_alone_ms / far.alone_ms, "times", kind == Kind::kPrefill ? 3.0 : 8.0, true, "alone"});
  figures_.push_back({"context", "dense / sparse at 128K, end to end" + of, far.dense_whole_ms / far.whole_ms, "times", 0, true, "two layers and the head"});
}

Result<std::vector<Figure>> run() {
  if (!cuda::find_device().ok()) return std::vector<Figure>{};   // assay doctor says why
  return LongContexts().run();
}

}  // namespace

BenchArea make() { return {"context", "a model with V3.2's attention on a CUDA device, by length of context", run}; }

}  // namespace assay::bench::context
