// What a tool does, by kind: one file each in envs/tool_kinds/, which defines `ToolKind make()`.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "envs/database.h"
#include "envs/environment.h"
#include "envs/tool.h"

namespace assay {

// A tool bound to one thread's connection. `arguments` have been checked against the tool's parameters.
class BoundTool {
 public:
  virtual ~BoundTool() = default;
  // The agent's mistakes are Observations with `error`; an Error means that the tool itself broke.
  virtual Result<Observation> call(const Json& arguments) = 0;
};

struct ToolKind {
  std::string name;
  std::string summary;
  std::function<Result<std::unique_ptr<BoundTool>>(const ToolSpec&, const Environment&, Connection&)> bind;
};

namespace tool_kinds {
std::span<const ToolKind> all();  // generated from the folder
}

}  // namespace assay
