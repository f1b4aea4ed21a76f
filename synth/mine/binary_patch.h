// The "GIT binary patch" section of a patch (git's apply.c and diff.c): zlib in base 85, either the whole content ("literal") or a
// delta against the content before.
#pragma once

#include <string>
#include <string_view>

#include "envs/base/status.h"

namespace assay {

// The content after: `section` begins with "literal N" or "delta N"; what reverses it may follow and is not read.
Result<std::string> apply_binary_patch(std::string_view section, std::string_view before, size_t limit_bytes);

}  // namespace assay
