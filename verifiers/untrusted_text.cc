#include "verifiers/untrusted_text.h"

#include <algorithm>
#include <cstring>

#include "envs/base/utf8.h"

namespace assay {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr uint64_t kHighBits = 0x8080808080808080, kSpaces = 0x2020202020202020;

// Bytes up to the first one that is not printable ASCII; DEL passes for printable.
size_t plain_bytes(std::string_view text) {
  size_t at = 0;
  for (uint64_t eight; text.size() - at >= 8; at += 8) {
    std::memcpy(&eight, text.data() + at, 8);
    if (((eight - kSpaces) | eight) & kHighBits) break;
  }
  while (at < text.size() && text[at] >= ' ') ++at;
  return at;
}

// Bytes of the sequence that begins with the escape character at the front (ECMA-48: CSI, OSC and the two-byte ones).
size_t escape_bytes(std::string_view text) {
  if (text.size() < 2) return text.size();
  size_t at = 2;
  if (text[1] == '[') {
    while (at < text.size() && text[at] >= ' ' && text[at] <= '?') ++at;
    return std::min(at + 1, text.size());
  }
  if (text[1] == ']') {
    while (at < text.size() && text[at] != '\a' && text[at] != '\x1b') ++at;
    return std::min(at + (at < text.size() && text[at] == '\x1b' ? 2 : 1), text.size());
  }
  return static_cast<unsigned char>(text[1]) < 0x80 ? 2 : 1;
}

}  // namespace

std::string_view cleaned(std::string_view text, std::string& scratch) {
  size_t plain = plain_bytes(text);
  if (plain == text.size()) return text;
  scratch.clear();
  while (true) {
    scratch.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return scratch;
    size_t bytes = 1;
    if (text[0] == '\x1b') {
      bytes = escape_bytes(text);
    } else if (static_cast<unsigned char>(text[0]) < 0x80) {
      scratch.push_back(' ');
    } else if ((bytes = character_bytes(text.data(), text.data() + text.size())) > 0) {
      scratch.append(text.substr(0, bytes));
    } else {
      scratch.append(kReplacement);
      bytes = 1;
    }
    text.remove_prefix(bytes);
    plain = plain_bytes(text);
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

size_t character_start(std::string_view text, size_t at) {
  if (at >= text.size()) return text.size();
  while (at > 0 && (text[at] & 0xC0) == 0x80) --at;
  return at;
}

bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<int64_t> skip_number(std::string_view& text) {
  int64_t value = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return {};
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

std::optional<std::string_view> skip_past(std::string_view& text, std::string_view mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return {};
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + mark.size());
  return before;
}

bool UntrustedLines::next() {
  if (!open_) {
    if (rest_.empty()) return false;
    const size_t feed = rest_.find('\n');
    fed_ = feed != std::string_view::npos;
    pending_ = rest_.substr(0, feed);
    rest_.remove_prefix(fed_ ? feed + 1 : rest_.size());
    if (fed_ && pending_.ends_with('\r')) pending_.remove_suffix(1);
    open_ = true;
  }
  const size_t back = pending_.find('\r');
  open_ = back != std::string_view::npos;
  ended_ = open_ || fed_;
  line_ = cleaned(pending_.substr(0, back), scratch_);
  if (open_) pending_.remove_prefix(back + 1);
  return true;
}

}  // namespace assay
