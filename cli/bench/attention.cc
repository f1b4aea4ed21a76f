// The kernels over the caches, at DeepSeek-V3.2's dimensions and at those of the 20m preset: contexts of 4K and 32K tokens, a
// decoding step of eight sequences and prefill.
#include <algorithm>
#include <numeric>
#include <thread>

#include "cli/bench.h"
#include "cli/kernel_timer.h"
#include "engine/checkpoint/synthetic.h"
#include "envs/base/rng.h"

namespace assay::bench::attention {
namespace {

struct Dimensions {
  std::string name;
  int64_t heads = 0, rank = 0, rope = 0, index_heads = 0, index_width = 0, k = 0;
};

std::vector<float> random_values(int64_t count, uint64_t stream) {
  Rng rng(1, "bench/attention", stream);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(2 * rng.unit() - 1);
  return values;
}

enum class Step { kDecode, kPrefill };

// Rows of a step behind `context` tokens: eight sequences of a row each, or one sequence's last 64 rows.
struct Batch {
  Step step = Step::kDecode;
  int64_t context = 0, rows = 0, sequences = 0;
  std::vector<std::vector<int32_t>> tables;   // of each sequence
  std::vector<const int32_t*> row_tables;
  std::vector<int64_t> lengths, slots;        // slots: of all tokens, sequence after sequence

  int64_t pages() const { return sequences * (context / kPageTokens); }
  std::string text() const { return std::to_string(context / 1024) + "K, " + (step == Step::kDecode ? "decoding 8" : "prefill of 64"); }
};

Batch make_batch(Step step, int64_t context) {
  Batch batch{step, context, step == Step::kDecode ? 8 : 64, step == Step::kDecode ? 8 : 1, {}, {}, {}, {}};
  for (int64_t s = 0; s < batch.sequences; ++s) {
    std::vector<int32_t>& table = batch.tables.emplace_back(static_cast<size_t>(context / kPageTokens));
    for (size_t page = 0; page < table.size(); ++page) table[page] = static_cast<int32_t>(page * static_cast<size_t>(batch.sequences)) + static_cast<int32_t>(s);
    for (int64_t t = 0; t < context; ++t) batch.slots.push_back(table[static_cast<size_t>(t / kPageTokens)] * kPageTokens + t % kPageTokens);
  }
  for (int64_t r = 0; r < batch.rows; ++r) {
    batch.row_tables.push_back(batch.tables[static_cast<size_t>(step == Step::kDecode ? r : 0)].data());
    batch.lengths.push_back(step == Step::kDecode ? context : context - batch.rows + r + 1);
  }
  return batch;
}

// Ascending positions without a pattern.
std::vector<int32_t> random_selection(const Batch& batch, int64_t k) {
  std::vector<int32_t> all;
  for (int64_t r = 0; r < batch.rows; ++r) {
    Rng rng(2, "bench/attention/selection", static_cast<uint64_t>(r));
    std::vector<int32_t> positions(static_cast<size_t>(batch.lengths[static_cast<size_t>(r)]));
    std::iota(positions.begin(), positions.end(), 0);
    rng.shuffle(positions);
    positions.resize(static_cast<size_t>(k));
    std::sort(positions.begin(), positions.end());
    all.insert(all.end(), positions.begin(), positions.end());
  }
  return all;
}

void time_indexer(KernelTimer& timer, const Dimensions& size, const Batch& batch, std::vector<Figure>& figures) {
  const IndexLayout layout{CacheFormat::kE4m3, size.index_width};
  std::vector<std::byte> pages(static_cast<size_t>(batch.pages()) * layout.page_bytes());
  const int64_t tokens = batch.sequences * batch.context;
  const std::vector<float> keys = random_values(tokens * size.index_width, 1);
  const IndexAppendParams append{layout, tokens, keys.data(), pages.data(), batch.slots.data()};
  timer.kernels().index_append(append, timer.workers());
  const std::vector<float> q = random_values(batch.rows * size.index_heads * size.index_width, 2), w = random_values(batch.rows * size.index_heads, 3);
  std::vector<float> logits(static_cast<size_t>(batch.rows * batch.context));
  const IndexerLogitsParams params{layout, {pages.data(), batch.row_tables.data(), batch.lengths.data()}, batch.rows, size.index_heads, q.data(), w.data(), size.index_heads,
                                   logits.data(), batch.context};
  const double pairs = static_cast<double>(batch.rows * batch.context);
  figures.push_back(timer.time(size.name + " indexer_logits " + batch.text(), {pairs * static_cast<double>(size.index_heads * (size.index_width + 1)), static_cast<double>(pages.size()) + 4 * pairs},
                               [&] { timer.kernels().indexer_logits(params, timer.workers()); }));
  std::vector<int32_t> indices(static_cast<size_t>(batch.rows * size.k));
  std::vector<int64_t> counts(static_cast<size_t>(batch.rows));
  const TopKParams top{batch.rows, size.k, logits.data(), batch.context, batch.lengths.data(), indices.data(), counts.data()};
  figures.push_back(timer.time(size.name + " top_k " + batch.text(), {0, 4 * pairs}, [&] { timer.kernels().top_k(top, timer.workers()); }));
}

void time_attention(KernelTimer& timer, const Dimensions& size, CacheFormat format, const Batch& batch, std::vector<Figure>& figures) {
  const LatentLayout layout{format, size.rank, size.rope};
  std::vector<std::byte> pages(static_cast<size_t>(batch.pages()) * layout.page_bytes());
  const int64_t tokens = batch.sequences * batch.context, width = size.rank + size.rope;
  const std::vector<float> latents = random_values(tokens * width, 4);
  const LatentAppendParams append{layout, tokens, latents.data(), width, latents.data() + size.rank, width, pages.data(), batch.slots.data()};
  const std::string of = size.name + (format == CacheFormat::kE4m3 ? " e4m3 " : " f32 ");
  const Figure appended = timer.time(of + "latent_append " + batch.text(), {0, static_cast<double>(latents.size() * 4 + pages.size())}, [&] { timer.kernels().latent_append(append, timer.workers()); });
  if (batch.step == Step::kPrefill) figures.push_back(appended);
  const std::vector<float> q = random_values(batch.rows * size.heads * width, 5);
  const std::vector<int32_t> indices = random_selection(batch, size.k);
  const std::vector<int64_t> counts(static_cast<size_t>(batch.rows), size.k);
  std::vector<float> out(static_cast<size_t>(batch.rows * size.heads * size.rank));
  SparseAttentionParams params{layout, {pages.data(), batch.row_tables.data(), batch.lengths.data()}, batch.rows, size.heads};
  params.q_latent = q.data();
  params.q_rope = q.data() + batch.rows * size.heads * size.rank;
  params.q_rope_row_stride = size.heads * size.rope, params.q_rope_head_stride = size.rope;
  params.scale = 0.1f;
  params.indices = indices.data(), params.index_stride = size.k, params.counts = counts.data();
  params.out = out.data();
  const double chosen = static_cast<double>(batch.rows * size.k);
  figures.push_back(timer.time(of + "sparse_attention " + batch.text(), {chosen * static_cast<double>(size.heads * (width + size.rank)), chosen * static_cast<double>(layout.token_bytes())},
                               [&] { timer.kernels().sparse_attention(params, timer.workers()); }));
}

Result<std::vector<Figure>> run() {
  ASSAY_ASSIGN(const ModelConfig config, preset_config("20m"));
  const Dimensions small{"20m", config.num_attention_heads, config.kv_lora_rank, config.qk_rope_head_dim, config.index_n_heads, config.index_head_dim, config.index_topk};
  const Dimensions large{"V3.2", 64, 512, 64, 64, 128, 2048};
  Workers workers(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  KernelTimer timer("attention", cpu_kernels().back(), workers);
  std::vector<Figure> figures;
  for (const Dimensions& size : {small, large})
    for (Step step : {Step::kDecode, Step::kPrefill})
      for (int64_t context : {4 * 1024, 32 * 1024}) {
        const Batch batch = make_batch(step, context);
        time_indexer(timer, size, batch, figures);
        time_attention(timer, size, CacheFormat::kE4m3, batch, figures);
        if (context == 4 * 1024) time_attention(timer, size, CacheFormat::kF32, batch, figures);
      }
  std::vector<Figure> all = timer.ceilings();
  all.insert(all.end(), figures.begin(), figures.end());
  return all;
}

}  // namespace

BenchArea make() { return {"attention", "indexer, top-k and sparse attention over paged caches, as shares of the machine's ceilings", run}; }

}  // namespace assay::bench::attention
