// A text as its words: what comparisons of texts look at, so that case, punctuation and white space do not matter.
//
// A word is a maximal run of ASCII letters and digits, lower-cased, and of other characters of scripts that separate words; each
// character of a script that does not (Han, kana) is a word of its own. Everything else separates.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

class WordText {
 public:
  explicit WordText(std::string_view text);

  size_t size() const { return hashes_.size(); }   // words
  const std::string& joined() const { return joined_; }
  // Words [first, first + count), one space between them; valid as long as this object.
  std::string_view words(size_t first, size_t count) const;
  // Of each run of n words, in their order; of fewer words than n, none. Equal runs have equal hashes, on every machine.
  std::vector<uint64_t> gram_hashes(size_t n) const;

 private:
  void end_word();

  std::string joined_;
  std::vector<uint32_t> starts_;   // [size + 1]: where each word begins; the last is where another would
  std::vector<uint64_t> hashes_;   // [size]
};

}  // namespace assay
