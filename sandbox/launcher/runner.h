// The supervisor of one run: a process of its own, forked by the launcher. It gives the run its slot and its cgroups, watches
// its limits, ends it, and says what happened.
#pragma once

#include <memory>
#include <optional>

#include "sandbox/launcher/cgroup.h"
#include "sandbox/launcher/init.h"

namespace assay::launcher {

// What the launcher knows, found once at its start.
struct Machine {
  std::optional<Error> problem; // why there is no privilege: no root, no namespaces, no overlayfs
  bool id_maps = false;         // file systems in memory can be id-mapped (Linux 6.3)
  int landlock = 0;
  CgroupRoots cgroups;
  SeccompFilter filter;         // of privileged runs: with Watch::kConnections
  SeccompFilter plain_filter;
};

struct RunJob {
  const Machine* machine = nullptr;
  RunSpec run;
  RootSpec root;
  std::string layer;            // mount point of the writable layer, to measure it
  int64_t number = 0;           // of this run
  bool plain = false;           // no workspace of the launcher's: no namespaces, no root
};

// Never returns.
[[noreturn]] void supervise(RunJob job);

}  // namespace assay::launcher
