#include "envs/base/text_reader.h"

#include <cstdint>
#include <cstring>

#include "envs/base/json_escapes.h"
#include "envs/base/utf8.h"

namespace assay {

// The first byte from `from` on that is_special, or the end.
const char* TextReader::plain_end(const char* from) const {
  while (end_ - from >= 8) {
    uint64_t eight;
    std::memcpy(&eight, from, 8);
    const uint64_t found = special_bits(eight);
    if (found) return from + std::countr_zero(found) / 8;
    from += 8;
  }
  while (from < end_ && !is_special(*from)) ++from;
  return from;
}

// Behind the backslash.
bool TextReader::take_escape(std::string& out) {
  if (at_ == end_) return false;
  for (size_t i = 0; i < kShortEscapes.size(); i += 2) {
    if (kShortEscapes[i + 1] != *at_) continue;
    out += kShortEscapes[i];
    ++at_;
    return true;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (!take("u00") || end_ - at_ < 2) return false;
  const size_t high = kDigits.find(at_[0]), low = kDigits.find(at_[1]);
  if (high > 1 || low == std::string_view::npos) return false;
  out += static_cast<char>(high * 16 + low);
  at_ += 2;
  return true;
}

std::string TextReader::json_string() {
  std::string out;
  expect("\"");
  while (!failed()) {
    const char* const plain = plain_end(at_);
    out.append(at_, plain);
    at_ = plain;
    if (take("\"")) return out;
    if (take("\\")) {
      if (!take_escape(out)) fail();
      continue;
    }
    const size_t bytes = at_ == end_ ? 0 : character_bytes(at_, end_);
    if (bytes == 0) fail();   // the end, a control character, or malformed
    else out.append(at_, bytes), at_ += bytes;
  }
  return {};
}

std::string_view TextReader::until(char stop) {
  const size_t bytes = rest().find(stop);
  if (failed() || bytes == std::string_view::npos) return fail(), std::string_view();
  at_ += bytes;
  return {at_ - bytes, bytes};
}

std::string_view TextReader::json_object() {
  if (!rest().starts_with('{')) return fail(), std::string_view();
  const char* const start = at_;
  int64_t depth = 0;
  do {
    if (failed() || at_ == end_) return fail(), std::string_view();
    if (*at_ == '"') {
      (void)json_string();
      continue;
    }
    depth += *at_ == '{';
    depth -= *at_ == '}';
    ++at_;
  } while (depth > 0);
  return failed() ? std::string_view() : std::string_view(start, static_cast<size_t>(at_ - start));
}

}  // namespace assay
