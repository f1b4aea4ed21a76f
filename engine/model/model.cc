#include "engine/model/model.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <string>

namespace assay {
namespace {

constexpr int64_t kScoresAtOnce = int64_t{8} << 20;   // scores of as many rows at once as stay below this
constexpr int64_t kLargestReplay = 256;               // rows of a decoding step that a device may record
constexpr size_t kMostRecordings = 128;

int64_t page_count(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

// Cuts a block of memory into arrays, each aligned to 256; without a block it only counts.
class Layout {
 public:
  explicit Layout(std::byte* block = nullptr) : block_(block) {}

  template <typename T>
  T* take(int64_t count) {
    T* array = block_ ? reinterpret_cast<T*>(block_ + bytes_) : nullptr;
    bytes_ = (bytes_ + static_cast<size_t>(count) * sizeof(T) + 255) / 256 * 256;
    return array;
  }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* block_;
  size_t bytes_ = 0;
};

// What a step brings along. The host fills its copy, which goes to the device in one piece.
struct Inputs {
  int32_t* tokens = nullptr;          // [rows]
  int64_t* positions = nullptr;       // [rows]
  int64_t* lengths = nullptr;         // [rows]: position + 1
  int64_t* slots = nullptr;           // [rows]
  const int32_t** tables = nullptr;   // [rows]: into pages, on the device
  int32_t* wanted = nullptr;          // [logits_rows]: rows whose logits are asked for
  int32_t* pages = nullptr;           // page tables of the sequences, one after another

  static Inputs lay_out(const Model::StepSize& size, int64_t pages, Layout& layout) {
    return {layout.take<int32_t>(size.rows), layout.take<int64_t>(size.rows), layout.take<int64_t>(size.rows), layout.take<int64_t>(size.rows),
            layout.take<const int32_t*>(size.rows), layout.take<int32_t>(size.logits_rows), layout.take<int32_t>(pages)};
  }
};

// For traces: the device is waited for, and says at the end of the step if it failed.
template <typename T>
std::vector<std::remove_const_t<T>> fetched(Device& device, T* values, int64_t count) {
  std::vector<std::remove_const_t<T>> on_host(static_cast<size_t>(count));
  device.download(on_host.data(), values, on_host.size() * sizeof(T));
  (void)device.wait();
  return on_host;
}

int64_t layers_with_experts(const ModelConfig& config) {
  return std::count_if(config.layers.begin(), config.layers.end(), [](const LayerConfig& layer) { return layer.mlp == MlpType::kSparse; });
}

}  // namespace

struct Model::Buffers {
  Inputs in;
  float *cosines, *sines;                       // [rows, pairs]
  float *hidden, *normed, *delta;               // [rows, hidden_size]
  float *q_low, *q, *kv, *latent;               // [rows, q_lora_rank], [rows, heads, nope + rope], [rows, rank + rope], [rows, rank]
  float *q_absorbed, *attended, *values;        // [rows, heads, rank], the same, [rows, heads, v_head_dim]
  float *index_q, *index_k, *index_w;           // [rows, index heads, width], [rows, width], [rows, index heads]
  float* scores;                                // some rows, [context]
  int32_t* selected;                            // [rows, index_topk]
  int64_t* selected_counts;                     // [rows]
  uint64_t* selections;                         // [rows]
  float *gate, *up;                             // MLP activations: [rows, intermediate] or [rows, experts a token, intermediate]
  float *router_logits, *expert_weights;        // [rows, experts], [rows, experts a token]
  float* expert_out;                            // [rows * experts a token, hidden_size]
  int32_t* chosen;                              // [layers with experts, rows, experts a token]
  int32_t *forced, *expert_list, *expert_places, *expert_starts;
  float* logits;                                // [logits_rows, vocab_size]

  static Buffers lay_out(const ModelConfig& config, const StepSize& size, int64_t pages, Layout& layout);
};

Model::Buffers Model::Buffers::lay_out(const ModelConfig& config, const StepSize& size, int64_t pages, Layout& layout) {
  const int64_t rows = size.rows, heads = config.num_attention_heads, rank = config.kv_lora_rank, rope = config.qk_rope_head_dim;
  const int64_t index_heads = config.index_n_heads, k = config.num_experts_per_tok;
  const auto floats = [&](int64_t count) { return layout.take<float>(count); };
  Buffers at{};
  at.in = Inputs::lay_out(size, pages, layout);
  for (float** angles : {&at.cosines, &at.sines}) *angles = floats(rows * (rope / 2));
  for (float** wide : {&at.hidden, &at.normed, &at.delta}) *wide = floats(rows * config.hidden_size);
  at.q_low = floats(rows * config.q_lora_rank);
  at.q = floats(rows * heads * config.qk_head_dim());
  at.kv = floats(rows * (rank + rope));
  at.latent = floats(rows * rank);
  for (float** absorbed : {&at.q_absorbed, &at.attended}) *absorbed = floats(rows * heads * rank);
  at.values = floats(rows * heads * config.v_head_dim);
  at.index_q = floats(rows * index_heads * config.index_head_dim);
  at.index_k = floats(rows * config.index_head_dim);
  at.index_w = floats(rows * index_heads);
  at.scores = floats(std::min(rows * size.context, std::max(kScoresAtOnce, size.context)));
  at.selected = layout.take<int32_t>(rows * config.index_topk);
  at.selected_counts = layout.take<int64_t>(rows);
  at.selections = layout.take<uint64_t>(rows);
  for (float** inner : {&at.gate, &at.up}) *inner = floats(rows * std::max({config.intermediate_size, config.shared_intermediate_size(), k * config.moe_intermediate_size}));
  at.router_logits = floats(rows * config.n_routed_experts);
  at.expert_weights = floats(rows * k);
  at.expert_out = floats(rows * k * config.hidden_size);
  at.chosen = layout.take<int32_t>(layers_with_experts(config) * rows * k);
  for (int32_t** pairs : {&at.forced, &at.expert_list, &at.expert_places}) *pairs = layout.take<int32_t>(rows * k);
  at.expert_starts = layout.take<int32_t>(config.n_routed_experts + 1);
  at.logits = floats(size.logits_rows * config.vocab_size);
  return at;
}

struct Model::Step {
  StepSize capacity;
  int64_t page_capacity = 0;
  std::map<std::vector<int64_t>, std::shared_ptr<void>> recordings;   // of decoding steps, by what their calls depend on
  std::shared_ptr<std::byte> memory;
  Buffers at{};
  std::vector<std::byte> host;                  // the inputs' copy
  Inputs in;                                    // in it

  int64_t rows = 0, logits_rows = 0, longest = 0;   // of the calls; those of a recorded step may be more than there are
  int64_t true_rows = 0;
  bool replay = false;
  bool selects_all = false;                     // every row sees no more tokens than it may select
  int64_t expert_layer = 0;                     // layers with experts so far
  std::vector<GemmProblem> problems;
  std::vector<int32_t> chosen;                  // on their way back
  std::vector<uint64_t> selections;
};

Model::Model(const ModelConfig& config, Device& device) : config_(config), device_(device), step_(std::make_unique<Step>()) {}

Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::load(const Checkpoint& checkpoint, Device& device) {
  std::unique_ptr<Model> model(new Model(checkpoint.config(), device));
  std::vector<float> frequencies;
  for (const double frequency : checkpoint.config().rope_frequencies()) frequencies.push_back(static_cast<float>(frequency));
  ASSAY_ASSIGN(model->frequencies_, place_vector(device, std::move(frequencies)));
  ASSAY_ASSIGN(model->weights_, load_weights(checkpoint, device));
  return model;
}

Status Model::replace_weights(const Checkpoint& checkpoint) {
  if (!(checkpoint.config() == config_))
    return input_error("its config.json describes another model than the one that is running", checkpoint.directory(), "start anew with this checkpoint");
  ASSAY_ASSIGN(weights_, load_weights(checkpoint, device_));
  step_->recordings.clear();   // they have the old weights' addresses
  return {};
}

namespace {

// Rows and contexts of recorded steps: few of them, so that few steps are recorded.
int64_t padded_rows(int64_t rows) { return rows <= 8 ? static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows))) : (rows + 7) / 8 * 8; }
int64_t padded_context(int64_t longest) { return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(longest, 1)))); }

// Buffers are made for padded steps.
Model::StepSize padded(const Model::StepSize& size) { return {padded_rows(size.rows), padded_rows(size.logits_rows), padded_context(size.context)}; }

// Every sequence but those in the middle of a prefill has a row of logits.
int64_t pages_of(const Model::StepSize& size) { return std::min(size.rows, size.logits_rows + 1) * page_count(size.context); }

}  // namespace

int64_t Model::step_bytes(const ModelConfig& config, const StepSize& size) {
  Layout layout;
  Buffers::lay_out(config, padded(size), pages_of(padded(size)), layout);
  return static_cast<int64_t>(layout.bytes());
}

Status Model::reserve(const StepSize& size) { return fit(size, pages_of(padded(size))); }

// Grows the buffers to a step of this size whose page tables have so many entries.
Status Model::fit(const StepSize& size, int64_t pages) {
  Step& step = *step_;
  const StepSize &had = step.capacity, asked = padded(size);
  const StepSize needed{std::max(asked.rows, had.rows), std::max(asked.logits_rows, had.logits_rows), std::max(asked.context, had.context)};
  if (needed == had && pages <= step.page_capacity) return {};
  pages = std::max({pages, pages_of(needed), step.page_capacity});
  Layout counted, inputs;
  Buffers::lay_out(config_, needed, pages, counted);
  Inputs::lay_out(needed, pages, inputs);
  step.memory = nullptr;   // the old ones are given back first
  step.capacity = {};
  step.recordings.clear();
  ASSAY_ASSIGN(step.memory, device_.allocate(counted.bytes()));
  Layout on_device(step.memory.get());
  step.at = Buffers::lay_out(config_, needed, pages, on_device);
  step.host.assign(inputs.bytes(), std::byte{});
  Layout on_host(step.host.data());
  step.in = Inputs::lay_out(needed, pages, on_host);
  step.capacity = needed;
  step.page_capacity = pages;
  return {};
}

namespace {

Error forced_error(int64_t layer, int64_t row, const std::string& what) {
  return input_error("forced choices of layer " + std::to_string(layer) + ", row " + std::to_string(row) + ": " + what, "forward");
}

Status check_forced_row(const ModelConfig& config, const ForcedLayer& forced, int64_t layer, int64_t row, int64_t length) {
  const size_t r = static_cast<size_t>(row);
  if (r < forced.selected.size()) {
    int64_t last = -1;
    for (const int32_t token : forced.selected[r]) {
      if (token <= last || token >= length) return forced_error(layer, row, "tokens must ascend and lie below " + std::to_string(length));
      last = token;
    }
    if (static_cast<int64_t>(forced.selected[r].size()) > config.index_topk) return forced_error(layer, row, "more tokens than index_topk");
  }
  if (r < forced.experts.size() && !forced.experts[r].empty()) {
    std::vector<int32_t> sorted = forced.experts[r];
    std::sort(sorted.begin(), sorted.end());
    const bool distinct = std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
    if (static_cast<int64_t>(sorted.size()) != config.num_experts_per_tok || !distinct || sorted.front() < 0 || sorted.back() >= config.n_routed_experts)
      return forced_error(layer, row, "must be " + std::to_string(config.num_experts_per_tok) + " different experts");
  }
  return {};
}

}  // namespace

Status Model::check(std::span<const Chunk> chunks, const ForwardOptions& options) const {
  int64_t row = 0;
  for (const Chunk& chunk : chunks) {
    const int64_t end = chunk.sequence->length + static_cast<int64_t>(chunk.tokens.size());
    ASSAY_ASSERT(static_cast<int64_t>(chunk.sequence->pages.size()) * kPageTokens >= end);
    if (end > config_.max_position_embeddings)
      return input_error("the context would be " + std::to_string(end) + " tokens long, and this model has positions for " +
                         std::to_string(config_.max_position_embeddings), "forward", "shorten the conversation, or use a context strategy");
    for (size_t i = 0; i < chunk.tokens.size(); ++i, ++row) {
      if (chunk.tokens[i] < 0 || chunk.tokens[i] >= config_.vocab_size)
        return input_error("token " + std::to_string(chunk.tokens[i]) + " is outside the vocabulary of " + std::to_string(config_.vocab_size), "forward",
                           "does the tokenizer belong to this checkpoint?");
      if (!options.forced) continue;
      for (size_t layer = 0; layer < options.forced->layers.size(); ++layer)
        ASSAY_TRY(check_forced_row(config_, options.forced->layers[layer], static_cast<int64_t>(layer), row, chunk.sequence->length + static_cast<int64_t>(i) + 1));
    }
  }
  return {};
}

namespace {

int64_t logits_rows_of(const Chunk& chunk) {
  const int64_t tokens = static_cast<int64_t>(chunk.tokens.size());
  return chunk.logits == LogitsOf::kAllRows ? tokens : chunk.logits == LogitsOf::kLastRow ? std::min<int64_t>(tokens, 1) : 0;
}

}  // namespace

Result<std::vector<float>> Model::forward(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options) {
  ASSAY_TRY(compute(chunks, cache, options));
  int64_t rows = 0;
  for (const Chunk& chunk : chunks) rows += logits_rows_of(chunk);
  std::vector<float> logits(static_cast<size_t>(rows * config_.vocab_size));
  device_.download(logits.data(), step_->at.logits, logits.size() * sizeof(float));
  ASSAY_TRY(device_.wait());
  if (options.choices) take_choices(*options.choices);
  if (!std::all_of(logits.begin(), logits.end(), [](float value) { return std::isfinite(value); }))
    return make_error(Boundary::kPolicy, "the model's logits are not finite", "forward", "assay model check DIR --values looks for NaN among the weights");
  return logits;
}

Result<std::vector<Sampled>> Model::sample(std::span<const Chunk> chunks, std::span<const Draw> draws, KvCache& cache, const ForwardOptions& options) {
  ASSAY_TRY(compute(chunks, cache, options));
  ASSAY_ASSIGN(std::vector<Sampled> sampled, device_.sample(step_->at.logits, config_.vocab_size, draws));
  if (options.choices) take_choices(*options.choices);
  return sampled;
}

Status Model::compute(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options) {
  ASSAY_TRY(check(chunks, options));
  ASSAY_TRY(prepare(chunks, options));
  Step& step = *step_;
  if (step.rows == 0) return {};
  if (options.trace) options.trace->layers.assign(static_cast<size_t>(config_.num_hidden_layers()), {});
  if (step.replay) {
    if (step.recordings.size() >= kMostRecordings) step.recordings.clear();
    const std::vector<int64_t> key = {reinterpret_cast<int64_t>(cache.latents(0)), static_cast<int64_t>(cache.bytes()), static_cast<int64_t>(cache.latent_layout().format),
                                      step.rows, step.logits_rows, step.longest, static_cast<int64_t>(options.attention), options.choices != nullptr};
    device_.repeat(step.recordings[key], [&] { run(cache, options); });
  } else {
    run(cache, options);
  }
  if (options.choices) ask_choices();
  for (const Chunk& chunk : chunks) chunk.sequence->length += static_cast<int64_t>(chunk.tokens.size());
  return {};
}

// Rows, and the inputs of them on their way to the device.
Status Model::prepare(std::span<const Chunk> chunks, const ForwardOptions& options) {
  Step& step = *step_;
  int64_t rows = 0, logits_rows = 0, longest = 0, pages = 0;
  bool decoding = true;
  for (const Chunk& chunk : chunks) {
    const int64_t tokens = static_cast<int64_t>(chunk.tokens.size()), end = chunk.sequence->length + tokens;
    decoding = decoding && tokens == 1;
    rows += tokens;
    logits_rows += logits_rows_of(chunk);
    longest = std::max(longest, end);
    pages += page_count(end);
  }
  step.true_rows = rows;
  step.replay = device_.records() && decoding && rows > 0 && rows <= kLargestReplay && !options.trace && !options.forced;
  step.rows = step.replay ? padded_rows(rows) : rows;
  step.logits_rows = step.replay && logits_rows == rows ? step.rows : logits_rows;
  // Where all rows may select all they see, the same is true of what is recorded.
  step.longest = !step.replay ? longest : longest <= config_.index_topk ? config_.index_topk : padded_context(longest);
  ASSAY_TRY(fit({step.rows, step.logits_rows, step.longest}, pages));

  const Inputs& in = step.in;
  int64_t row = 0, page = 0, wanted = 0;
  for (const Chunk& chunk : chunks) {
    const int64_t tokens = static_cast<int64_t>(chunk.tokens.size()), end = chunk.sequence->length + tokens;
    if (chunk.logits == LogitsOf::kLastRow && tokens > 0) in.wanted[wanted++] = static_cast<int32_t>(row + tokens - 1);
    for (int64_t position = chunk.sequence->length; position < end; ++position, ++row) {
      if (chunk.logits == LogitsOf::kAllRows) in.wanted[wanted++] = static_cast<int32_t>(row);
      in.tokens[row] = chunk.tokens[static_cast<size_t>(position - chunk.sequence->length)];
      in.positions[row] = position;
      in.lengths[row] = position + 1;
      in.slots[row] = KvCache::slot(*chunk.sequence, position);
      in.tables[row] = step.at.in.pages + page;
    }
    std::copy_n(chunk.sequence->pages.begin(), page_count(end), in.pages + page);
    page += page_count(end);
  }
  // Rows that only fill up see nothing and leave nothing.
  for (; row < step.rows; ++row) in.tokens[row] = 0, in.positions[row] = 0, in.lengths[row] = 0, in.slots[row] = -1, in.tables[row] = step.at.in.pages;
  for (; wanted < step.logits_rows; ++wanted) in.wanted[wanted] = 0;
  const std::byte* used = reinterpret_cast<const std::byte*>(in.pages + page);
  device_.upload(step.memory.get(), step.host.data(), static_cast<size_t>(used - step.host.data()));
  return {};
}

void Model::run(KvCache& cache, const ForwardOptions& options) {
  Step& step = *step_;
  const Buffers& at = step.at;
  const int64_t width = config_.hidden_size;
  step.expert_layer = 0;
  step.selects_all = false;
  device_.rope_angles({step.rows, frequencies_.size, at.in.positions, frequencies_.data(), static_cast<float>(config_.rope.attention_factor), at.cosines, at.sines});
  device_.gather({step.rows, width, weights_.embedding.data(), at.in.tokens, at.hidden});
  if (options.choices) device_.clear(at.selections, static_cast<size_t>(step.rows) * sizeof(uint64_t));
  for (int64_t layer = 0; layer < config_.num_hidden_layers(); ++layer) {
    attend(layer, cache, options);
    feed_forward(layer, options);
    if (options.trace) options.trace->layers[static_cast<size_t>(layer)].hidden = fetched(device_, at.hidden, step.rows * width);
  }
  if (step.logits_rows > 0) head();
}

void Model::attend(int64_t layer, KvCache& cache, const ForwardOptions& options) {
  Step& step = *step_;
  const Buffers& at = step.at;
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  const int64_t rows = step.rows, width = config_.hidden_size, heads = config_.num_attention_heads, rank = config_.kv_lora_rank;
  const int64_t head_width = config_.qk_head_dim(), value_width = config_.v_head_dim;
  device_.rms_norm({rows, width, static_cast<float>(config_.rms_norm_eps), at.hidden, width, weights.input_norm.data(), nullptr, at.normed, width});
  project(weights, layer, cache);
  if (weights.has_indexer) index(weights, layer, cache, options);
  select(layer, cache, options);

  SparseAttentionParams params{cache.latent_layout(), {cache.latents(layer), at.in.tables, at.in.lengths}, rows, heads};
  params.q_latent = at.q_absorbed;
  params.q_rope = at.q + config_.qk_nope_head_dim;
  params.q_rope_row_stride = heads * head_width;
  params.q_rope_head_stride = head_width;
  params.scale = static_cast<float>(config_.softmax_scale());
  params.index_stride = step.longest;
  if (!step.selects_all) params.indices = at.selected, params.index_stride = config_.index_topk, params.counts = at.selected_counts;
  params.out = at.attended;
  device_.sparse_attention(params);

  step.problems.clear();
  for (int64_t head = 0; head < heads; ++head)
    step.problems.push_back({&weights.uv[static_cast<size_t>(head)], at.attended + head * rank, heads * rank, nullptr, at.values + head * value_width,
                             heads * value_width, rows, nullptr});
  device_.gemm(step.problems);
  const GemmProblem out{&weights.o, at.values, heads * value_width, nullptr, at.delta, width, rows, weights.o_bias.data()};
  device_.gemm({&out, 1});
  device_.add({rows, width, at.delta, width, at.hidden, width});
}

// Queries in the latent space, and this step's latents and rotary keys into the cache.
void Model::project(const LayerWeights& weights, int64_t layer, KvCache& cache) {
  Step& step = *step_;
  const Buffers& at = step.at;
  const int64_t rows = step.rows, width = config_.hidden_size, heads = config_.num_attention_heads;
  const int64_t rank = config_.kv_lora_rank, rope = config_.qk_rope_head_dim, nope = config_.qk_nope_head_dim, low = config_.q_lora_rank;
  const float epsilon = static_cast<float>(config_.latent_norm_eps);
  const std::array<GemmProblem, 2> down = {{{&weights.q_a, at.normed, width, nullptr, at.q_low, low, rows, weights.q_a_bias.data()},
                                            {&weights.kv_a, at.normed, width, nullptr, at.kv, rank + rope, rows, weights.kv_a_bias.data()}}};
  device_.gemm(down);
  device_.rms_norm({rows, low, epsilon, at.q_low, low, weights.q_a_norm.data(), nullptr, at.q_low, low});
  const GemmProblem up{&weights.q_b, at.q_low, low, nullptr, at.q, heads * (nope + rope), rows, nullptr};
  device_.gemm({&up, 1});

  device_.rms_norm({rows, rank, epsilon, at.kv, rank + rope, weights.kv_a_norm.data(), nullptr, at.latent, rank});
  device_.rope({rows, heads, rope, at.q + nope, heads * (nope + rope), nope + rope, at.cosines, at.sines, config_.mla_rope_layout});
  device_.rope({rows, 1, rope, at.kv + rank, rank + rope, 0, at.cosines, at.sines, config_.mla_rope_layout});
  device_.latent_append({cache.latent_layout(), rows, at.latent, rank, at.kv + rank, rank + rope, cache.latents(layer), at.in.slots});

  step.problems.clear();
  for (int64_t head = 0; head < heads; ++head)
    step.problems.push_back({&weights.uk[static_cast<size_t>(head)], at.q + head * (nope + rope), heads * (nope + rope), nullptr, at.q_absorbed + head * rank,
                             heads * rank, rows, nullptr});
  device_.gemm(step.problems);
}

// The indexer's keys into its cache; its queries and weights ready for select().
void Model::index(const LayerWeights& weights, int64_t layer, KvCache& cache, const ForwardOptions& options) {
  Step& step = *step_;
  const Buffers& at = step.at;
  const IndexerWeights& indexer = weights.indexer;
  const int64_t rows = step.rows, width = config_.hidden_size, heads = config_.index_n_heads, head_width = config_.index_head_dim;
  const int64_t rope = config_.qk_rope_head_dim;
  const GemmProblem key{&indexer.wk, at.normed, width, nullptr, at.index_k, head_width, rows, nullptr};
  device_.gemm({&key, 1});
  device_.layer_norm({rows, head_width, static_cast<float>(config_.index_norm_eps), at.index_k, head_width, indexer.k_norm.data(), indexer.k_norm_bias.data(), at.index_k, head_width});
  device_.rope({rows, 1, rope, at.index_k, head_width, 0, at.cosines, at.sines, config_.indexer_rope_layout});
  // The rotation spreads outliers before FP8; being orthonormal it changes no product.
  const bool rotate = cache.index_layout().format == CacheFormat::kE4m3 && std::has_single_bit(static_cast<uint64_t>(head_width));
  if (rotate) device_.hadamard({rows, head_width, at.index_k});
  device_.index_append({cache.index_layout(), rows, at.index_k, cache.index_keys(layer), at.in.slots});

  // Where every row may select all it sees there is nothing to choose; who wants to see or to force the choice gets one anyway.
  const bool sees_all = step.longest <= config_.index_topk && !options.trace && !options.forced;
  step.selects_all = options.attention == Attention::kDense || sees_all;
  if (step.selects_all) return;
  const std::array<GemmProblem, 2> query = {{{&indexer.wq_b, at.q_low, config_.q_lora_rank, nullptr, at.index_q, heads * head_width, rows, nullptr},
                                             {&indexer.weights_proj, at.normed, width, nullptr, at.index_w, heads, rows, nullptr}}};
  device_.gemm(query);
  device_.rope({rows, heads, rope, at.index_q, heads * head_width, head_width, at.cosines, at.sines, config_.indexer_rope_layout});
  if (rotate) device_.hadamard({rows * heads, head_width, at.index_q});
  device_.scale({rows * heads, at.index_w, 1.0f / std::sqrt(static_cast<float>(heads * head_width))});
}

// The tokens each row attends to: chosen by this layer's indexer, taken over from the last one, or forced.
void Model::select(int64_t layer, KvCache& cache, const ForwardOptions& options) {
  Step& step = *step_;
  const Buffers& at = step.at;
  if (step.selects_all) return;
  const bool own = weights_.layers[static_cast<size_t>(layer)].has_indexer;
  if (own) choose(layer, cache, options.trace);
  const ForcedLayer* forced = options.forced && static_cast<size_t>(layer) < options.forced->layers.size() ? &options.forced->layers[static_cast<size_t>(layer)] : nullptr;
  const bool forces = forced && !forced->selected.empty();
  if (options.trace || forces) {
    const int64_t k = config_.index_topk;
    std::vector<int32_t> selected = fetched(device_, at.selected, step.rows * k);
    std::vector<int64_t> counts = fetched(device_, at.selected_counts, step.rows);
    for (int64_t row = 0; options.trace && row < step.rows; ++row)
      options.trace->layers[static_cast<size_t>(layer)].selected.emplace_back(selected.begin() + row * k, selected.begin() + row * k + counts[static_cast<size_t>(row)]);
    for (size_t row = 0; forces && row < std::min(counts.size(), forced->selected.size()); ++row) {
      const std::vector<int32_t>& tokens = forced->selected[row];
      if (tokens.empty()) continue;
      std::copy(tokens.begin(), tokens.end(), selected.begin() + static_cast<int64_t>(row) * k);
      counts[row] = static_cast<int64_t>(tokens.size());
    }
    device_.upload(at.selected, selected.data(), selected.size() * sizeof(int32_t));
    device_.upload(at.selected_counts, counts.data(), counts.size() * sizeof(int64_t));
  }
  if (own && options.choices) device_.note_selection({step.rows, config_.index_topk, at.selected, at.selected_counts, at.in.lengths, at.selections});
}

void Model::choose(int64_t layer, KvCache& cache, Trace* trace) {
  Step& step = *step_;
  const Buffers& at = step.at;
  const int64_t rows = step.rows, k = config_.index_topk, heads = config_.index_n_heads, stride = step.longest;
  const int64_t at_once = std::clamp<int64_t>(kScoresAtOnce / stride, 1, rows);
  for (int64_t first = 0; first < rows; first += at_once) {
    const int64_t count = std::min(at_once, rows - first);
    device_.indexer_logits({cache.index_layout(), {cache.index_keys(layer), at.in.tables + first, at.in.lengths + first}, count, heads,
                            at.index_q + first * heads * config_.index_head_dim, at.index_w + first * heads, heads, at.scores, stride});
    device_.top_k({count, k, at.scores, stride, at.in.lengths + first, at.selected + first * k, at.selected_counts + first});
    if (!trace) continue;
    const std::vector<float> scores = fetched(device_, at.scores, count * stride);
    for (int64_t row = 0; row < count; ++row)
      trace->layers[static_cast<size_t>(layer)].index_scores.emplace_back(scores.begin() + row * stride, scores.begin() + row * stride + step.in.lengths[first + row]);
  }
}

void Model::feed_forward(int64_t layer, const ForwardOptions& options) {
  const Step& step = *step_;
  const Buffers& at = step.at;
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  const int64_t rows = step.rows, width = config_.hidden_size;
  device_.rms_norm({rows, width, static_cast<float>(config_.rms_norm_eps), at.hidden, width, weights.post_attention_norm.data(), nullptr, at.normed, width});
  if (weights.mlp.gate.rows > 0) run_mlp(weights.mlp, at.normed, at.delta);
  else device_.clear(at.delta, static_cast<size_t>(rows * width) * sizeof(float));
  if (weights.is_moe) {
    route(weights, layer, options);
    run_experts(weights);
    device_.combine({rows, width, config_.num_experts_per_tok, at.expert_out, at.expert_places, at.expert_weights, at.delta, width});
  }
  device_.add({rows, width, at.delta, width, at.hidden, width});
}

void Model::run_mlp(const MlpWeights& weights, const float* x, float* y) {
  const Buffers& at = step_->at;
  const int64_t rows = step_->rows, width = config_.hidden_size, inner = weights.gate.rows;
  const std::array<GemmProblem, 2> in = {{{&weights.gate, x, width, nullptr, at.gate, inner, rows, nullptr}, {&weights.up, x, width, nullptr, at.up, inner, rows, nullptr}}};
  device_.gemm(in);
  device_.silu_mul({rows, inner, at.gate, at.up, inner, at.gate, inner});
  const GemmProblem out{&weights.down, at.gate, inner, nullptr, y, width, rows, nullptr};
  device_.gemm({&out, 1});
}

// Experts of each row, and the rows of each expert.
void Model::route(const LayerWeights& weights, int64_t layer, const ForwardOptions& options) {
  Step& step = *step_;
  const Buffers& at = step.at;
  const int64_t rows = step.rows, experts = config_.n_routed_experts, k = config_.num_experts_per_tok;
  const GemmProblem router{&weights.moe.router, at.normed, config_.hidden_size, nullptr, at.router_logits, experts, rows, nullptr};
  device_.gemm({&router, 1});
  int32_t* chosen = at.chosen + step.expert_layer++ * rows * k;
  GateParams gate{rows, experts, config_.n_group, config_.topk_group, k, config_.norm_topk_prob ? NormalizeWeights::kYes : NormalizeWeights::kNo,
                  static_cast<float>(config_.routed_scaling_factor), at.router_logits, weights.moe.correction_bias.data(), chosen, at.expert_weights};
  if (options.trace) trace_route(weights, gate, options.trace->layers[static_cast<size_t>(layer)]);
  if (options.forced && static_cast<size_t>(layer) < options.forced->layers.size()) {
    std::vector<int32_t> forced(static_cast<size_t>(rows * k), -1);
    const std::vector<std::vector<int32_t>>& given = options.forced->layers[static_cast<size_t>(layer)].experts;
    for (size_t row = 0; row < std::min(static_cast<size_t>(rows), given.size()); ++row) {
      const auto to = forced.begin() + static_cast<int64_t>(row) * k;
      std::sort(to, std::copy(given[row].begin(), given[row].end(), to));
    }
    device_.upload(at.forced, forced.data(), forced.size() * sizeof(int32_t));
    gate.forced = at.forced;
  }
  device_.gate(gate);
  device_.group_by_expert({rows, experts, k, chosen, at.expert_starts, at.expert_list, at.expert_places});
}

// What the layer would choose if nothing were forced on it.
void Model::trace_route(const LayerWeights& weights, const GateParams& gate, LayerTrace& trace) {
  device_.gate(gate);
  const std::vector<int32_t> chosen = fetched(device_, gate.chosen, gate.rows * gate.k);
  const std::vector<float> logits = fetched(device_, gate.logits, gate.rows * gate.experts), bias = fetched(device_, weights.moe.correction_bias.data(), gate.experts);
  for (int64_t row = 0; row < gate.rows; ++row) {
    trace.experts.emplace_back(chosen.begin() + row * gate.k, chosen.begin() + (row + 1) * gate.k);
    std::vector<float>& scores = trace.choice_scores.emplace_back();
    for (int64_t e = 0; e < gate.experts; ++e)
      scores.push_back(1.0f / (1.0f + std::exp(-logits[static_cast<size_t>(row * gate.experts + e)])) + bias[static_cast<size_t>(e)]);
  }
}

void Model::run_experts(const LayerWeights& weights) {
  Step& step = *step_;
  const Buffers& at = step.at;
  const int64_t pairs = step.rows * config_.num_experts_per_tok, width = config_.hidden_size, inner = config_.moe_intermediate_size;
  const std::vector<MlpWeights>& experts = weights.moe.experts;
  step.problems.clear();
  for (size_t e = 0; e < experts.size(); ++e)
    for (const auto& [weight, y] : {std::pair{&experts[e].gate, at.gate}, std::pair{&experts[e].up, at.up}})
      step.problems.push_back({weight, at.normed, width, at.expert_list, y, inner, pairs, nullptr, at.expert_starts + e});
  device_.gemm(step.problems);
  device_.silu_mul({pairs, inner, at.gate, at.up, inner, at.gate, inner});
  step.problems.clear();
  for (size_t e = 0; e < experts.size(); ++e)
    step.problems.push_back({&experts[e].down, at.gate, inner, nullptr, at.expert_out, width, pairs, nullptr, at.expert_starts + e});
  device_.gemm(step.problems);
}

void Model::head() {
  const Buffers& at = step_->at;
  const int64_t rows = step_->logits_rows, width = config_.hidden_size;
  // Not more rows than the step has: gathered, they fit where its normed ones were.
  device_.gather({rows, width, at.hidden, at.in.wanted, at.normed});
  device_.rms_norm({rows, width, static_cast<float>(config_.rms_norm_eps), at.normed, width, weights_.norm.data(), nullptr, at.normed, width});
  const GemmProblem problem{&weights_.lm_head, at.normed, width, nullptr, at.logits, config_.vocab_size, rows, nullptr};
  device_.gemm({&problem, 1});
}

void Model::ask_choices() {
  Step& step = *step_;
  step.chosen.resize(static_cast<size_t>(layers_with_experts(config_) * step.rows * config_.num_experts_per_tok));
  step.selections.resize(static_cast<size_t>(step.true_rows));
  device_.download(step.chosen.data(), step.at.chosen, step.chosen.size() * sizeof(int32_t));
  device_.download(step.selections.data(), step.at.selections, step.selections.size() * sizeof(uint64_t));
}

void Model::take_choices(Choices& choices) const {
  const Step& step = *step_;
  const int64_t k = config_.num_experts_per_tok, layers = layers_with_experts(config_);
  choices.selections = step.selections;
  choices.experts.resize(static_cast<size_t>(step.true_rows * layers * k));
  for (int64_t row = 0; row < step.true_rows; ++row)
    for (int64_t layer = 0; layer < layers; ++layer)
      for (int64_t j = 0; j < k; ++j)
        choices.experts[static_cast<size_t>((row * layers + layer) * k + j)] = static_cast<uint16_t>(step.chosen[static_cast<size_t>((layer * step.rows + row) * k + j)]);
}

}  // namespace assay
