#include "engine/model/rope_table.h"

#include <cmath>

namespace assay {

RopeTable::RopeTable(const ModelConfig& config) : attention_factor_(static_cast<float>(config.rope.attention_factor)) {
  for (const double frequency : config.rope_frequencies()) frequencies_.push_back(static_cast<float>(frequency));
}

void RopeTable::fill(std::span<const int64_t> positions, float* cosines, float* sines) const {
  for (const int64_t position : positions)
    for (const float frequency : frequencies_) {
      const float angle = static_cast<float>(position) * frequency;
      *cosines++ = static_cast<float>(std::cos(double{angle})) * attention_factor_;
      *sines++ = static_cast<float>(std::sin(double{angle})) * attention_factor_;
    }
}

}  // namespace assay
