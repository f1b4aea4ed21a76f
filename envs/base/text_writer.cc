#include "envs/base/text_writer.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "envs/base/json.h"
#include "envs/base/json_escapes.h"
#include "envs/base/utf8.h"

namespace assay {

void TextWriter::reserve(size_t more_bytes) {
  if (size_ + more_bytes <= capacity_) return;
  capacity_ = std::max(2 * capacity_, size_ + more_bytes);
  auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
  if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
}

char* TextWriter::put_escape(char* to, char c) {
  *to++ = '\\';
  for (size_t i = 0; i < kShortEscapes.size(); i += 2) {
    if (kShortEscapes[i] != c) continue;
    *to++ = kShortEscapes[i + 1];
    return to;
  }
  std::memcpy(to, "u00", 3);
  to[3] = "0123456789abcdef"[c >> 4];
  to[4] = "0123456789abcdef"[c & 15];
  return to + 5;
}

// From `at` until `stop` is reached; false at a malformed character. There is room for 6 bytes for each and 8 more.
bool TextWriter::put_slice(const char*& at, const char* stop, const char* end) {
  char* to = bytes_.get() + size_;
  while (at < stop) {
    if (end - at >= 8) {
      uint64_t eight;
      std::memcpy(&eight, at, 8);
      std::memcpy(to, at, 8);
      const uint64_t found = special_bits(eight);
      const int plain = found ? std::countr_zero(found) / 8 : 8;
      at += plain;
      to += plain;
      if (!found) continue;
    } else if (!is_special(*at)) {
      *to++ = *at++;
      continue;
    }
    if (static_cast<signed char>(*at) >= 0) {
      to = put_escape(to, *at++);
    } else {
      const size_t bytes = character_bytes(at, end);
      if (bytes == 0) return false;
      for (size_t i = 0; i < bytes; ++i) *to++ = *at++;
    }
  }
  size_ = static_cast<size_t>(to - bytes_.get());
  return true;
}

void TextWriter::put_json_string(std::string_view text) {
  constexpr ptrdiff_t kSlice = 1 << 16;
  const size_t start = size_;
  put("\"");
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    const ptrdiff_t slice = std::min(kSlice, end - at);
    reserve(6 * static_cast<size_t>(slice) + 32);
    if (put_slice(at, at + slice, end)) continue;
    size_ = start;  // rare, and how malformed bytes are replaced is the library's to say
    return put(canonical_json(Json(text)));
  }
  put("\"");
}

}  // namespace assay
