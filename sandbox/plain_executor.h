// What the backends without a root of their own share: workspaces that are directories, runs that are the launcher's plain ones,
// and a command of the backend's around the program.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/launched.h"
#include "sandbox/plain_workspace.h"

namespace assay {

// Fills in argv, environment and directory; `root` is the workspace's directory on the host.
using WrapRun = std::function<Status(const RunRequest& request, const std::string& root, LaunchPlan& plan)>;

struct PlainOptions {
  std::string backend;
  Walls walls = Walls::none();          // what the launcher itself puts up
  std::vector<std::string> missing;     // what neither it nor the wrapping command does
  WrapRun wrap;
  int64_t owner = -1;                   // user id of what is put into workspaces; -1: whoever we are
};

Result<std::unique_ptr<Executor>> make_plain_executor(const ExecutorOptions& options, PlainOptions plain);

// Walls that the launcher puts around any process; with `hello` of a launcher that has cgroups, theirs too.
Walls plain_walls(const Json& hello);

}  // namespace assay
