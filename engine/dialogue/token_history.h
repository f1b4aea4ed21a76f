// The tokens of one conversation, as an engine's sequence has them: what a prompt says is made into tokens once, and what was sampled
// stays as it was sampled, whatever other tokens its text could be made into.
//
// A conversation is handed over whole each time, as its encoding; what it begins with is looked for in what was there. While it only
// grows, all that was there is shared. Where its history has changed (old reasoning dropped, a context strategy at work), the text is
// made into tokens anew from the first piece that differs, and the tokens that come out the same are still shared.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace assay {

class TokenHistory {
 public:
  struct Turn {
    int64_t shared = 0;            // leading tokens of what was there that stay
    std::vector<int32_t> prompt;   // what follows them; with `shared` this is the prompt, of one token at least if `text` has any
  };

  // The turn that makes the sequence say `text`, which has not begun or ended inside a token of the encoding.
  Turn turn(std::string_view text, const Tokenizer& tokenizer);

  // What the turn sampled; `text` is how encodings will say it from now on.
  void add_sampled(std::span<const int32_t> tokens, std::string text);

  int64_t size() const;

 private:
  struct Piece {
    std::string text;
    std::vector<int32_t> tokens;
  };

  std::vector<Piece> pieces_;
};

}  // namespace assay
