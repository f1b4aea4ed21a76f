#include "engine/checkpoint/synthetic.h"

namespace assay {
namespace {

std::vector<LayerConfig> layers(size_t count, size_t dense) {
  std::vector<LayerConfig> layers(count);
  for (size_t i = dense; i < count; ++i) layers[i].mlp = MlpType::kSparse;
  return layers;
}

RopeConfig yarn(int64_t original_context, double factor) {
  return {.type = RopeType::kYarn, .factor = factor, .original_context = original_context, .mscale = 1, .mscale_all_dim = 1};
}

// Sizes are ragged on purpose: few of them are multiples of a vector or of a scale block.
ModelConfig tiny() {
  ModelConfig config;
  config.vocab_size = byte_vocabulary_size();
  config.hidden_size = 136;
  config.intermediate_size = 264;
  config.max_position_embeddings = 4096;
  config.layers = layers(3, 1);
  config.num_attention_heads = 4;
  config.q_lora_rank = 72;
  config.kv_lora_rank = 64;
  config.qk_nope_head_dim = 32;
  config.qk_rope_head_dim = 16;
  config.v_head_dim = 32;
  config.index_n_heads = 4;
  config.index_head_dim = 32;
  config.index_topk = 32;
  config.rope = yarn(1024, 4);
  config.n_routed_experts = 8;
  config.n_shared_experts = 1;
  config.num_experts_per_tok = 2;
  config.moe_intermediate_size = 40;
  config.n_group = 4;
  config.topk_group = 2;
  config.routed_scaling_factor = 2.5;
  config.bos_token_id = 0;
  config.eos_token_ids = {1};
  return config;
}

ModelConfig dense_tiny() {
  ModelConfig config = tiny();
  config.layers = layers(2, 2);
  config.rope = {};
  config.n_routed_experts = config.n_shared_experts = config.num_experts_per_tok = config.moe_intermediate_size = 0;
  config.n_group = config.topk_group = 0;
  config.routed_scaling_factor = 1;
  return config;
}

ModelConfig glm_tiny() {
  ModelConfig config = tiny();
  config.type = ModelType::kGlmMoeDsa;
  config.rms_norm_eps = 1e-5;
  config.layers = layers(5, 1);
  for (size_t shared : {2, 3}) config.layers[shared].indexer = IndexerType::kShared;
  config.qk_nope_head_dim = 24;
  config.v_head_dim = 48;
  config.index_n_heads = 2;
  config.indexer_rope_layout = RopeLayout::kInterleaved;
  config.rope = {.theta = 1e6};
  config.n_group = config.topk_group = 1;
  return config;
}

ModelConfig twenty_million() {
  ModelConfig config = tiny();
  config.vocab_size = 1280;
  config.hidden_size = 384;
  config.intermediate_size = 1152;
  config.max_position_embeddings = 65536;
  config.layers = layers(8, 1);
  config.num_attention_heads = 12;
  config.q_lora_rank = 192;
  config.kv_lora_rank = 128;
  config.index_n_heads = 2;
  config.index_topk = 512;
  config.rope = yarn(4096, 16);
  config.n_routed_experts = 16;
  config.num_experts_per_tok = 4;
  config.moe_intermediate_size = 96;
  return config;
}

ModelConfig hundred_million() {
  ModelConfig config = twenty_million();
  config.vocab_size = 2048;
  config.hidden_size = 768;
  config.intermediate_size = 2048;
  config.layers = layers(10, 1);
  config.num_attention_heads = 16;
  config.q_lora_rank = 384;
  config.qk_nope_head_dim = 48;
  config.v_head_dim = 48;
  config.index_n_heads = 8;
  config.index_topk = 1024;
  config.n_routed_experts = 32;
  config.moe_intermediate_size = 112;
  config.n_group = 8;
  config.topk_group = 4;
  return config;
}

// Dense MLPs are as wide as what one token is computed with in the real model: eight experts and the shared one.
ModelConfig v32_attention() {
  ModelConfig config = dense_tiny();
  config.vocab_size = 2048;
  config.hidden_size = 7168;
  config.intermediate_size = 9 * 2048;
  config.max_position_embeddings = 163840;
  config.num_attention_heads = 128;
  config.q_lora_rank = 1536;
  config.kv_lora_rank = 512;
  config.qk_nope_head_dim = 128;
  config.qk_rope_head_dim = 64;
  config.v_head_dim = 128;
  config.index_n_heads = 64;
  config.index_head_dim = 128;
  config.index_topk = 2048;
  config.rope = yarn(4096, 40);
  return config;
}

// As many layers, experts and so tensors as DeepSeek-V3.2; in FP8 about 10 GB.
ModelConfig many_tensors() {
  ModelConfig config = hundred_million();
  config.hidden_size = 1024;
  config.intermediate_size = 2560;
  config.layers = layers(61, 3);
  config.n_routed_experts = 256;
  config.num_experts_per_tok = 8;
  config.moe_intermediate_size = 224;
  return config;
}

}  // namespace

std::vector<ModelPreset> model_presets() {
  return {{"tiny", "deepseek_v32 with experts in groups and YaRN, ragged sizes: for tests", tiny()},
          {"dense_tiny", "deepseek_v32 without experts, plain RoPE: for tests", dense_tiny()},
          {"glm_tiny", "glm_moe_dsa with shared indexers, experts without groups: for tests", glm_tiny()},
          {"20m", "deepseek_v32 of 20 million parameters: for benchmarks on a processor", twenty_million()},
          {"100m", "deepseek_v32 of 100 million parameters", hundred_million()},
          {"v32_attention", "two layers with DeepSeek-V3.2's attention, 1.2 billion parameters: to measure", v32_attention()},
          {"10g", "as many layers and experts as DeepSeek-V3.2, 10 GB in FP8: to measure opening", many_tensors()}};
}

Result<ModelConfig> preset_config(std::string_view name) {
  std::vector<std::string> known;
  for (const ModelPreset& preset : model_presets()) {
    if (preset.name == name) return preset.config;
    known.push_back(preset.name);
  }
  return unknown_name("model preset", name, known);
}

}  // namespace assay
