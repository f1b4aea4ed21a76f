// Which licence a repository declares, told from the text of its licence file.
#pragma once

#include <string>
#include <string_view>

namespace assay {

// Whether a file of this name in a repository's root is its licence: "LICENSE", "COPYING.txt", "MIT-LICENSE" …
bool is_licence_file(std::string_view name);

// The SPDX identifier of the one licence whose distinctive words a text has; "" where there is none, or more than one: whether the two
// are a choice or both hold is not to be told from words.
std::string spdx_licence(std::string_view text);

}  // namespace assay
