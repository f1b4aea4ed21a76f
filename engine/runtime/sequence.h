// One conversation's tokens, what of them is computed, and the turn that is open on it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/runtime/engine.h"
#include "engine/runtime/mailbox.h"

namespace assay {

struct OpenTurn {
  TurnRequest request;
  bool begun = false;           // computed at least once, so its weights must stay
  bool cancelled = false;       // ends with the next token, which is not taken
  std::vector<Sampled> sampled;
  int64_t reused = 0, preemptions = 0;
};

struct Sequence {
  SequenceId id = 0;
  std::shared_ptr<Mailbox> mailbox;
  std::vector<int32_t> tokens;   // sampled ones included
  CachedSequence cached;         // length: tokens computed; every full page is published
  int64_t recorded = 0;          // leading tokens whose choices stand in the records of earlier turns
  std::optional<OpenTurn> turn;
  std::optional<Error> failure;  // of an earlier turn; there will be no other

  int64_t length() const { return static_cast<int64_t>(tokens.size()); }
  int64_t missing() const { return length() - cached.length; }
  std::span<const int32_t> block(int64_t index) const {
    return std::span(tokens).subspan(static_cast<size_t>(index * kPageTokens), kPageTokens);
  }
  // The last page of the first `count` blocks.
  int32_t block_before(int64_t count) const { return count == 0 ? -1 : cached.pages[static_cast<size_t>(count - 1)]; }
};

}  // namespace assay
