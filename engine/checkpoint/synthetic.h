// Checkpoints of random values for tests and benchmarks, written as Hugging Face lays them out.
//
// Values are functions of (seed, tensor name, element), whatever the dtype and the number of shards. Matrices have mean 0 and
// deviation 1/sqrt(columns), so activations keep their size through any depth; norms lie near 1; biases are small but not zero, so
// that leaving one out shows. FP8 is quantised in 128 × 128 blocks with power-of-two scales; embeddings, norms, biases, gates and
// weights_proj stay BF16 then, and the gate's bias is always F32.
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
  int64_t shards = 1;         // tensors are not split. 1: model.safetensors without an index
  uint64_t seed = 0;
  bool only_zeros = false;    // holes instead of values: a huge file that takes no space, to measure opening
};

// What write_synthetic would store, scales included.
struct SyntheticSize {
  int64_t tensors = 0;
  int64_t bytes = 0;
};
SyntheticSize synthetic_size(const ModelConfig& config, WeightDType dtype);

// Writes the weights, tokenizer.json (see below) and, when all else is there, config.json into `directory`, which is made if need
// be. Holds one block of 128 rows in memory. Refuses an invalid config, a directory that is not empty, and a file system without
// the room.
Status write_synthetic(const ModelConfig& config, const std::string& directory, const SyntheticOptions& options);

// A byte-level tokenizer.json without merges, in the format of Hugging Face tokenizers: the special tokens of the message encoding
// (report.md section 3) from 0 on, BOS and EOS first, then 256 bytes, then placeholders up to `vocab_size`.
OrderedJson byte_tokenizer(int64_t vocab_size);
// The smallest vocabulary that has them; a smaller model gets no tokenizer.json.
int64_t byte_vocabulary_size();

struct ModelPreset {
  std::string name;
  std::string summary;
  ModelConfig config;
};

std::vector<ModelPreset> model_presets();
Result<ModelConfig> preset_config(std::string_view name);

}  // namespace assay
