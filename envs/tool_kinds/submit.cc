// Hands in the answer. The episode takes it (envs/episode.h); the tool itself only acknowledges.
//
// Body: {"parameter": NAME}, the string parameter that holds the answer.
#include "envs/tool_kind.h"

namespace assay::tool_kinds::submit {
namespace {

class SubmitTool final : public BoundTool {
 public:
  Result<Observation> call(const Json&) override { return Observation{R"({"submitted":true})", false}; }
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext&) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  JsonReader r(spec.body, where, "$.body");
  const std::string parameter = r.text("parameter");
  if (spec.effect != ToolEffect::kSubmit) r.fail("", "a tool of kind submit needs the effect 'submit'");
  if (parameter_type(spec.parameters, parameter) != "string") r.fail("parameter", "expected the name of a string parameter");
  ASSAY_TRY(r.finish());
  return std::unique_ptr<BoundTool>(std::make_unique<SubmitTool>());
}

}  // namespace

ToolKind make() { return {"submit", "hands in the answer and ends the episode", bind}; }

}  // namespace assay::tool_kinds::submit
