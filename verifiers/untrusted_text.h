// Text that nobody vouches for, as what can be read of it: colours, cursor movements and other control characters taken out, what is
// no UTF-8 replaced. All of it is linear, and free where the text is plain.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

// `text` without ANSI sequences, each other control character as one space, each malformed byte as U+FFFD. The view is of `text`
// itself where that is plain, else of `scratch`.
std::string_view cleaned(std::string_view text, std::string& scratch);

// Without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text);

// The greatest position up to `at` where a character begins.
size_t character_start(std::string_view text, size_t at);

// Takes `prefix` from the front of `text`, if it is there.
bool skip(std::string_view& text, std::string_view prefix);
// Takes a decimal number without a sign from the front.
std::optional<int64_t> skip_number(std::string_view& text);
// Takes what stands before `mark`, and the mark; nothing where it is missing.
std::optional<std::string_view> skip_past(std::string_view& text, std::string_view mark);

// The lines of a text, which end with LF, CRLF or CR (what a progress bar returns with), cleaned.
class UntrustedLines {
 public:
  explicit UntrustedLines(std::string_view text) : rest_(text) {}

  bool next();                                      // false where there is no further line
  std::string_view line() const { return line_; }   // until next()
  bool ended() const { return ended_; }             // the line had its end; a last one that was cut off has not

 private:
  std::string_view rest_;          // after the present LF
  std::string_view pending_;       // of the line up to that LF, what is not yet told
  bool open_ = false;              // something is pending, an empty line perhaps
  bool fed_ = false, ended_ = true;
  std::string_view line_;
  std::string scratch_;
};

}  // namespace assay
