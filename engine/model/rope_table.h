// Cosines and sines of rotary positions: plain, linear and YaRN frequencies (arXiv 2309.00071).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/checkpoint/model_config.h"

namespace assay {

class RopeTable {
 public:
  explicit RopeTable(const ModelConfig& config);

  // Rows of [pairs] cosines and sines for these positions. Angles are float32 products of position and frequency, as the
  // reference implementations have them, so that long positions agree with theirs.
  void fill(std::span<const int64_t> positions, float* cosines, float* sines) const;

  int64_t pairs() const { return static_cast<int64_t>(frequencies_.size()); }

 private:
  std::vector<float> frequencies_;
  float attention_factor_ = 1;
};

}  // namespace assay
