// Ways of isolating a program: one file each in sandbox/backends/, which defines `Backend make()`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "sandbox/walls.h"

namespace assay {

struct ExecutorOptions {
  std::string argument;        // what follows the colon: "external:COMMAND" gives COMMAND
  std::string launcher;        // path of assay-launcher; empty: beside this program, or one folder above
  std::string cache;           // where layers and plain workspaces are kept; empty: a temporary folder
  std::string upstream_proxy;  // "http://HOST:PORT" through which registries are reached; empty: directly
  Walls walls = Walls::all();  // of `native`: tests take some out; every record says which
};

// What a backend can do on this machine.
struct BackendCheck {
  std::optional<Error> problem;             // why it does not work, and what to do about that
  std::vector<std::string> missing_walls;   // what it does not stop
  std::string detail;                       // "cgroup version 1, Landlock version 7, a user id for each run"

  bool works() const { return !problem; }
};

struct Backend {
  std::string name;
  std::string summary;
  int order = 100;                          // preference
  std::function<Result<std::unique_ptr<Executor>>(const ExecutorOptions&)> create;
  std::function<BackendCheck(const ExecutorOptions&)> check;
};

namespace backends {
std::span<const Backend> all();  // generated from the folder
}

// Runs `true` in a new workspace: what only trying shows, such as user ids, cgroups or namespaces that are used up.
Status try_out(Executor& executor);

// "native", "bwrap", "external:COMMAND", "none". An empty `spec` means native, and an error where that does not work: it names
// what is missing and the backends that work. There is no silent step down.
Result<std::unique_ptr<Executor>> make_executor(const std::string& spec, ExecutorOptions options = {});

}  // namespace assay
