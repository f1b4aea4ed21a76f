// The second wall around files: what a program may write stays so even where the first wall, its own root, has a hole. From
// Landlock version 6 on, also around abstract sockets and signals.
#pragma once

#include <string>
#include <vector>

#include "envs/base/status.h"

namespace assay::launcher {

// 0 where the kernel has none.
int landlock_version();
// Confines this thread; no-new-privs must be set. Paths that do not exist are left out.
Status restrict_by_landlock(const std::vector<std::string>& readable, const std::vector<std::string>& writable);

}  // namespace assay::launcher
