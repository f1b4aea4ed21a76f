// What a model that writes a domain has beside its own words: a shell, and search in documents that the user gave, both inside a
// sandbox without a network.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "envs/message.h"

namespace assay {

struct WorkbenchOptions {
  std::string documents;              // a folder of the host, read-only at /documents; empty: no search
  RunLimits limits{.wall_ms = 60'000, .cpu_ms = 60'000, .kept_bytes = 16 << 10};
};

// Used by one thread.
class Workbench {
 public:
  // `executor` is borrowed.
  static Result<std::unique_ptr<Workbench>> open(Executor& executor, const WorkbenchOptions& options);
  static std::vector<ToolSpec> tools(const WorkbenchOptions& options);
  // A wrong call is an observation; an Error means that the sandbox failed.
  Result<Observation> call(const ToolCall& call);

 private:
  Workbench(Executor& executor, const WorkbenchOptions& options) : executor_(executor), options_(options) {}
  Result<Observation> run(std::vector<std::string> argv);

  Executor& executor_;
  WorkbenchOptions options_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace assay
