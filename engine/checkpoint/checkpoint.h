// A model's directory as Hugging Face lays it out: config.json, and model.safetensors or model.safetensors.index.json with the
// shards it names; mapped, and checked tensor by tensor against what the config implies.
//
// Immutable once open, so any number of threads may read it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/safetensors.h"

namespace assay {

// How a stored tensor differs from what the config implies.
struct TensorProblem {
  enum class Kind { kMissing, kMisshapen, kMistyped, kUnknown };
  Kind kind = Kind::kMissing;
  std::string tensor;            // its name, quoted where it comes from a file alone
  std::string found, expected;   // shapes or dtypes; empty for kMissing and kUnknown
};

// "missing", "misshapen", "of another dtype", "unknown".
std::string_view name_of(TensorProblem::Kind kind);

class Checkpoint {
 public:
  // Fails if a tensor is missing, unknown, of another shape, or of a dtype other than F32, BF16, F16 or (linear layers) F8_E4M3
  // with its weight_scale_inv; the error names the first few of each kind. Multi-token-prediction layers, rotary buffers and
  // the unused head of a tied model are left out and said in notes(). Reads headers only.
  static Result<Checkpoint> open(const std::string& directory);
  // All differences for which open() fails; fails itself where config or files cannot be read.
  static Result<std::vector<TensorProblem>> tensor_problems(const std::string& directory);

  const std::string& directory() const { return directory_; }
  const ModelConfig& config() const { return config_; }

  // The tensors of the model and their scales, sorted by name; views are valid as long as the checkpoint or a copy of it lives.
  std::span<const TensorView> tensors() const { return tensors_; }
  // nullptr if the model has no such tensor.
  const TensorView* find(std::string_view name) const;
  // A tensor that the config implies; anything else is a mistake of the caller.
  const TensorView& tensor(std::string_view name) const;
  // The scales of an FP8 weight, F32 of scale_shape(); nullptr for other weights.
  const TensorView* scale_of(std::string_view weight) const;

  // What was left out and why, a sentence each.
  const std::vector<std::string>& notes() const { return notes_; }
  size_t file_count() const { return files_.size(); }
  int64_t stored_bytes() const;   // of tensors()
  std::map<std::string, int64_t> dtype_counts() const;

  // Looks for NaN and infinity in one of tensors(). The error names the tensor and the index of the first. Reads all its bytes.
  Status check_values(const TensorView& tensor) const;

 private:
  Checkpoint() = default;

  std::string directory_;
  ModelConfig config_;
  std::vector<std::shared_ptr<const SafetensorsFile>> files_;
  std::vector<TensorView> tensors_;
  std::vector<std::string> notes_;
};

}  // namespace assay
