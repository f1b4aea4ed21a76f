// What the rows of a forward chose: small enough to be kept for every token, unlike a Trace.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/kernels/note_selection.h"

namespace assay {

struct Choices {
  std::vector<uint16_t> experts;      // [rows, layers with routed experts, experts_per_token], each token's ascending
  // [rows]: from 0, noted as note_selection.h says for each layer that selects by itself, first to last. A row that sees at most
  // index_topk tokens chooses nothing: 0, in every batch.
  std::vector<uint64_t> selections;
};

}  // namespace assay
