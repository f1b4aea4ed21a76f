#include "engine/model/model.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <string>

namespace assay {
namespace {

constexpr size_t kScoreBudgetBytes = size_t{32} << 20;   // scores of as many rows at once as fit in this

template <typename T>
T* grown(std::vector<T>& buffer, int64_t size) {
  if (static_cast<int64_t>(buffer.size()) < size) buffer.resize(static_cast<size_t>(size));
  return buffer.data();
}

const float* bias_of(const Vector& bias) { return bias.empty() ? nullptr : bias.data(); }

}  // namespace

// Every row of the batch, its buffers, and the selection that layers without an indexer take over from the last one with.
struct Model::Step {
  int64_t rows = 0, longest = 0;
  std::vector<int64_t> positions, lengths, slots;   // [rows]
  std::vector<const int32_t*> tables;               // [rows]
  std::vector<float> cosines, sines;                // [rows, pairs]
  std::vector<float> hidden, normed, delta;         // [rows, hidden_size]
  std::vector<float> q_latent_low, q, kv, latent;   // [rows, q_lora_rank], [rows, heads, nope + rope], [rows, rank + rope], [rows, rank]
  std::vector<float> q_absorbed, attended, values;  // [rows, heads, rank], the same, [rows, heads, v_head_dim]
  std::vector<float> index_q, index_k, index_w, scores;
  std::vector<int32_t> selected;                    // [rows, index_topk]
  std::vector<int64_t> selected_counts;             // [rows]
  bool selects_all = false;                         // every row sees no more tokens than it may select
  std::vector<float> gate, up;                      // MLP activations
  std::vector<float> router_logits, expert_weights, expert_out;
  std::vector<int32_t> chosen, expert_rows, expert_source;
  int64_t expert_layer = 0, expert_layers = 0;      // how many layers of experts were seen, and how many there are
  std::vector<int64_t> expert_starts;
  std::vector<GemmProblem> problems;
};

Model::Model(const ModelConfig& config, const Kernels& kernels, Workers& workers)
    : config_(config), kernels_(kernels), workers_(workers), rope_(config), step_(std::make_unique<Step>()) {}

Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::load(const Checkpoint& checkpoint, const Kernels& kernels, Workers& workers) {
  std::unique_ptr<Model> model(new Model(checkpoint.config(), kernels, workers));
  ASSAY_ASSIGN(model->weights_, load_weights(checkpoint, workers));
  return model;
}

Status Model::replace_weights(const Checkpoint& checkpoint) {
  if (!(checkpoint.config() == config_))
    return input_error("its config.json describes another model than the one that is running", checkpoint.directory(), "start anew with this checkpoint");
  ASSAY_ASSIGN(weights_, load_weights(checkpoint, workers_));
  return {};
}

int64_t Model::step_bytes(const ModelConfig& config, const StepSize& size) {
  const int64_t heads = config.num_attention_heads, rank = config.kv_lora_rank, rope = config.qk_rope_head_dim;
  const int64_t index_heads = config.index_n_heads, k = config.num_experts_per_tok;
  const int64_t activations = 2 * std::max({config.intermediate_size, config.shared_intermediate_size(), k * config.moe_intermediate_size});
  const int64_t attention = config.q_lora_rank + heads * config.qk_head_dim() + 2 * rank + rope + heads * (2 * rank + config.v_head_dim);
  const int64_t indexer = (index_heads + 1) * config.index_head_dim + index_heads + config.index_topk;
  const int64_t router = config.n_routed_experts + k * (config.hidden_size + 4);
  const int64_t row_values = 3 * config.hidden_size + 2 * rope + attention + indexer + activations + router;
  const int64_t scores = std::max<int64_t>(kScoreBudgetBytes, size.context * static_cast<int64_t>(sizeof(float)));
  return (size.rows * row_values + size.logits_rows * config.vocab_size) * static_cast<int64_t>(sizeof(float)) + scores;
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

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace

Result<std::vector<float>> Model::forward(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options) {
  ASSAY_ASSIGN(std::vector<float> logits, compute(chunks, cache, options));
  if (!all_finite(logits))
    return make_error(Boundary::kPolicy, "the model's logits are not finite", "forward", "assay model check DIR --values looks for NaN among the weights");
  return logits;
}

Result<std::vector<Sampled>> Model::sample(std::span<const Chunk> chunks, std::span<const Draw> draws, KvCache& cache, const ForwardOptions& options) {
  ASSAY_ASSIGN(const std::vector<float> logits, compute(chunks, cache, options));
  const size_t width = static_cast<size_t>(config_.vocab_size);
  ASSAY_ASSERT(logits.size() == draws.size() * width);
  std::vector<Sampled> sampled(draws.size());
  workers_.run(static_cast<int64_t>(draws.size()), [&](int64_t row, int) {
    const size_t r = static_cast<size_t>(row);
    const std::span<const float> values = std::span(logits).subspan(r * width, width);
    if (all_finite(values)) sampled[r] = kernels_.sample(values.data(), config_.vocab_size, draws[r].params, draws[r].uniform);
  });
  return sampled;
}

Result<std::vector<float>> Model::compute(std::span<const Chunk> chunks, KvCache& cache, const ForwardOptions& options) {
  ASSAY_TRY(check(chunks, options));
  Step& step = *step_;
  step.positions.clear(), step.lengths.clear(), step.slots.clear(), step.tables.clear();
  step.longest = 0;
  std::vector<int32_t> tokens;
  for (const Chunk& chunk : chunks)
    for (size_t i = 0; i < chunk.tokens.size(); ++i) {
      const int64_t position = chunk.sequence->length + static_cast<int64_t>(i);
      tokens.push_back(chunk.tokens[i]);
      step.positions.push_back(position);
      step.lengths.push_back(position + 1);
      step.slots.push_back(KvCache::slot(*chunk.sequence, position));
      step.tables.push_back(chunk.sequence->pages.data());
      step.longest = std::max(step.longest, position + 1);
    }
  step.rows = static_cast<int64_t>(tokens.size());
  if (options.trace) options.trace->layers.assign(static_cast<size_t>(config_.num_hidden_layers()), {});
  step.expert_layer = 0;
  step.expert_layers = std::count_if(config_.layers.begin(), config_.layers.end(), [](const LayerConfig& layer) { return layer.mlp == MlpType::kSparse; });
  if (options.choices) {
    options.choices->experts.assign(static_cast<size_t>(step.rows * step.expert_layers * config_.num_experts_per_tok), 0);
    options.choices->selections.assign(static_cast<size_t>(step.rows), 0);
  }
  rope_.fill(step.positions, grown(step.cosines, step.rows * rope_.pairs()), grown(step.sines, step.rows * rope_.pairs()));

  const int64_t width = config_.hidden_size;
  float* hidden = grown(step.hidden, step.rows * width);
  for (int64_t row = 0; row < step.rows; ++row)
    std::copy_n(weights_.embedding.data() + tokens[static_cast<size_t>(row)] * width, width, hidden + row * width);
  for (int64_t layer = 0; layer < config_.num_hidden_layers(); ++layer) {
    attend(layer, step, cache, options);
    feed_forward(layer, step, options);
    if (options.trace) options.trace->layers[static_cast<size_t>(layer)].hidden.assign(step.hidden.begin(), step.hidden.begin() + step.rows * width);
  }

  std::vector<float> logits = head(chunks, step);
  for (const Chunk& chunk : chunks) chunk.sequence->length += static_cast<int64_t>(chunk.tokens.size());
  return logits;
}

void Model::attend(int64_t layer, Step& step, KvCache& cache, const ForwardOptions& options) {
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  const int64_t rows = step.rows, width = config_.hidden_size, heads = config_.num_attention_heads, rank = config_.kv_lora_rank;
  const int64_t head_width = config_.qk_nope_head_dim + config_.qk_rope_head_dim;
  float* normed = grown(step.normed, rows * width);
  kernels_.rms_norm({rows, width, static_cast<float>(config_.rms_norm_eps), step.hidden.data(), width, weights.input_norm.data(), nullptr, normed, width}, workers_);
  project(weights, layer, step, cache);
  if (weights.has_indexer) index(weights, layer, step, cache, options);
  select(layer, step, cache, options);

  float* attended = grown(step.attended, rows * heads * rank);
  SparseAttentionParams params{cache.latent_layout(), {cache.latents(layer), step.tables.data(), step.lengths.data()}, rows, heads};
  params.q_latent = step.q_absorbed.data();
  params.q_rope = step.q.data() + config_.qk_nope_head_dim;
  params.q_rope_row_stride = heads * head_width;
  params.q_rope_head_stride = head_width;
  params.scale = static_cast<float>(config_.softmax_scale());
  if (!step.selects_all) params.indices = step.selected.data(), params.index_stride = config_.index_topk, params.counts = step.selected_counts.data();
  params.out = attended;
  kernels_.sparse_attention(params, workers_);

  const int64_t value_width = config_.v_head_dim;
  float* values = grown(step.values, rows * heads * value_width);
  step.problems.clear();
  for (int64_t head = 0; head < heads; ++head)
    step.problems.push_back({&weights.uv[static_cast<size_t>(head)], attended + head * rank, heads * rank, nullptr, values + head * value_width,
                             heads * value_width, rows, nullptr});
  kernels_.gemm(step.problems, workers_);
  float* delta = grown(step.delta, rows * width);
  const GemmProblem out{&weights.o, values, heads * value_width, nullptr, delta, width, rows, bias_of(weights.o_bias)};
  kernels_.gemm({&out, 1}, workers_);
  kernels_.add({rows, width, delta, width, step.hidden.data(), width}, workers_);
}

// Queries in the latent space, and this step's latents and rotary keys into the cache.
void Model::project(const LayerWeights& weights, int64_t layer, Step& step, KvCache& cache) {
  const int64_t rows = step.rows, width = config_.hidden_size, heads = config_.num_attention_heads;
  const int64_t rank = config_.kv_lora_rank, rope = config_.qk_rope_head_dim, nope = config_.qk_nope_head_dim, low = config_.q_lora_rank;
  const float* normed = step.normed.data();
  float* q_low = grown(step.q_latent_low, rows * low);
  float* kv = grown(step.kv, rows * (rank + rope));
  const std::array<GemmProblem, 2> down = {{{&weights.q_a, normed, width, nullptr, q_low, low, rows, bias_of(weights.q_a_bias)},
                              {&weights.kv_a, normed, width, nullptr, kv, rank + rope, rows, bias_of(weights.kv_a_bias)}}};
  kernels_.gemm(down, workers_);
  kernels_.rms_norm({rows, low, static_cast<float>(config_.latent_norm_eps), q_low, low, weights.q_a_norm.data(), nullptr, q_low, low}, workers_);
  float* q = grown(step.q, rows * heads * (nope + rope));
  const GemmProblem up{&weights.q_b, q_low, low, nullptr, q, heads * (nope + rope), rows, nullptr};
  kernels_.gemm({&up, 1}, workers_);

  float* latent = grown(step.latent, rows * rank);
  kernels_.rms_norm({rows, rank, static_cast<float>(config_.latent_norm_eps), kv, rank + rope, weights.kv_a_norm.data(), nullptr, latent, rank}, workers_);
  kernels_.rope({rows, heads, rope, q + nope, heads * (nope + rope), nope + rope, step.cosines.data(), step.sines.data(), config_.mla_rope_layout}, workers_);
  kernels_.rope({rows, 1, rope, kv + rank, rank + rope, 0, step.cosines.data(), step.sines.data(), config_.mla_rope_layout}, workers_);
  kernels_.latent_append({cache.latent_layout(), rows, latent, rank, kv + rank, rank + rope, cache.latents(layer), step.slots.data()}, workers_);

  float* absorbed = grown(step.q_absorbed, rows * heads * rank);
  step.problems.clear();
  for (int64_t head = 0; head < heads; ++head)
    step.problems.push_back({&weights.uk[static_cast<size_t>(head)], q + head * (nope + rope), heads * (nope + rope), nullptr, absorbed + head * rank,
                             heads * rank, rows, nullptr});
  kernels_.gemm(step.problems, workers_);
}

// The indexer's keys into its cache; its queries and weights ready for select().
void Model::index(const LayerWeights& weights, int64_t layer, Step& step, KvCache& cache, const ForwardOptions& options) {
  const int64_t rows = step.rows, width = config_.hidden_size, heads = config_.index_n_heads, head_width = config_.index_head_dim;
  const int64_t rope = config_.qk_rope_head_dim;
  float* keys = grown(step.index_k, rows * head_width);
  const GemmProblem key{&weights.indexer.wk, step.normed.data(), width, nullptr, keys, head_width, rows, nullptr};
  kernels_.gemm({&key, 1}, workers_);
  kernels_.layer_norm({rows, head_width, static_cast<float>(config_.index_norm_eps), keys, head_width, weights.indexer.k_norm.data(), weights.indexer.k_norm_bias.data(), keys, head_width}, workers_);
  kernels_.rope({rows, 1, rope, keys, head_width, 0, step.cosines.data(), step.sines.data(), config_.indexer_rope_layout}, workers_);
  // The rotation spreads outliers before FP8; being orthonormal it changes no product.
  const bool rotate = cache.index_layout().format == CacheFormat::kE4m3 && std::has_single_bit(static_cast<uint64_t>(head_width));
  if (rotate) kernels_.hadamard({rows, head_width, keys}, workers_);
  kernels_.index_append({cache.index_layout(), rows, keys, cache.index_keys(layer), step.slots.data()}, workers_);

  // Where every row may select all it sees there is nothing to choose; who wants to see or to force the choice gets one anyway.
  const bool sees_all = step.longest <= config_.index_topk && !options.trace && !options.forced;
  step.selects_all = options.attention == Attention::kDense || sees_all;
  if (step.selects_all) return;
  float* queries = grown(step.index_q, rows * heads * head_width);
  float* head_weights = grown(step.index_w, rows * heads);
  const std::array<GemmProblem, 2> query = {{{&weights.indexer.wq_b, step.q_latent_low.data(), config_.q_lora_rank, nullptr, queries, heads * head_width, rows, nullptr},
                               {&weights.indexer.weights_proj, step.normed.data(), width, nullptr, head_weights, heads, rows, nullptr}}};
  kernels_.gemm(query, workers_);
  kernels_.rope({rows, heads, rope, queries, heads * head_width, head_width, step.cosines.data(), step.sines.data(), config_.indexer_rope_layout}, workers_);
  if (rotate) kernels_.hadamard({rows * heads, head_width, queries}, workers_);
  const float scale = 1.0f / std::sqrt(static_cast<float>(heads * head_width));
  for (int64_t i = 0; i < rows * heads; ++i) head_weights[i] *= scale;
}

// The tokens each row attends to: chosen by this layer's indexer, taken over from the last one, or forced.
void Model::select(int64_t layer, Step& step, KvCache& cache, const ForwardOptions& options) {
  const int64_t rows = step.rows, k = config_.index_topk, heads = config_.index_n_heads;
  LayerTrace* trace = options.trace ? &options.trace->layers[static_cast<size_t>(layer)] : nullptr;
  const ForcedLayer* forced = options.forced && static_cast<size_t>(layer) < options.forced->layers.size() ? &options.forced->layers[static_cast<size_t>(layer)] : nullptr;
  const bool own = weights_.layers[static_cast<size_t>(layer)].has_indexer;
  if (step.selects_all) return;
  if (own) {
    grown(step.selected, rows * k);
    grown(step.selected_counts, rows);
    const int64_t at_once = std::clamp<int64_t>(static_cast<int64_t>(kScoreBudgetBytes / sizeof(float)) / step.longest, 1, rows);
    float* scores = grown(step.scores, at_once * step.longest);
    if (trace) trace->index_scores.resize(static_cast<size_t>(rows));
    for (int64_t first = 0; first < rows; first += at_once) {
      const int64_t count = std::min(at_once, rows - first);
      kernels_.indexer_logits({cache.index_layout(), {cache.index_keys(layer), step.tables.data() + first, step.lengths.data() + first}, count, heads,
                               step.index_q.data() + first * heads * config_.index_head_dim, step.index_w.data() + first * heads, heads, scores, step.longest}, workers_);
      kernels_.top_k({count, k, scores, step.longest, step.lengths.data() + first, step.selected.data() + first * k, step.selected_counts.data() + first}, workers_);
      for (int64_t row = 0; trace && row < count; ++row)
        trace->index_scores[static_cast<size_t>(first + row)].assign(scores + row * step.longest, scores + row * step.longest + step.lengths[static_cast<size_t>(first + row)]);
    }
  }
  for (int64_t row = 0; trace && row < rows; ++row)
    trace->selected.emplace_back(step.selected.begin() + row * k, step.selected.begin() + row * k + step.selected_counts[static_cast<size_t>(row)]);
  for (int64_t row = 0; forced && row < std::min<int64_t>(rows, static_cast<int64_t>(forced->selected.size())); ++row) {
    const std::vector<int32_t>& tokens = forced->selected[static_cast<size_t>(row)];
    if (tokens.empty()) continue;
    std::copy(tokens.begin(), tokens.end(), step.selected.begin() + row * k);
    step.selected_counts[static_cast<size_t>(row)] = static_cast<int64_t>(tokens.size());
  }
  if (own && options.choices) note_selection(step, *options.choices);
}

void Model::note_selection(const Step& step, Choices& choices) {
  workers_.run(step.rows, [&](int64_t row, int) {
    const size_t r = static_cast<size_t>(row);
    if (step.lengths[r] <= config_.index_topk) return;
    const int32_t* selected = step.selected.data() + row * config_.index_topk;
    choices.selections[r] = mix64(choices.selections[r] + selected_set({selected, static_cast<size_t>(step.selected_counts[r])}));
  });
}

void Model::feed_forward(int64_t layer, Step& step, const ForwardOptions& options) {
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  const int64_t rows = step.rows, width = config_.hidden_size;
  kernels_.rms_norm({rows, width, static_cast<float>(config_.rms_norm_eps), step.hidden.data(), width, weights.post_attention_norm.data(), nullptr, step.normed.data(), width}, workers_);
  float* delta = grown(step.delta, rows * width);
  if (weights.mlp.gate.rows > 0) run_mlp(weights.mlp, step.normed.data(), delta, step);
  else std::fill_n(delta, rows * width, 0.0f);
  if (weights.is_moe) {
    route(weights, layer, step, options);
    run_experts(weights, step);
    kernels_.combine({rows, width, config_.num_experts_per_tok, step.expert_out.data(), step.expert_source.data(), step.expert_weights.data(), delta, width}, workers_);
  }
  kernels_.add({rows, width, delta, width, step.hidden.data(), width}, workers_);
}

void Model::run_mlp(const MlpWeights& weights, const float* x, float* y, Step& step) {
  const int64_t rows = step.rows, width = config_.hidden_size, inner = weights.gate.rows;
  float* gate = grown(step.gate, rows * inner);
  float* up = grown(step.up, rows * inner);
  const std::array<GemmProblem, 2> in = {{{&weights.gate, x, width, nullptr, gate, inner, rows, nullptr}, {&weights.up, x, width, nullptr, up, inner, rows, nullptr}}};
  kernels_.gemm(in, workers_);
  kernels_.silu_mul({rows, inner, gate, up, inner, gate, inner}, workers_);
  const GemmProblem out{&weights.down, gate, inner, nullptr, y, width, rows, nullptr};
  kernels_.gemm({&out, 1}, workers_);
}

// Experts of each row, and the rows of each expert: expert_rows lists rows by expert, expert_source says where in that list each
// of a row's experts finds it.
void Model::route(const LayerWeights& weights, int64_t layer, Step& step, const ForwardOptions& options) {
  const int64_t rows = step.rows, experts = config_.n_routed_experts, k = config_.num_experts_per_tok;
  float* logits = grown(step.router_logits, rows * experts);
  const GemmProblem router{&weights.moe.router, step.normed.data(), config_.hidden_size, nullptr, logits, experts, rows, nullptr};
  kernels_.gemm({&router, 1}, workers_);
  int32_t* chosen = grown(step.chosen, rows * k);
  float* expert_weights = grown(step.expert_weights, rows * k);
  const GateParams gate{rows, experts, config_.n_group, config_.topk_group, k, config_.norm_topk_prob ? NormalizeWeights::kYes : NormalizeWeights::kNo,
                        static_cast<float>(config_.routed_scaling_factor), logits, weights.moe.correction_bias.data(), chosen, expert_weights};
  kernels_.gate(gate, workers_);
  if (options.trace) {
    LayerTrace& trace = options.trace->layers[static_cast<size_t>(layer)];
    for (int64_t row = 0; row < rows; ++row) {
      trace.experts.emplace_back(chosen + row * k, chosen + (row + 1) * k);
      std::vector<float>& scores = trace.choice_scores.emplace_back(static_cast<size_t>(experts));
      for (int64_t e = 0; e < experts; ++e)
        scores[static_cast<size_t>(e)] = 1.0f / (1.0f + std::exp(-logits[row * experts + e])) + weights.moe.correction_bias[static_cast<size_t>(e)];
    }
  }
  if (options.forced && static_cast<size_t>(layer) < options.forced->layers.size()) {
    // A gate over only the forced experts gives them their weights by the same arithmetic.
    const ForcedLayer& forced = options.forced->layers[static_cast<size_t>(layer)];
    std::vector<float> forced_logits(static_cast<size_t>(k)), zeros(static_cast<size_t>(k));
    std::vector<int32_t> order(static_cast<size_t>(k));
    for (int64_t row = 0; row < std::min<int64_t>(rows, static_cast<int64_t>(forced.experts.size())); ++row) {
      if (forced.experts[static_cast<size_t>(row)].empty()) continue;
      std::copy(forced.experts[static_cast<size_t>(row)].begin(), forced.experts[static_cast<size_t>(row)].end(), chosen + row * k);
      std::sort(chosen + row * k, chosen + (row + 1) * k);
      for (int64_t j = 0; j < k; ++j) forced_logits[static_cast<size_t>(j)] = logits[row * experts + chosen[row * k + j]];
      kernels_.gate({1, k, 1, 1, k, gate.normalize, gate.scale, forced_logits.data(), zeros.data(), order.data(), expert_weights + row * k}, workers_);
    }
  }

  if (options.choices)
    for (int64_t row = 0; row < rows; ++row)
      std::copy_n(chosen + row * k, k, options.choices->experts.begin() + (row * step.expert_layers + step.expert_layer) * k);
  ++step.expert_layer;

  step.expert_starts.assign(static_cast<size_t>(experts) + 1, 0);
  for (int64_t i = 0; i < rows * k; ++i) ++step.expert_starts[static_cast<size_t>(chosen[i]) + 1];
  for (size_t e = 0; e < static_cast<size_t>(experts); ++e) step.expert_starts[e + 1] += step.expert_starts[e];
  std::vector<int64_t> next(step.expert_starts.begin(), step.expert_starts.end() - 1);
  int32_t* expert_rows = grown(step.expert_rows, rows * k);
  int32_t* source = grown(step.expert_source, rows * k);
  for (int64_t i = 0; i < rows * k; ++i) {
    const int64_t place = next[static_cast<size_t>(chosen[i])]++;
    expert_rows[place] = static_cast<int32_t>(i / k);
    source[i] = static_cast<int32_t>(place);
  }
}

void Model::run_experts(const LayerWeights& weights, Step& step) {
  const int64_t pairs = step.rows * config_.num_experts_per_tok, width = config_.hidden_size, inner = config_.moe_intermediate_size;
  float* gate = grown(step.gate, pairs * inner);
  float* up = grown(step.up, pairs * inner);
  float* out = grown(step.expert_out, pairs * width);
  const auto each_expert = [&](const auto& add) {
    step.problems.clear();
    for (size_t e = 0; e < weights.moe.experts.size(); ++e) {
      const int64_t start = step.expert_starts[e], count = step.expert_starts[e + 1] - start;
      if (count > 0) add(weights.moe.experts[e], start, count);
    }
    kernels_.gemm(step.problems, workers_);
  };
  each_expert([&](const MlpWeights& expert, int64_t start, int64_t count) {
    step.problems.push_back({&expert.gate, step.normed.data(), width, step.expert_rows.data() + start, gate + start * inner, inner, count, nullptr});
    step.problems.push_back({&expert.up, step.normed.data(), width, step.expert_rows.data() + start, up + start * inner, inner, count, nullptr});
  });
  kernels_.silu_mul({pairs, inner, gate, up, inner, gate, inner}, workers_);
  each_expert([&](const MlpWeights& expert, int64_t start, int64_t count) {
    step.problems.push_back({&expert.down, gate + start * inner, inner, nullptr, out + start * width, width, count, nullptr});
  });
}

std::vector<float> Model::head(std::span<const Chunk> chunks, Step& step) {
  const int64_t width = config_.hidden_size;
  std::vector<int64_t> wanted;
  int64_t row = 0;
  for (const Chunk& chunk : chunks) {
    const int64_t end = row + static_cast<int64_t>(chunk.tokens.size());
    if (chunk.logits == LogitsOf::kLastRow && end > row) row = end - 1;
    for (; row < end; ++row)
      if (chunk.logits != LogitsOf::kNone) wanted.push_back(row);
  }
  const int64_t count = static_cast<int64_t>(wanted.size());
  for (int64_t i = 0; i < count; ++i)   // gathered rows never lie behind their place
    std::copy_n(step.hidden.data() + wanted[static_cast<size_t>(i)] * width, width, step.normed.data() + i * width);
  kernels_.rms_norm({count, width, static_cast<float>(config_.rms_norm_eps), step.normed.data(), width, weights_.norm.data(), nullptr, step.normed.data(), width}, workers_);
  std::vector<float> logits(static_cast<size_t>(count * config_.vocab_size));
  const GemmProblem problem{&weights_.lm_head, step.normed.data(), width, nullptr, logits.data(), config_.vocab_size, count, nullptr};
  kernels_.gemm({&problem, 1}, workers_);
  return logits;
}

}  // namespace assay
