// Text put together piece by piece, JSON strings among it, at the speed of memory.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace assay {

// Grows without clearing what it grows by, which std::string cannot.
class TextWriter {
 public:
  void put(std::string_view raw) {
    if (raw.empty()) return;
    reserve(raw.size());
    std::memcpy(bytes_.get() + size_, raw.data(), raw.size());
    size_ += raw.size();
  }
  template <typename Integer>
  void put_integer(Integer value) {
    char digits[24];
    put({digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, value).ptr - digits)});
  }
  // As a JSON string, quotes included: only quotes, backslashes and control characters are escaped, malformed UTF-8 is replaced.
  // The same bytes as canonical_json and Python's json.dumps(ensure_ascii=False).
  void put_json_string(std::string_view text);

  void reserve(size_t more_bytes);
  void clear() { size_ = 0; }
  std::string_view view() const { return {bytes_.get(), size_}; }
  std::string text() const { return std::string(view()); }

 private:
  char* put_escape(char* to, char c);
  bool put_slice(const char*& at, const char* stop, const char* end);

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0, capacity_ = 0;
};

}  // namespace assay
