// What a tool does, by kind: one file each in envs/tool_kinds/, which defines `ToolKind make()`.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "envs/database.h"
#include "envs/environment.h"
#include "envs/tool.h"

namespace assay {

class Executor;
class PythonModule;
class Tools;
class WorkTree;

// What a tool may use. What is not there is null.
struct ToolContext {
  Connection& connection;
  Executor* executor = nullptr;                                  // where programs run; borrowed
  const std::map<std::string, std::string>* files = nullptr;    // the task's: name -> content
  WorkTree* tree = nullptr;                                      // what the tools of an episode share (envs/work_tree.h)
  PythonModule* module = nullptr;                                // the same of tools that are its functions (envs/python_module.h)
};

// A tool bound to one thread's connection. `arguments` have been checked against the tool's parameters.
class BoundTool {
 public:
  virtual ~BoundTool() = default;
  // The agent's mistakes are Observations with `error`; an Error means that the tool itself broke.
  virtual Result<Observation> call(const Json& arguments) = 0;
  // Forgets what earlier calls did, but for what they did to the database.
  virtual void reset() {}
};

// A call of a tool that others were made from, to be answered by calls of those.
struct UndoneCall {
  const ToolSpec& tool;                       // as it was
  const Json& arguments;                      // fit its parameters
  const std::vector<const ToolSpec*>& made;   // from it, of this kind; not empty
  Tools& after;                               // where they are called
};

struct ToolKind {
  std::string name;
  std::string summary;
  std::function<Result<std::unique_ptr<BoundTool>>(const ToolSpec&, const Environment&, const ToolContext&)> bind;
  bool keeps_state = false;     // from call to call: an episode needs tools of its own
  bool runs_programs = false;   // needs an Executor
  bool edits_tree = false;      // works in the episode's WorkTree: what is judged is the patch that it leaves
  // Of kinds that change another tool (the member "tool" of their bodies; or several, "tools"): what that one would have returned.
  std::function<Result<Observation>(const UndoneCall&)> undo = nullptr;
  bool in_module = false;       // is a function of the episode's PythonModule, which has the database and keeps what is written
};

// Null: there is none of that name.
const ToolKind* find_tool_kind(const std::string& name);

// A tool of any kind, bound.
Result<std::unique_ptr<BoundTool>> bind_tool(const ToolSpec& spec, const Environment& environment, const ToolContext& context);

// The tool that another is made from: the member "tool" of its body.
Result<ToolSpec> inner_tool(const ToolSpec& spec, const std::string& where);

namespace tool_kinds {
std::span<const ToolKind> all();  // generated from the folder
}

}  // namespace assay
