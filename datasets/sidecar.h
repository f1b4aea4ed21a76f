// The folders beside a store: files that are named by their content or by what they are about, and layers of file trees.
#pragma once

#include <string>

#include "envs/base/status.h"

namespace assay {

// Copies what is below the folder `from` and not below `to`, files as they are with their modes and links as links. A folder named
// by 64 hexadecimal digits (a layer) is copied whole or not at all, a file too: each is written beside its place and renamed.
// Nothing happens if there is no such folder.
Status copy_missing(const std::string& from, const std::string& to);

}  // namespace assay
