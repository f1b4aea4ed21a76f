// The "added_tokens" of a tokenizer.json: texts that are one token wherever they stand, found before the model sees the text. Where
// several begin at one place the longest counts, and after it the next are looked for (Hugging Face tokenizers, added_vocabulary.rs).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/regex.h"
#include "engine/tokenizer/vocabulary.h"
#include "envs/base/json.h"

namespace assay {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;        // left out of a text decoded for people
  bool single_word = false;    // only where no letter, digit, mark or _ touches it
  bool lstrip = false;         // takes the white space before it with it
  bool rstrip = false;         // and after it
  bool normalized = false;     // looked for in the normalised text, and itself normalised
};

// What may not touch a single_word: the class \w of Rust's expressions, which is Alphabetic, marks, digits, connectors and joiners.
Result<Regex> word_character();

// `tokens` is the member at `path` in `file`.
Result<std::vector<AddedToken>> read_added_tokens(const Json& tokens, const std::string& file, const std::string& path);

// Finds some of them.
class AddedTokenFinder {
 public:
  struct Pattern {
    std::string text;         // not empty
    const AddedToken* token;  // borrowed
  };

  AddedTokenFinder(std::vector<Pattern> patterns, Regex word_character);

  // Calls `part` for every part of `text` (UTF-8) in order, with the token that it is or nullptr for text
  // between tokens.
  void find(std::string_view text, Regex::Scratch& scratch, const std::function<void(std::string_view, const AddedToken*)>& part) const;

 private:
  const Pattern* longest_at(std::string_view text) const;
  bool touches_word(std::string_view text, size_t begin, size_t end, Regex::Scratch& scratch) const;

  std::vector<Pattern> patterns_;      // sorted by text
  std::array<bool, 256> begins_{};     // first bytes of patterns
  Regex word_character_;
};

}  // namespace assay
