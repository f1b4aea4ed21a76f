// Held-out texts, benchmarks say, and what shares words with them.
//
// The rule: a text is contaminated if it has a run of n words (datasets/word_text.h) that stands in a held-out text, too; n is 13 by
// default, as in Brown et al. 2020 (arXiv 2005.14165, appendix C). A held-out text of fewer than n words cannot be told from ordinary
// speech and is passed over, counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "datasets/word_text.h"
#include "envs/base/status.h"

namespace assay {

// Filled by one thread, then read by any number.
class HeldOut {
 public:
  struct Match {
    std::string where;   // "gsm8k.jsonl:17"
    std::string words;   // the longest common run that begins where the first one does
  };

  explicit HeldOut(size_t gram_words) : n_(gram_words) {}

  // *.jsonl, *.ndjson and *.json: JSON lines, of which every string counts, wherever it stands in its line. Anything else is plain
  // text in UTF-8; an empty line ends a text. At most 1 GiB a file; a line that is no JSON is an Error that names it.
  Status add_file(const std::string& path);
  void add(std::string_view text, std::string where);

  // The first run of words of `text` that is held out, if any is.
  std::optional<Match> find(std::string_view text) const;

  int64_t texts() const { return static_cast<int64_t>(texts_.size()); }
  int64_t too_short() const { return too_short_; }

 private:
  struct Text {
    WordText words;
    std::string where;
  };
  struct Place {
    uint32_t text, word;
  };

  const size_t n_;
  std::vector<Text> texts_;
  std::unordered_map<uint64_t, Place> grams_;   // the first place of each
  int64_t too_short_ = 0;
};

}  // namespace assay
