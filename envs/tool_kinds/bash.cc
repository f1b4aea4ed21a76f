// Runs commands in the episode's tree (envs/work_tree.h). Each call is a shell of its own: files last, variables and processes do not.
//
// Body: {"parameter": NAME of the string parameter with the commands, "call_ms", "calls": how many the episode may make,
//        "environment": {NAME: VALUE}}.
#include "envs/base/utf8.h"
#include "envs/tool_kind.h"
#include "envs/work_tree.h"

namespace assay::tool_kinds::bash {
namespace {

struct Options {
  std::string parameter;
  int64_t call_ms = 0, calls = 0;
  std::map<std::string, std::string> environment;
};

class BashTool final : public BoundTool {
 public:
  BashTool(Options options, WorkTree& tree) : options_(std::move(options)), tree_(tree) {}

  Result<Observation> call(const Json& arguments) override {
    if (used_ >= options_.calls) return error_observation("all " + std::to_string(options_.calls) + " calls of this tool have been used; nothing was run");
    ++used_;
    const std::string commands = arguments.at(options_.parameter).get<std::string>();
    if (commands.find('\0') != std::string::npos) return error_observation("the commands hold a NUL character; nothing was run");
    RunRequest request{.argv = {"/bin/bash", "-c", "exec 2>&1\n" + commands}, .environment = options_.environment};
    request.limits = tree_.limits();
    request.limits.wall_ms = options_.call_ms;
    ASSAY_ASSIGN(const RunResult result, tree_.run(std::move(request)));
    return observation(result);
  }

  void reset() override { used_ = 0; }

 private:
  Observation observation(const RunResult& result) const {
    Observation out{with_replacements(result.out.text()), !result.succeeded(), {}};
    const auto add = [&](const std::string& line) { out.text += (out.text.empty() || out.text.back() == '\n' ? "" : "\n") + line + "\n"; };
    if (result.end == RunEnd::kLimit && result.limit == "wall") add("[stopped after " + std::to_string(options_.call_ms / 1000) + " s]");
    else if (result.end == RunEnd::kLimit) add("[stopped at the limit of " + result.limit + "]");
    else if (result.end == RunEnd::kSignalled) add("[ended by signal " + std::to_string(result.signal) + "]");
    else if (result.exit_code != 0) add("[exit status " + std::to_string(result.exit_code) + "]");
    for (const std::string& limit : result.touched) add("[at the limit of " + limit + "]");
    if (out.text.empty()) out.text = "[no output]";
    return out;
  }

  const Options options_;
  WorkTree& tree_;
  int64_t used_ = 0;
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  JsonReader r(spec.body, "environment " + environment.domain + ", tool " + spec.name, "$.body");
  Options options;
  options.parameter = r.text("parameter");
  options.call_ms = r.integer("call_ms", {.minimum = 100, .maximum = 3'600'000, .fallback = 120'000});
  options.calls = r.integer("calls", {.minimum = 1, .maximum = 10'000, .fallback = 200});
  const Json& variables = r.member_or_null("environment");
  if (!variables.is_null() && !variables.is_object()) r.fail("environment", "expected an object of texts");
  else
    for (const auto& [name, value] : variables.items()) {
      if (value.is_string()) options.environment[name] = value.get<std::string>();
      else r.fail("environment", "expected an object of texts");
    }
  if (parameter_type(spec.parameters, options.parameter) != "string") r.fail("parameter", "expected the name of a string parameter");
  ASSAY_TRY(r.finish());
  return std::unique_ptr<BoundTool>(std::make_unique<BashTool>(std::move(options), *context.tree));
}

}  // namespace

ToolKind make() { return {"bash", "runs commands in the episode's tree", bind, true, true, true}; }

}  // namespace assay::tool_kinds::bash
