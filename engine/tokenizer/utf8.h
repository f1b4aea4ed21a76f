// UTF-8 as the Unicode Standard defines it (section 3.9): no overlong form, no surrogate, nothing beyond U+10FFFF. Where bytes are
// replaced, each maximal subpart of an ill-formed sequence becomes one U+FFFD, as in Rust's from_utf8_lossy and in browsers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace assay {

constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

// What stands at the beginning of a text.
struct Utf8Character {
  enum class Form { kWhole, kBroken, kCut };  // kCut: the text ends before the character does

  Form form = Form::kWhole;
  uint32_t code = 0;   // of a whole character
  size_t length = 0;   // bytes: of the character, or of what one U+FFFD replaces
};

// `text` is not empty.
Utf8Character read_utf8(std::string_view text);

// The last character of a text of whole characters that is not empty.
std::string_view last_character(std::string_view text);

void append_utf8(uint32_t code, std::string& out);

// Bytes before the first that belongs to no whole character; text.size() if all do.
size_t utf8_prefix(std::string_view text);

std::string replace_broken_utf8(std::string_view text);

// The same over a text that comes in pieces of any size: gives out a character when it is whole.
class Utf8Stream {
 public:
  // Appends what is certain to `out`.
  void push(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  std::string held_;  // the beginning of a character, at most 3 bytes between calls
};

}  // namespace assay
