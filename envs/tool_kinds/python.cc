// Runs Python in the episode's own interpreter (envs/interpreter.h), whose state lasts from call to call.
//
// Body: {"parameter": NAME of the string parameter with the code, "call_ms", "calls": how many the episode may make,
//        "memory_bytes"}.
#include "envs/base/hash.h"
#include "envs/interpreter.h"
#include "envs/tool_kind.h"

namespace assay::tool_kinds::python {
namespace {

class PythonTool final : public BoundTool {
 public:
  PythonTool(std::string parameter, int64_t calls, const InterpreterLimits& limits, const ToolContext& context)
      : parameter_(std::move(parameter)), calls_(calls), limits_(limits), executor_(context.executor),
        files_(context.files ? *context.files : std::map<std::string, std::string>()) {}

  Result<Observation> call(const Json& arguments) override {
    if (!executor_) return make_error(Boundary::kSandbox, "nothing here may run programs", "tool python", "a sandbox: assay doctor says which work");
    if (used_ >= calls_) return error_observation("all " + std::to_string(calls_) + " calls of this tool have been used; the code was not run");
    ++used_;
    if (!interpreter_) interpreter_ = std::make_unique<Interpreter>(*executor_, files_, limits_);
    ASSAY_ASSIGN(CellResult cell, interpreter_->run(arguments.at(parameter_).get<std::string>()));
    return observation(std::move(cell));
  }

  void reset() override {
    interpreter_.reset();
    used_ = 0;
  }

 private:
  Observation observation(CellResult cell) const {
    Observation out{std::move(cell.text), cell.status != CellResult::Status::kOk, std::move(cell.images)};
    const auto add = [&](const std::string& line) { out.text += (out.text.empty() || out.text.back() == '\n' ? "" : "\n") + line + "\n"; };
    for (size_t i = 0; i < out.images.size(); ++i)
      add("[image " + std::to_string(i + 1) + ": " + out.images[i].mime + ", sha256 " + sha256_hex(out.images[i].base64).substr(0, 16) + "]");
    if (cell.status == CellResult::Status::kTimeout) add("[interrupted after " + std::to_string(limits_.call_ms / 1000) + " s]");
    if (cell.state_lost) add("[the interpreter was started again: all variables are gone, files are still there]");
    if (out.text.empty()) out.text = "[no output]";
    return out;
  }

  const std::string parameter_;
  const int64_t calls_;
  const InterpreterLimits limits_;
  Executor* executor_;
  const std::map<std::string, std::string> files_;
  std::unique_ptr<Interpreter> interpreter_;
  int64_t used_ = 0;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  JsonReader r(spec.body, "environment " + environment.domain + ", tool " + spec.name, "$.body");
  const std::string parameter = r.text("parameter");
  InterpreterLimits limits;
  limits.call_ms = r.integer("call_ms", {.minimum = 100, .maximum = 3'600'000, .fallback = limits.call_ms});
  limits.memory_bytes = r.integer("memory_bytes", {.minimum = 64 << 20, .maximum = int64_t{1} << 40, .fallback = limits.memory_bytes});
  const int64_t calls = r.integer("calls", {.minimum = 1, .maximum = 10'000, .fallback = 20});
  if (parameter_type(spec.parameters, parameter) != "string") r.fail("parameter", "expected the name of a string parameter");
  ASSAY_TRY(r.finish());
  return std::unique_ptr<BoundTool>(std::make_unique<PythonTool>(parameter, calls, limits, context));
}

}  // namespace

ToolKind make() { return {"python", "runs Python in an interpreter that keeps its state", bind, true, true}; }

}  // namespace assay::tool_kinds::python
