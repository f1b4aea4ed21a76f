// What a forward can show of itself, and what can be forced on it: for parity with other implementations, for replaying recorded
// experts, for looking.
#pragma once

#include <cstdint>
#include <vector>

namespace assay {

// One layer of one forward; rows in the order of the batch. Choices are the layer's own, also where others were forced on it: so each
// choice of another implementation can be compared on that implementation's own path, where earlier ties have no consequences.
struct LayerTrace {
  std::vector<float> hidden;                     // [rows, hidden_size]: after the layer
  std::vector<std::vector<int32_t>> selected;    // [rows]: token positions, ascending
  std::vector<std::vector<float>> index_scores;  // [rows]: the indexer's scores of all visible tokens; empty where none were needed
  std::vector<std::vector<int32_t>> experts;     // [rows], ascending; MoE layers only
  std::vector<std::vector<float>> choice_scores; // [rows, n_routed_experts]: sigmoid + bias; MoE layers only
};

struct Trace {
  std::vector<LayerTrace> layers;
};

// What to use instead of choosing. An empty row, or a layer left out, chooses for itself.
struct ForcedLayer {
  std::vector<std::vector<int32_t>> selected;   // [rows], ascending, each below the row's length
  std::vector<std::vector<int32_t>> experts;    // [rows], num_experts_per_tok distinct experts each
};

struct Forced {
  std::vector<ForcedLayer> layers;
};

}  // namespace assay
