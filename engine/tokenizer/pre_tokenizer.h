// Cuts a text into the words that BPE encodes, by the "pre_tokenizer" of a tokenizer.json: Split (a regular expression or a string;
// Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous; invert), Digits, ByteLevel, and Sequences of them, each cutting
// what the one before left.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/bpe.h"
#include "engine/tokenizer/regex.h"
#include "envs/base/json.h"

namespace assay {

class PreTokenizer {
 public:
  // `pre_tokenizer` is the member at `path` in `file`; null cuts nothing. Anything else than the above is an error that names it.
  static Result<PreTokenizer> read(const Json& pre_tokenizer, const std::string& file, const std::string& path);

  // Bytes where the last step is ByteLevel, characters otherwise.
  Alphabet alphabet() const { return alphabet_; }

  // Calls `word` for each word of `text` (UTF-8), in order. A word is never empty and lives until `word` returns.
  void cut(std::string_view text, Regex::Scratch& scratch, const std::function<void(std::string_view)>& word) const;

 private:
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  struct Step {
    std::optional<Regex> regex;  // nothing: cuts nothing
    Behavior behavior = Behavior::kIsolated;
    bool invert = false;
    bool prefix_space = false;   // first puts a space where none begins the text
  };
  struct Piece;
  class Cutter;

  Status add_steps(const Json& step, const std::string& file, const std::string& path);
  Status add_split(JsonReader& reader);
  Status add_byte_level(JsonReader& reader);

  std::vector<Step> steps_;
  Alphabet alphabet_ = Alphabet::kCharacters;
};

}  // namespace assay
