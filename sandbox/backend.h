// Ways of isolating a program: one file each in sandbox/backends/, which defines `Backend make()`.
#pragma once

#include <functional>
#include <memory>
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
  bool works = false;
  std::vector<std::string> missing_walls;   // what it does not stop
  std::string detail;                       // "cgroup v1, Landlock 7, id-mapped layers"
  std::string problem, hint;                // why it does not work, and what to do about it
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

// "native", "bwrap", "external:COMMAND", "none". An empty `spec` means native, and an error where that does not work: it names
// what is missing and the backends that work. There is no silent step down.
Result<std::unique_ptr<Executor>> make_executor(const std::string& spec, ExecutorOptions options = {});

}  // namespace assay
