// The alphabet of byte-level BPE (GPT-2): a character for each byte, so that a vocabulary of any bytes is text. Printable bytes of
// Latin-1 stand for themselves, the other 68 for the characters from U+0100 on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay {

// `byte`'s character in UTF-8.
std::string byte_character(uint8_t byte);

// "Ġthe" for " the".
std::string to_byte_characters(std::string_view bytes);

// The bytes that `text` (UTF-8) writes; nothing if a character of it stands for none.
std::optional<std::string> from_byte_characters(std::string_view text);

}  // namespace assay
