// Checkpoints of random values for tests and benchmarks, written as Hugging Face lays them out.
//
// Values are functions of (seed, tensor name, element), whatever the number of shards. Matrices are normal with deviation
// 1/sqrt(columns), so activations keep their size through any depth; norms lie near 1; biases are small and never zero, so that
// leaving one out shows. FP8 is quantised in 128 × 128 blocks with power-of-two scales; embeddings, norms, biases, gates and
// weights_proj stay BF16, the gate's bias F32.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/model_config.h"

namespace assay {

enum class WeightDType { kF32, kBF16, kFp8 };
std::string_view name_of(WeightDType dtype);  // "f32", "bf16", "fp8"
Result<WeightDType> weight_dtype(std::string_view name);

struct SyntheticOptions {
  WeightDType dtype = WeightDType::kBF16;
  int64_t shards = 1;        // at most one a tensor; tensors are never split. 1: model.safetensors without an index
  uint64_t seed = 0;
  bool sparse_zeros = false; // all zero bytes, as holes: a huge file that takes no space, to measure opening
};

// Writes config.json, generation of tokenizer.json (see below) and the weights into `directory`, made if need be. Holds one block
// of rows in memory. Refuses a directory that already has a config.json or safetensors files.
Status write_synthetic(const ModelConfig& config, const std::string& directory, const SyntheticOptions& options);

// A byte-level tokenizer.json without merges: the special tokens of the message encoding, then 256 bytes. Needs 256 + their number
// of ids; smaller vocabularies get no tokenizer.
OrderedJson byte_tokenizer();

struct ModelPreset {
  std::string name;
  std::string summary;
  ModelConfig config;
};

// "tiny", "dense_tiny", "glm_tiny", "20m", …
const std::vector<ModelPreset>& model_presets();
Result<ModelConfig> preset_config(std::string_view name);

}  // namespace assay
