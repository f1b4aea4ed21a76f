#include "datasets/word_text.h"

#include "envs/base/rng.h"
#include "envs/base/utf8.h"

namespace assay {
namespace {

constexpr uint64_t kBase = 0x9e3779b97f4a7c15ULL;   // of the rolling polynomial over the words' hashes; odd

enum class Part { kSeparator, kLetter, kWord };

// The code point of a well-formed character of 2 to 4 bytes.
uint32_t code_point(const char* at, size_t bytes) {
  uint32_t code = static_cast<unsigned char>(at[0]) & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) code = code << 6 | (static_cast<unsigned char>(at[i]) & 0x3f);
  return code;
}

Part part_of(uint32_t code) {
  const auto in = [code](uint32_t first, uint32_t last) { return code >= first && code <= last; };
  if (in(0x3040, 0x30ff) || in(0x3400, 0x4dbf) || in(0x4e00, 0x9fff) || in(0xf900, 0xfaff) || in(0x20000, 0x3ffff)) return Part::kWord;
  const bool mark = in(0x80, 0xbf) || in(0x2000, 0x2bff) || in(0x2e00, 0x303f) || in(0xfe00, 0xfe6f) || in(0xff00, 0xff0f) || in(0xff1a, 0xff20);
  return mark ? Part::kSeparator : Part::kLetter;
}

bool ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

WordText::WordText(std::string_view text) {
  joined_.reserve(text.size() + 1);
  starts_ = {0};
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const size_t bytes = character_bytes(at, end);
    if (bytes == 0) {   // ASCII, or malformed
      const char c = *at >= 'A' && *at <= 'Z' ? static_cast<char>(*at - 'A' + 'a') : *at;
      if (ascii_letter(c)) joined_ += c;
      else end_word();
      ++at;
      continue;
    }
    const Part part = part_of(code_point(at, bytes));
    if (part != Part::kLetter) end_word();
    if (part != Part::kSeparator) joined_.append(at, bytes);
    if (part == Part::kWord) end_word();
    at += bytes;
  }
  end_word();
  if (!joined_.empty()) joined_.pop_back();
}

void WordText::end_word() {
  const size_t start = starts_.back();
  if (joined_.size() == start) return;
  hashes_.push_back(stream_of(std::string_view(joined_).substr(start)));
  joined_ += ' ';
  starts_.push_back(static_cast<uint32_t>(joined_.size()));
}

std::string_view WordText::words(size_t first, size_t count) const {
  const size_t start = starts_[first], end = starts_[first + count];
  return std::string_view(joined_).substr(start, end == start ? 0 : end - 1 - start);
}

std::vector<uint64_t> WordText::gram_hashes(size_t n) const {
  std::vector<uint64_t> grams;
  if (n == 0 || size() < n) return grams;
  grams.reserve(size() - n + 1);
  uint64_t first_weight = 1, rolling = 0;
  for (size_t i = 1; i < n; ++i) first_weight *= kBase;
  for (size_t i = 0; i < size(); ++i) {
    if (i >= n) rolling -= hashes_[i - n] * first_weight;
    rolling = rolling * kBase + hashes_[i];
    if (i + 1 >= n) grams.push_back(mix64(rolling));
  }
  return grams;
}

}  // namespace assay
