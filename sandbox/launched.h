// The Executor's end of the launcher: starts one, asks it, and follows the runs it starts.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "sandbox/backend.h"
#include "envs/base/program.h"
#include "sandbox/protocol.h"

namespace assay {

// Thread-safe.
class LauncherClient {
 public:
  static Result<std::shared_ptr<LauncherClient>> start(const ExecutorOptions& options);

  const Json& hello() const { return hello_; }
  const std::string& path() const { return path_; }
  // One request and its answer; the answer's error is an Error.
  Result<Packet> ask(const Json& body, const std::vector<int>& fds = {});

 private:
  std::mutex mutex_;
  std::optional<Program> program_;   // ends when the socket does, which is closed before
  Fd socket_;
  std::string path_;
  Json hello_;
};

// How a backend wants its runs started.
struct LaunchPlan {
  std::vector<std::string> argv;
  std::vector<std::string> environment;   // NAME=VALUE
  std::string directory;
  Walls walls = Walls::all();
  std::vector<std::string> missing_walls;
  int64_t workspace = -1;                 // the launcher's number, or -1
  std::string backend;
  std::vector<std::string> after;         // a command to run when the run has ended, whatever became of it
};

// Starts a run through the launcher: streams, limits, connections refused, and the proxy when registries are named.
Result<std::unique_ptr<Process>> launch(std::shared_ptr<LauncherClient> launcher, const RunRequest& request, LaunchPlan plan,
                                        const ExecutorOptions& options);

// The variables every program finds, then the request's, which win.
std::vector<std::string> environment_of(const RunRequest& request);

}  // namespace assay
