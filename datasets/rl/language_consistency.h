// The language-consistency reward (arXiv 2501.12948, section 2.3.2): the share of words that are of the language asked for.
//
// Languages are told apart by their scripts, so English and French are one. A word is a run of letters of one script; of Chinese and
// Japanese each character is one. What is between ``` and ``` is code and counts for nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "envs/base/status.h"

namespace assay {

class Language {
 public:
  // "en", "zh", "ja", "ko", "ru", "ar", "el", "he", "hi", "th"; another name is refused with the known ones.
  static Result<Language> named(const std::string& code);

  // From 0 to 1; 1 for a text without words. Bytes that are not UTF-8 are passed over.
  double consistency(std::string_view text) const;

 private:
  explicit Language(unsigned scripts) : scripts_(scripts) {}
  unsigned scripts_;  // a bit each
};

}  // namespace assay
