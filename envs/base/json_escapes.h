// What of a text cannot stand as it is inside a JSON string, looked for eight bytes at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace assay {

inline constexpr std::string_view kShortEscapes = "\"\"\\\\\bb\ff\nn\rr\tt";  // pairs: character, the letter after the backslash

inline bool is_special(char c) { return c == '"' || c == '\\' || static_cast<signed char>(c) < 0x20; }

// The top bit of every byte that is_special: quote, backslash, control, not ASCII. Bits above the lowest may lie.
inline uint64_t special_bits(uint64_t eight) {
  static_assert(std::endian::native == std::endian::little, "the first byte of a word is its lowest");
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = kOnes * 0x80;
  const auto zero = [](uint64_t bytes) { return (bytes - kOnes) & ~bytes; };
  const uint64_t control = (eight - kOnes * 0x20) & ~eight;
  return (zero(eight ^ (kOnes * '"')) | zero(eight ^ (kOnes * '\\')) | control | eight) & kHighs;
}

}  // namespace assay
