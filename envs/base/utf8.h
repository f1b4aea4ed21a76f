// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace assay {

// Length of the well-formed character of more than one byte at `at`, which is before `end`; 0 if it is malformed or ASCII.
size_t character_bytes(const char* at, const char* end);

// Bytes before the first malformed character: text.size() if there is none.
size_t well_formed_bytes(std::string_view text);

// `text` with U+FFFD in the place of every byte that belongs to no well-formed character.
std::string with_replacements(std::string_view text);

}  // namespace assay
