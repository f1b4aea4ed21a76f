// The programs of this build find each other by where they stand.
#pragma once

#include <optional>
#include <string>

namespace assay {

// The path of the program `name` beside the one that runs, or one folder above (where tests find it); null: it is not there.
std::optional<std::string> sibling_program(const std::string& name);

}  // namespace assay
