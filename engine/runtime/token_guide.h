// Steers one turn token by token: says what may come next, hears what came, and may end the turn. Constrained decoding, thinking
// budgets and stopping at a tool call are guides.
//
// Called by the engine's thread between two steps of the whole batch: once for each sampled token, allowed() then accept(). Neither
// may block. Both must be functions of the tokens accepted so far, or the turn repeats itself no more.
#pragma once

#include <cstdint>
#include <span>

namespace assay {

class TokenGuide {
 public:
  enum class Next { kContinue, kStop };   // kStop: the token stays and ends the turn

  virtual ~TokenGuide() = default;
  // [ceil(vocab_size / 64)]: bit t % 64 of word t / 64 says that token t may come next; empty: every token may. Valid until the
  // next call. If no token may come, the turn ends with an error of kPolicy.
  virtual std::span<const uint64_t> allowed() = 0;
  virtual Next accept(int32_t token) = 0;
};

}  // namespace assay
