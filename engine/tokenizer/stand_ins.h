// PCRE2 knows the characters of its own Unicode version (14 in Debian 12), Hugging Face tokenizers those of Unicode 16. Expressions are
// shown, for a character that is newer than 14, an older one of the same general category and length: 🩷 is a symbol for both then.
#pragma once

#include <string>
#include <string_view>

namespace assay {

// `text` (UTF-8) with stand-ins, as long as it; empty if it has no such character.
std::string with_stand_ins(std::string_view text);

}  // namespace assay
