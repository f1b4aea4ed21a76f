// What a stack of overlayfs branches changed, read from the branches themselves; hostile names and kinds of files are only
// listed, never followed.
#pragma once

#include <vector>

#include "envs/executor.h"
#include "sandbox/protocol.h"

namespace assay {

// `branches` lowest first; the first `base` are what the others changed. At most `limit` changes; more is an error.
Result<std::vector<Workspace::Change>> tree_changes(const std::vector<Fd>& branches, size_t base, size_t limit = 1'000'000);

}  // namespace assay
