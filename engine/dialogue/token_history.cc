#include "engine/dialogue/token_history.h"

#include <algorithm>

namespace assay {

TokenHistory::Turn TokenHistory::turn(std::string_view text, const Tokenizer& tokenizer) {
  Turn turn;
  size_t same = 0;
  for (; same < pieces_.size() && text.starts_with(pieces_[same].text); ++same) {
    text.remove_prefix(pieces_[same].text.size());
    turn.shared += static_cast<int64_t>(pieces_[same].tokens.size());
  }
  std::vector<int32_t> old;
  for (size_t i = same; i < pieces_.size(); ++i) old.insert(old.end(), pieces_[i].tokens.begin(), pieces_[i].tokens.end());
  pieces_.resize(same);
  pieces_.push_back({std::string(text), tokenizer.encode(text)});
  const std::vector<int32_t>& made = pieces_.back().tokens;
  // One token at least is computed again, for the logits that follow it.
  const auto most = static_cast<std::ptrdiff_t>(std::min(old.size(), made.empty() ? 0 : made.size() - 1));
  const auto differs = std::mismatch(old.begin(), old.begin() + most, made.begin()).second;
  turn.shared += differs - made.begin();
  turn.prompt.assign(differs, made.end());
  return turn;
}

void TokenHistory::add_sampled(std::span<const int32_t> tokens, std::string text) { pieces_.push_back({std::move(text), {tokens.begin(), tokens.end()}}); }

int64_t TokenHistory::size() const {
  int64_t size = 0;
  for (const Piece& piece : pieces_) size += static_cast<int64_t>(piece.tokens.size());
  return size;
}

}  // namespace assay
