#include "engine/checkpoint/tensor_table.h"

namespace assay {
namespace {

class Table {
 public:
  Table(const ModelConfig& config, const std::function<void(TensorSpec)>& visit) : config_(config), visit_(visit) {}

  void visit_all() {
    matrix("model.embed_tokens.weight", TensorRole::kEmbedding, config_.vocab_size, config_.hidden_size);
    for (size_t i = 0; i < config_.layers.size(); ++i) visit_layer("model.layers." + std::to_string(i) + ".", config_.layers[i]);
    vector("model.norm.weight", TensorRole::kNorm, config_.hidden_size);
    if (!config_.tie_word_embeddings) matrix("lm_head.weight", TensorRole::kEmbedding, config_.vocab_size, config_.hidden_size);
  }

 private:
  void visit_layer(const std::string& layer, const LayerConfig& kind) {
    vector(layer + "input_layernorm.weight", TensorRole::kNorm, config_.hidden_size);
    visit_attention(layer + "self_attn.");
    if (kind.indexer == IndexerType::kFull) visit_indexer(layer + "self_attn.indexer.");
    vector(layer + "post_attention_layernorm.weight", TensorRole::kNorm, config_.hidden_size);
    if (kind.mlp == MlpType::kDense) visit_mlp(layer + "mlp.", config_.intermediate_size);
    else visit_experts(layer + "mlp.");
  }

  void visit_attention(const std::string& prefix) {
    const ModelConfig& c = config_;
    const int64_t latent = c.kv_lora_rank + c.qk_rope_head_dim;
    linear(prefix + "q_a_proj", c.q_lora_rank, c.hidden_size, c.attention_bias);
    vector(prefix + "q_a_layernorm.weight", TensorRole::kNorm, c.q_lora_rank);
    linear(prefix + "q_b_proj", c.num_attention_heads * c.qk_head_dim(), c.q_lora_rank);
    linear(prefix + "kv_a_proj_with_mqa", latent, c.hidden_size, c.attention_bias);
    vector(prefix + "kv_a_layernorm.weight", TensorRole::kNorm, c.kv_lora_rank);
    linear(prefix + "kv_b_proj", c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim), c.kv_lora_rank);
    linear(prefix + "o_proj", c.hidden_size, c.num_attention_heads * c.v_head_dim, c.attention_bias);
  }

  void visit_indexer(const std::string& prefix) {
    const ModelConfig& c = config_;
    linear(prefix + "wq_b", c.index_n_heads * c.index_head_dim, c.q_lora_rank);
    linear(prefix + "wk", c.index_head_dim, c.hidden_size);
    vector(prefix + "k_norm.weight", TensorRole::kNorm, c.index_head_dim);
    vector(prefix + "k_norm.bias", TensorRole::kBias, c.index_head_dim);
    matrix(prefix + "weights_proj.weight", TensorRole::kPrecise, c.index_n_heads, c.hidden_size);
  }

  void visit_mlp(const std::string& prefix, int64_t inner) {
    linear(prefix + "gate_proj", inner, config_.hidden_size);
    linear(prefix + "up_proj", inner, config_.hidden_size);
    linear(prefix + "down_proj", config_.hidden_size, inner);
  }

  void visit_experts(const std::string& prefix) {
    matrix(prefix + "gate.weight", TensorRole::kPrecise, config_.n_routed_experts, config_.hidden_size);
    vector(prefix + "gate.e_score_correction_bias", TensorRole::kGateBias, config_.n_routed_experts);
    routed_ = true;
    for (int64_t expert = 0; expert < config_.n_routed_experts; ++expert)
      visit_mlp(prefix + "experts." + std::to_string(expert) + ".", config_.moe_intermediate_size);
    routed_ = false;
    if (config_.n_shared_experts > 0) visit_mlp(prefix + "shared_experts.", config_.shared_intermediate_size());
  }

  void linear(const std::string& name, int64_t outputs, int64_t inputs, bool bias = false) {
    matrix(name + ".weight", TensorRole::kLinear, outputs, inputs);
    if (bias) vector(name + ".bias", TensorRole::kBias, outputs);
  }
  void matrix(std::string name, TensorRole role, int64_t rows, int64_t columns) {
    visit_({std::move(name), role, {rows, columns}, 2, routed_});
  }
  void vector(std::string name, TensorRole role, int64_t size) { visit_({std::move(name), role, {size, 0}, 1, routed_}); }

  const ModelConfig& config_;
  const std::function<void(TensorSpec)>& visit_;
  bool routed_ = false;
};

}  // namespace

std::string scale_name(std::string_view weight) { return std::string(weight) + "_scale_inv"; }

std::array<int64_t, 2> scale_shape(std::span<const int64_t> weight_shape) {
  return {(weight_shape[0] + kScaleBlock - 1) / kScaleBlock, (weight_shape[1] + kScaleBlock - 1) / kScaleBlock};
}

void for_each_tensor(const ModelConfig& config, const std::function<void(TensorSpec)>& visit) { Table(config, visit).visit_all(); }

std::vector<TensorSpec> expected_tensors(const ModelConfig& config) {
  std::vector<TensorSpec> table;
  for_each_tensor(config, [&](TensorSpec spec) { table.push_back(std::move(spec)); });
  return table;
}

}  // namespace assay
