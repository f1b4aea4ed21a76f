// All tools of one environment, bound for one thread: the only way an agent, a policy or a solution reaches the data.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "envs/environment.h"
#include "envs/tool.h"
#include "envs/work_tree.h"

namespace assay {

class Connection;

// The interface that solutions and policies are given; it has no way to the database.
class Tools {
 public:
  virtual ~Tools() = default;
  virtual const std::vector<ToolSpec>& specs() const = 0;
  // `arguments` is JSON text as a model writes it. Unknown tool, malformed or mistyped arguments: an Observation with `error`
  // that says what was expected. An Error is ours (boundary kTool, kEnvironment or kLimit).
  virtual Result<Observation> call(std::string_view tool, std::string_view arguments) = 0;
  // What calls have changed: rows (envs/state.h), or {"patch": TEXT} of the tree ({"patch": "", "refused": WHY} where that cannot
  // be said, see TreePatch); null where no tool writes.
  virtual Result<Json> state() { return Json(); }
  // As if no call had been made: for the next episode.
  virtual Status reset() { return {}; }
};

// What tools need beside the data; see ToolContext.
struct ToolSession {
  Executor* executor = nullptr;
  std::map<std::string, std::string> files;
  TreeSource tree;
};

// Whether tools of this environment keep state from call to call, so that every episode needs a Toolset of its own.
bool keeps_state(const Environment& environment);
// Whether any of them needs an Executor.
bool runs_programs(const Environment& environment);

// Binding costs about 0.2 ms, a call a few microseconds: keep one per thread and environment. Fails if a tool is not what its
// kind expects, or its schema says what argument_problem does not check. Arguments have at most 64 KiB (1 MiB for a
// submission) and 16 levels.
class Toolset final : public Tools {
 public:
  static Result<std::unique_ptr<Toolset>> open(std::shared_ptr<const Environment> environment,
                                               std::shared_ptr<const class Database> database, ToolSession session = {});
  ~Toolset() override;
  const std::vector<ToolSpec>& specs() const override;
  Result<Observation> call(std::string_view tool, std::string_view arguments) override;
  Result<Json> state() override;
  Status reset() override;
  // What its tools work on: for those who make tasks, never for those who solve them.
  Connection& connection();
  // For checks: rows without a total order come backwards from now on (Connection::reverse_unordered).
  Status reverse_unordered(bool on);

 private:
  struct State;
  explicit Toolset(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Checks `arguments` against a JSON Schema of the kind tools use (object; string, integer, number, boolean, array of those;
// enum; required; additionalProperties false). Returns "" or what is wrong, naming the argument.
std::string argument_problem(const Json& schema, const Json& arguments);

}  // namespace assay
