// A checkpoint's tensors on a device, in the form the kernels read: packed, the projections of MLA absorbed into its MQA form.
#pragma once

#include <vector>

#include "engine/checkpoint/checkpoint.h"
#include "engine/device/device.h"

namespace assay {

struct Vector {
  std::shared_ptr<std::byte> memory;
  int64_t size = 0;
  const float* data() const { return reinterpret_cast<const float*>(memory.get()); }   // null if there is none
};

Result<Vector> place_vector(Device& device, std::vector<float> values);

struct IndexerWeights {
  Weight wq_b;           // [index_n_heads * index_head_dim, q_lora_rank]
  Weight wk;             // [index_head_dim, hidden_size]
  Weight weights_proj;   // [index_n_heads, hidden_size], float32
  Vector k_norm, k_norm_bias;
};

struct MlpWeights {
  Weight gate, up;   // [intermediate, hidden_size]
  Weight down;       // [hidden_size, intermediate]
};

struct MoeWeights {
  Weight router;     // [n_routed_experts, hidden_size], float32
  Vector correction_bias;
  std::vector<MlpWeights> experts;
};

struct LayerWeights {
  Vector input_norm, post_attention_norm, q_a_norm, kv_a_norm;
  Weight q_a, q_b, kv_a, o;
  Vector q_a_bias, kv_a_bias, o_bias;       // none without attention_bias
  // Per head: uk [kv_lora_rank, qk_nope_head_dim] takes a query to the latent space, uv [v_head_dim, kv_lora_rank] takes the
  // attended latent back. FP8 checkpoints: dequantised to float32, which is exact.
  std::vector<Weight> uk, uv;
  bool has_indexer = false, is_moe = false;
  IndexerWeights indexer;                   // layers of their own selection only
  MlpWeights mlp;                           // the dense MLP, or the shared experts (none: gate.rows == 0)
  MoeWeights moe;
};

struct ModelWeights {
  Vector embedding;   // [vocab_size, hidden_size], read by row
  std::vector<LayerWeights> layers;
  Vector norm;
  Weight lm_head;     // [vocab_size, hidden_size]
};

// The checkpoint has been opened, so every tensor is there and has its shape. Copies all of it.
// Errors (kInput): a value is NaN or infinite; of several the one that comes first in the forward pass is named. (kLimit): no room.
Result<ModelWeights> load_weights(const Checkpoint& checkpoint, Device& device);

// Memory of what load_weights returns.
int64_t weight_bytes(const Checkpoint& checkpoint);

}  // namespace assay
