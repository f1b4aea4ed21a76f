// What config.json says about a model with DeepSeek Sparse Attention: `deepseek_v32` (DeepSeek-V3.2) and `glm_moe_dsa` (GLM-5).
//
// Keys, defaults and meanings are those of the configuration classes of Hugging Face transformers 5 (DeepseekV32Config,
// GlmMoeDsaConfig), the older spellings of published checkpoints (`rope_scaling`, `rope_theta`, `num_experts`) included. No size
// is assumed. Keys that change nothing in the forward pass are ignored; a key that would change it in a way not implemented here
// is an error that names the key, its value and what is allowed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rope_layout.h"
#include "envs/base/json.h"

namespace assay {

enum class ModelType { kDeepseekV32, kGlmMoeDsa };
enum class RopeType { kDefault, kLinear, kYarn };
enum class MlpType { kDense, kSparse };
// A full layer has an indexer; a shared one has none and attends to what the last full layer before it selected.
enum class IndexerType { kFull, kShared };

// "deepseek_v32", "interleaved", "yarn", … as in config.json.
std::string_view name_of(ModelType type);
std::string_view name_of(RopeLayout layout);
std::string_view name_of(RopeType type);

struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000;
  double factor = 1;                 // linear and yarn: how many times longer the context became
  // Yarn only (arXiv 2309.00071).
  int64_t original_context = 0;      // tokens, before it was stretched
  double beta_fast = 32;             // rotations within original_context above which a frequency stays
  double beta_slow = 1;              // … and below which it is divided by factor
  bool truncate = true;              // the ramp's ends are rounded outwards to whole frequencies
  double mscale = 0;                 // 0: not given
  double mscale_all_dim = 0;         // 0: not given; otherwise it also scales the softmax, see softmax_scale()
  double attention_factor = 1;       // cos and sin are multiplied by this; resolved from the mscales if not given

  bool operator==(const RopeConfig&) const = default;
};

struct LayerConfig {
  MlpType mlp = MlpType::kDense;
  IndexerType indexer = IndexerType::kFull;

  bool operator==(const LayerConfig&) const = default;
};

// Sizes are numbers of elements. All are validated: positive, bounded so that no product of them overflows, consistent.
struct ModelConfig {
  ModelType type = ModelType::kDeepseekV32;

  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;         // of a dense MLP
  int64_t max_position_embeddings = 0;   // tokens of context
  double rms_norm_eps = 1e-6;            // of input_layernorm, post_attention_layernorm and the final norm
  bool tie_word_embeddings = false;      // lm_head is embed_tokens; the checkpoint has no lm_head.weight
  bool attention_bias = false;           // q_a_proj, kv_a_proj_with_mqa and o_proj have biases
  std::vector<LayerConfig> layers;       // num_hidden_layers of them; the first is full
  int64_t num_nextn_predict_layers = 0;  // multi-token-prediction layers stored after those above; not loaded

  // Attention (MLA). A head's query and key are [nope | rope].
  int64_t num_attention_heads = 0;
  int64_t q_lora_rank = 0;
  int64_t kv_lora_rank = 0;
  int64_t qk_nope_head_dim = 0;          // may be 0
  int64_t qk_rope_head_dim = 0;          // even
  int64_t v_head_dim = 0;
  // Of q_a_layernorm and kv_a_layernorm. Both classes build them with their default, whatever rms_norm_eps says.
  double latent_norm_eps = 1e-6;

  // Indexer. A head's query, and the one key, are [rope | nope] with qk_rope_head_dim rotary dimensions.
  int64_t index_n_heads = 0;
  int64_t index_head_dim = 0;            // at least qk_rope_head_dim
  int64_t index_topk = 0;                // tokens a query attends to
  double index_norm_eps = 1e-6;          // of k_norm, a LayerNorm with weight and bias; fixed in both classes

  RopeConfig rope;
  // Transformers 5 fixes both by model type: MLA interleaves, the indexer is half-split in deepseek_v32 and interleaves in
  // glm_moe_dsa. `rope_interleave` and `indexer_rope_interleave` in config.json, which it does not read, say otherwise.
  RopeLayout mla_rope_layout = RopeLayout::kInterleaved;
  RopeLayout indexer_rope_layout = RopeLayout::kHalfSplit;

  // Mixture of experts; all 0 if no layer is sparse. Scores are sigmoids; see report.md section 4 for the gate.
  int64_t n_routed_experts = 0;
  int64_t n_shared_experts = 0;          // one MLP of n_shared_experts · moe_intermediate_size; 0: none
  int64_t num_experts_per_tok = 0;
  int64_t moe_intermediate_size = 0;
  int64_t n_group = 0;                   // divides n_routed_experts; 1: no groups
  int64_t topk_group = 0;
  bool norm_topk_prob = true;            // chosen scores are divided by their sum (plus 1e-20)
  double routed_scaling_factor = 1;

  std::optional<int64_t> bos_token_id;
  std::vector<int64_t> eos_token_ids;    // any of them ends a text

  // From config.json's contents; `where` names the file in errors.
  static Result<ModelConfig> from_json(const Json& json, const std::string& where);
  static Result<ModelConfig> load(const std::string& path);
  // What from_json reads back as an equal config, with the keys and the order of transformers.
  OrderedJson to_json() const;
  // The first rule that the values break. from_json has checked it; for configs made in code.
  Status validate(const std::string& where) const;

  int64_t num_hidden_layers() const { return static_cast<int64_t>(layers.size()); }
  int64_t qk_head_dim() const { return qk_nope_head_dim + qk_rope_head_dim; }
  bool has_experts() const { return n_routed_experts > 0; }
  int64_t shared_intermediate_size() const { return n_shared_experts * moe_intermediate_size; }
  // The layer whose selection layer `index` uses: itself if it is full.
  int64_t indexer_layer(int64_t index) const;

  // qk_head_dim^-0.5, times (0.1 · mscale_all_dim · ln factor + 1)^2 where rope is scaled and mscale_all_dim is given.
  double softmax_scale() const;
  // qk_rope_head_dim / 2 angles for each position; pair i turns by position · frequencies[i].
  std::vector<double> rope_frequencies() const;

  // Parameters of the checkpoint's tensors, scales and what is not loaded left out.
  int64_t parameter_count() const;
  // Those that one token is computed with: of the experts the chosen ones, of the embedding one row.
  int64_t active_parameter_count() const;

  bool operator==(const ModelConfig&) const = default;
};

}  // namespace assay
