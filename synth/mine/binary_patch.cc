#include "synth/mine/binary_patch.h"

#include <zlib.h>

#include <array>
#include <charconv>
#include <cstdint>

namespace assay {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

Error malformed(const char* what) { return input_error(std::string("malformed binary patch: ") + what); }

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// A line holds up to 52 bytes: how many, as A-Z for 1 to 26 and a-z for 27 to 52, then five digits for every four bytes begun.
Status decode_line(std::string_view line, std::string& out) {
  static const std::array<int8_t, 256> values = [] {
    std::array<int8_t, 256> table;
    table.fill(-1);
    for (size_t i = 0; i < kDigits.size(); ++i) table[static_cast<unsigned char>(kDigits[i])] = static_cast<int8_t>(i);
    return table;
  }();
  const char first = line[0];
  size_t bytes = first >= 'A' && first <= 'Z' ? static_cast<size_t>(first - 'A' + 1) : first >= 'a' && first <= 'z' ? static_cast<size_t>(first - 'a' + 27) : 0;
  if (bytes == 0 || line.size() - 1 != (bytes + 3) / 4 * 5) return malformed("a line's length is not what it says");
  for (size_t at = 1; at < line.size(); at += 5) {
    uint64_t value = 0;
    for (char c : line.substr(at, 5)) {
      const int8_t digit = values[static_cast<unsigned char>(c)];
      if (digit < 0) return malformed("not a digit of base 85");
      value = value * 85 + static_cast<uint64_t>(digit);
    }
    if (value > UINT32_MAX) return malformed("five digits are more than four bytes hold");
    for (int shift = 24; shift >= 0 && bytes > 0; shift -= 8, --bytes) out += static_cast<char>(value >> shift & 0xff);
  }
  return {};
}

// `deflated` as exactly `bytes` bytes.
Result<std::string> inflate_exactly(const std::string& deflated, size_t bytes) {
  std::string out(bytes + 1, '\0');   // one more, so that content which is too long shows
  uLongf length = out.size();
  const int code = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &length, reinterpret_cast<const Bytef*>(deflated.data()), deflated.size());
  if (code != Z_OK || length != bytes) return malformed("it does not inflate to the length that it says");
  out.resize(bytes);
  return out;
}

// Numbers of a delta: seven bits a byte, lowest first.
Result<uint64_t> take_size(std::string_view& delta) {
  uint64_t value = 0;
  for (int shift = 0; shift < 63; shift += 7) {
    if (delta.empty()) break;
    const auto byte = static_cast<unsigned char>(delta.front());
    delta.remove_prefix(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (!(byte & 0x80)) return value;
  }
  return malformed("a delta's length breaks off");
}

// git's pack format, "deltified representation": copies from `before` and insertions.
Result<std::string> apply_delta(std::string_view delta, std::string_view before, size_t limit_bytes) {
  ASSAY_ASSIGN(const uint64_t old_size, take_size(delta));
  ASSAY_ASSIGN(const uint64_t new_size, take_size(delta));
  if (old_size != before.size()) return input_error("the binary patch does not fit: the file has another length");
  if (new_size > limit_bytes) return input_error("the file would be longer than " + std::to_string(limit_bytes) + " bytes");
  std::string out;
  while (!delta.empty()) {
    const auto op = static_cast<unsigned char>(delta.front());
    delta.remove_prefix(1);
    if (op == 0) return malformed("a delta with a reserved instruction");
    if (op & 0x80) {
      uint64_t offset = 0, size = 0;
      for (int bit = 0; bit < 7; ++bit) {
        if (!(op >> bit & 1)) continue;
        if (delta.empty()) return malformed("a delta breaks off");
        const uint64_t byte = static_cast<unsigned char>(delta.front());
        delta.remove_prefix(1);
        (bit < 4 ? offset : size) |= byte << (bit < 4 ? bit : bit - 4) * 8;
      }
      if (size == 0) size = 0x10000;
      if (offset > before.size() || size > before.size() - offset) return malformed("a delta copies from beyond the file");
      out += before.substr(offset, size);
    } else {
      if (delta.size() < op) return malformed("a delta breaks off");
      out += delta.substr(0, op);
      delta.remove_prefix(op);
    }
    if (out.size() > new_size) return malformed("a delta makes more than it says");
  }
  if (out.size() != new_size) return malformed("a delta makes less than it says");
  return out;
}

}  // namespace

Result<std::string> apply_binary_patch(std::string_view section, std::string_view before, size_t limit_bytes) {
  std::string_view head = take_line(section);
  const bool literal = head.starts_with("literal ");
  if (!literal && !head.starts_with("delta ")) return malformed("neither literal nor delta");
  head.remove_prefix(literal ? 8 : 6);
  size_t bytes = 0;
  const auto [end, problem] = std::from_chars(head.data(), head.data() + head.size(), bytes);
  if (problem != std::errc() || end != head.data() + head.size()) return malformed("its length is no number");
  if (bytes > limit_bytes) return input_error("the file would be longer than " + std::to_string(limit_bytes) + " bytes");
  std::string deflated;
  for (std::string_view line = take_line(section); !line.empty(); line = take_line(section)) ASSAY_TRY(decode_line(line, deflated));
  ASSAY_ASSIGN(std::string content, inflate_exactly(deflated, bytes));
  if (literal) return content;
  return apply_delta(content, before, limit_bytes);
}

}  // namespace assay
