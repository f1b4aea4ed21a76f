// The system calls a confined program may make, as a filter compiled once by the launcher and loaded by each run.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "envs/base/status.h"

namespace assay::launcher {

struct SeccompFilter {
  std::vector<sock_filter> program;
};

// Everything that is not listed is refused with EPERM (clone3 with ENOSYS, so that the C library falls back to clone, whose
// flags can be examined); a call by another architecture's numbers (32-bit, x32) kills the process. `watch`: connect and
// addressed sendto wait for the run's supervisor, who writes down where to, and lets them go on to fail in their empty
// network namespace.
enum class Watch { kNothing, kConnections };
Result<SeccompFilter> make_seccomp_filter(Watch watch);

// Loads the filter into this thread. The listener's descriptor with kConnections, else 0; -1 with errno.
int load_seccomp(const SeccompFilter& filter, Watch watch);

}  // namespace assay::launcher
