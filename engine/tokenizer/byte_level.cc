#include "engine/tokenizer/byte_level.h"

#include <array>

#include "engine/tokenizer/utf8.h"

namespace assay {
namespace {

constexpr uint32_t kShifted = 0x100;  // where the characters of unprintable bytes begin

constexpr bool is_printable(uint32_t byte) { return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad); }

constexpr std::array<uint32_t, 256> kCodes = [] {
  std::array<uint32_t, 256> codes{};
  uint32_t next = kShifted;
  for (uint32_t byte = 0; byte < 256; ++byte) codes[byte] = is_printable(byte) ? byte : next++;
  return codes;
}();

constexpr std::array<uint8_t, 68> kShiftedBytes = [] {
  std::array<uint8_t, 68> bytes{};
  for (uint32_t byte = 0; byte < 256; ++byte)
    if (!is_printable(byte)) bytes[kCodes[byte] - kShifted] = static_cast<uint8_t>(byte);
  return bytes;
}();

std::optional<uint8_t> byte_of(uint32_t code) {
  if (code < kShifted) return is_printable(code) ? std::optional(static_cast<uint8_t>(code)) : std::nullopt;
  return code < kShifted + kShiftedBytes.size() ? std::optional(kShiftedBytes[code - kShifted]) : std::nullopt;
}

}  // namespace

std::string byte_character(uint8_t byte) {
  std::string text;
  append_utf8(kCodes[byte], text);
  return text;
}

std::string to_byte_characters(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) append_utf8(kCodes[static_cast<uint8_t>(byte)], text);
  return text;
}

std::optional<std::string> from_byte_characters(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const Utf8Character character = read_utf8(text);
    const std::optional<uint8_t> byte = character.form == Utf8Character::Form::kWhole ? byte_of(character.code) : std::nullopt;
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
    text.remove_prefix(character.length);
  }
  return bytes;
}

}  // namespace assay
