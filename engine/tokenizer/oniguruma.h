// Regular expressions of tokenizer.json files are written for Oniguruma, which Hugging Face tokenizers uses; ours are run by PCRE2.
// Both read most of what tokenizers use alike. What they read differently is rewritten (\s, \p{Han}) or refused by name (\w, \h, $,
// classes within classes, "{1,3}+" and other such).
//
// Admitted: literals, ., classes without nesting, \p{general category or Han}, \s \S \d \D, \r \n \t \f \xHH \x{H…} \uHHHH, escaped
// punctuation, alternatives, groups (plain, ?: ?i: ?= ?! ?<= ?<! ?>), of characters and classes the quantifiers * + ? (greedy, lazy or
// possessive) and {n} {n,} {n,m} (greedy), and "?" of groups. As no group repeats, a match needs no stack that grows with the text.
#pragma once

#include <string>
#include <string_view>

#include "envs/base/status.h"

namespace assay {

// `pattern` (UTF-8) as PCRE2 reads it, or what is refused in it. `where` names the pattern in errors.
Result<std::string> translate_oniguruma(std::string_view pattern, const std::string& where);

}  // namespace assay
