// A language of completions, walked token by token: which tokens of a vocabulary keep a text inside it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/grammar/language.h"
#include "engine/tokenizer/tokenizer.h"

namespace assay {

// The texts of all tokens as one tree over their bytes. Immutable; any thread may use it.
class TokenTree {
 public:
  // Ids from the tokenizer's size to `vocab_size` have no text. Special tokens are no text either and are left out, save the one
  // whose text is `end`.
  TokenTree(Tokenizer tokenizer, int64_t vocab_size, std::string_view end);

  std::string_view bytes_of(int32_t token) const { return tokenizer_.bytes_of(token); }
  std::optional<int32_t> id_of(std::string_view token) const { return tokenizer_.id_of(token); }
  int64_t vocab_size() const { return vocab_size_; }
  int64_t size() const { return static_cast<int64_t>(nodes_.size()); }

 private:
  friend class TokenGrammar;

  // In the order of a walk from the root that visits children by their bytes; a node's descendants follow it.
  struct Node {
    int32_t end = 0;           // of its descendants
    int32_t first_token = 0;   // in tokens_; the next node's first_token is past its last
    uint16_t depth = 0;        // bytes from the root, which has no node
    uint8_t byte = 0;
  };

  Tokenizer tokenizer_;
  int64_t vocab_size_;
  std::vector<Node> nodes_;       // and one more, behind all
  std::vector<int32_t> tokens_;   // sorted by text
  size_t deepest_ = 0;
};

// [ceil(vocab_size / 64)]: token t is bit t % 64 of word t / 64.
using TokenMask = std::vector<uint64_t>;

// Used by one thread at a time, such as an engine's. Masks are kept, within a bound.
class TokenGrammar {
 public:
  static constexpr int64_t kKeptBytes = int64_t{64} << 20;

  explicit TokenGrammar(std::shared_ptr<const TokenTree> tokens) : tokens_(std::move(tokens)) {}

  Languages& languages() { return languages_; }
  const TokenTree& tokens() const { return *tokens_; }

  Language after(Language state, int32_t token);
  // The tokens after which a text of the language can still follow, of `bytes` bytes at most; where no token leaves it so short, those
  // that bring its end nearer. A mask is kept if the bound does not cut it.
  std::shared_ptr<const TokenMask> allowed(Language state, int64_t bytes = Languages::kNever);

 private:
  struct Walk {
    std::shared_ptr<const TokenMask> mask;
    int64_t most_bytes = 0;   // Languages::least_bytes after any of its tokens
  };

  Walk walk(Language state, int64_t bytes);

  std::shared_ptr<const TokenTree> tokens_;
  Languages languages_;
  std::unordered_map<Language, Walk> kept_;
  std::vector<Language> path_;   // of a walk: the states on the way to a node
};

}  // namespace assay
