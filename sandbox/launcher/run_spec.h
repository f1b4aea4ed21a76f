// One run as the launcher is told it (see RunRequest in envs/executor.h), and what it tells back.
#pragma once

#include <string>
#include <vector>

#include "envs/executor.h"
#include "sandbox/protocol.h"
#include "sandbox/walls.h"

namespace assay::launcher {

// Host user ids of confined programs. What lies in a layer belongs to kLayerUid, so a set-user-id file in a workspace gives
// its caller the rights of nobody. Run slots have their own ids above it.
inline constexpr unsigned kLayerUid = 1'879'048'192;
inline constexpr unsigned kSlotUid = kLayerUid + 2;   // slot n: program kSlotUid + 2n, its init kSlotUid + 2n + 1
inline constexpr int kSlots = 1024;
inline constexpr unsigned kInsideUid = 1000;          // as which a program sees itself

struct RunSpec {
  std::vector<std::string> argv, environment;   // environment as NAME=VALUE
  std::string directory;
  RunLimits limits;
  Walls walls = Walls::all();
  bool proxy = false;
  bool host_programs = true;         // the host's /usr, read-only
  Fd in, out, err, control;
};

RunSpec run_spec_from(const Json& json, std::vector<Fd> fds);

}  // namespace assay::launcher
