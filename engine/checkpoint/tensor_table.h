// The tensors that a checkpoint of a ModelConfig consists of, as DeepseekV32ForCausalLM and GlmMoeDsaForCausalLM of Hugging Face
// transformers save them: experts one by one, linear layers as [outputs, inputs].
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint/model_config.h"
#include "engine/numeric.h"

namespace assay {

enum class TensorRole {
  kEmbedding,    // embed_tokens, lm_head
  kLinear,       // may be FP8 with a scale for each 128 × 128 block
  kPrecise,      // a matrix that is never quantised: gate, weights_proj
  kNorm,         // a norm's weight
  kBias,         // a linear layer's or LayerNorm's bias
  kGateBias,     // e_score_correction_bias
};

struct TensorSpec {
  std::string name;
  TensorRole role = TensorRole::kLinear;
  std::array<int64_t, 2> sizes = {};   // the first `rank` count
  size_t rank = 1;
  bool routed_expert = false;

  std::span<const int64_t> shape() const { return {sizes.data(), rank}; }
  int64_t element_count() const { return rank == 2 ? sizes[0] * sizes[1] : sizes[0]; }
};

// "x.weight" gives "x.weight_scale_inv".
std::string scale_name(std::string_view weight);
// ceil(rows / 128) × ceil(columns / 128).
std::array<int64_t, 2> scale_shape(std::span<const int64_t> weight_shape);

// Calls `visit` for each, in the order of the forward pass: embedding, layers, norm, lm_head. `config` is valid.
void for_each_tensor(const ModelConfig& config, const std::function<void(TensorSpec)>& visit);
std::vector<TensorSpec> expected_tensors(const ModelConfig& config);

}  // namespace assay
