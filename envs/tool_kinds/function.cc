// A Python function over the episode's own copy of the database, in a sandboxed process that has nothing else (envs/python_module.h).
//
// Body: {"module": the text of the module; the same for all tools of an environment}. The function is named as the tool, and called with
// the database (sqlite3) and the arguments by name; what it returns is the result. A ValueError is what it says of wrong arguments.
#include "envs/python_module.h"
#include "envs/tool_kind.h"

namespace assay::tool_kinds::function {
namespace {

class FunctionTool final : public BoundTool {
 public:
  FunctionTool(const ToolSpec& spec, PythonModule* module) : name_(spec.name), writes_(spec.effect == ToolEffect::kWrite), module_(module) {}

  Result<Observation> call(const Json& arguments) override {
    if (!module_) return make_error(Boundary::kSandbox, "nothing here may run programs", "tool " + name_, "a sandbox: assay doctor says which work");
    ASSAY_ASSIGN(ModuleResult result, module_->call({.function = name_, .given = {"db"}, .named = arguments, .writes = writes_}));
    if (result.code == "rejected") return error_observation(result.text);
    if (!result.returned()) return make_error(Boundary::kTool, result.problem(), "tool " + name_);
    return Observation{std::move(result.value), false, {}};
  }

 private:
  const std::string name_;
  const bool writes_;
  PythonModule* module_;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment&, const ToolContext& context) {
  return std::unique_ptr<BoundTool>(std::make_unique<FunctionTool>(spec, context.module));
}

}  // namespace

ToolKind make() { return {.name = "function", .summary = "a Python function over the database", .bind = bind, .keeps_state = true, .runs_programs = true, .in_module = true}; }

}  // namespace assay::tool_kinds::function
