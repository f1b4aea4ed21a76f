// Limits on a whole tree of processes, through control groups of version 2 or 1, whichever the machine has; nothing is ever
// mounted or remounted. Each run has groups of its own below the launcher's, named assay-NAMESPACE-PID-START-N after the launcher, so
// that what a killed launcher left is known and swept by the next one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "sandbox/walls.h"

namespace assay::launcher {

// Where runs get their groups: found once by the launcher.
struct CgroupRoots {
  int version = 0;                     // 2, 1, or 0: none that can be used
  std::string memory, processes, cpu, cpuacct;   // directories; with version 2 all the same
  std::string prefix;                  // "assay-NAMESPACE-PID-START-"
  std::optional<Error> problem;        // why there is none

  static CgroupRoots find();
  // Kills and removes the groups of launchers that are no more. Returns how many were removed.
  int sweep() const;
};

struct CgroupUsage {
  int64_t cpu_us = -1, peak_memory_bytes = -1;
  bool out_of_memory = false, out_of_processes = false;
};

// The groups of one run. Removed by remove(), which must succeed once all its processes are gone.
class Cgroup {
 public:
  // Without a wall, its limit is left out. An error names the file that could not be written.
  static Result<Cgroup> create(const CgroupRoots& roots, int64_t number, const RunLimits& limits, Walls walls);
  // Version 1: moves the calling thread in. A thread that moves itself, alone, needs no lock of the whole machine; moving
  // another process does, and waits for tens of milliseconds now and then.
  Status enter() const;
  // Version 2: a directory for clone3's CLONE_INTO_CGROUP, which needs no move at all. -1 with version 1.
  Result<int> open_for_clone() const;
  CgroupUsage usage() const;
  int64_t cpu_us() const;
  void kill() const;
  bool remove();

 private:
  int version_ = 0;
  std::vector<std::string> directories_;
  std::string memory_, processes_, cpu_, cpuacct_;
};

}  // namespace assay::launcher
