// Keeps what each computed token chose beside the block that holds it, so whoever shares the block has it too; makes the record of a
// finished turn.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/runtime/sequence.h"

namespace assay {

class Recorder {
 public:
  Recorder(const ModelConfig& config, int64_t pages);
  // Memory of records of so many pages, all of them used.
  static int64_t bytes_needed(const ModelConfig& config, int64_t pages);

  // `count` rows of a forward's choices, from row `first` on, are those of the tokens that the sequence computed last.
  void note(const Choices& choices, int64_t first, int64_t count, const CachedSequence& sequence);
  // Of the open turn, all of whose tokens but the last are computed.
  TokenTurn record(Sequence& sequence, const std::string& policy_version) const;

 private:
  struct Page {
    std::vector<uint16_t> experts;      // [64, of_row_]
    std::vector<uint64_t> selections;   // [64]
  };

  const int32_t expert_layers_, experts_per_token_;
  const int64_t of_row_;
  std::vector<Page> pages_;   // filled when first written to
};

// What TokenTurn::selection_digest is: SHA-256 over the selections of choices.h, eight bytes each, the lowest first.
std::string selection_digest(std::span<const uint64_t> selections);

}  // namespace assay
