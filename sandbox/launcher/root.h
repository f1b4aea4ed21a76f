// The file system a run sees, built in its own mount namespace.
#pragma once

#include <string>
#include <vector>

#include "envs/base/status.h"
#include "sandbox/walls.h"

namespace assay::launcher {

// Everything the launcher mounts lies below this directory, in a mount namespace of its own: nothing of it is ever seen on the
// host, and all of it is gone when the launcher is.
inline constexpr const char* kBase = "/run/assay";
inline const std::string kRootPoint = std::string(kBase) + "/root";

// A directory that becomes a read-only layer, or the writable one. `mount` is the mount it lies in, `inside` the path there.
struct Branch {
  std::string mount, inside;
};

struct RootSpec {
  std::vector<Branch> lower;   // lowest first
  Branch upper, work;          // of one mount
  bool host_programs = true;   // the host's /usr and what belongs to it
  int id_map = -1;             // a user namespace that maps kLayerUid to the run's; -1: not needed
  Walls walls = Walls::all();
};

// Once, by the launcher: the directories and the skeletons that every root begins with. In its own mount namespace.
Status prepare_base();
// The lowest layer of every root: /work, /tmp, /home/user, /etc with what programs look for, and links to the host's /usr.
Branch skeleton();
// A file system in memory for one writable layer, mounted at base/w/NUMBER. Zero for no bound.
Status mount_layer(const std::string& point, int64_t bytes, int64_t files);

// Mounts the stack of branches alone at kRootPoint, in this process's own mount namespace.
Status build_overlay(const RootSpec& spec);
// By the run's first process: mounts everything at kRootPoint.
Status build_root(const RootSpec& spec);
// Makes kRootPoint the root; the old one is gone afterwards.
Status enter_root();

}  // namespace assay::launcher
