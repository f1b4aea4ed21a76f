// A tool that fails now and then, before it does anything, and must be called again.
//
// Body: {"tool": spec, "percent": how many calls fail, "most": how many with the same arguments fail in a row at most}. Whether a call
// fails depends on nothing but environment, tool, arguments and how many such calls there have been since the last reset, so an attempt
// can be made again exactly, and calls of one message do not get into each other's way.
#include <map>

#include "envs/base/rng.h"
#include "envs/tool_kind.h"
#include "envs/toolset.h"

namespace assay::tool_kinds::flaky {
namespace {

constexpr const char* kFailure = "the service did not answer in time; nothing was done, so the same call can be made again";

class FlakyTool final : public BoundTool {
 public:
  FlakyTool(std::unique_ptr<BoundTool> inner, std::string stream, uint64_t percent, int64_t most)
      : inner_(std::move(inner)), stream_(std::move(stream)), percent_(percent), most_(most) {}

  Result<Observation> call(const Json& arguments) override {
    const std::string asked = canonical_json(arguments);
    Past& past = pasts_[asked];
    Rng rng(0, stream_ + asked, past.calls++);
    if (past.in_a_row < most_ && rng.below(100) < percent_) {
      ++past.in_a_row;
      return error_observation(kFailure);
    }
    past.in_a_row = 0;
    return inner_->call(arguments);
  }

  void reset() override {
    pasts_.clear();
    inner_->reset();
  }

 private:
  struct Past {
    uint64_t calls = 0;
    int64_t in_a_row = 0;   // that failed, the last ones
  };

  std::unique_ptr<BoundTool> inner_;
  std::string stream_;
  uint64_t percent_;
  int64_t most_;
  std::map<std::string, Past> pasts_;   // by arguments; an episode's limit on calls bounds them
};

Result<std::unique_ptr<BoundTool>> bind(const ToolSpec& spec, const Environment& environment, const ToolContext& context) {
  const std::string where = "environment " + environment.domain + ", tool " + spec.name;
  ASSAY_ASSIGN(const ToolSpec inner, inner_tool(spec, where));
  JsonReader r(spec.body, where, "$.body");
  r.object("tool");
  const int64_t percent = r.integer("percent", {.minimum = 1, .maximum = 100});
  const int64_t most = r.integer("most", {.minimum = 1, .maximum = 10});
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(auto bound, bind_tool(inner, environment, context));
  return std::unique_ptr<BoundTool>(std::make_unique<FlakyTool>(std::move(bound), "flaky/" + environment.id + "/" + spec.name + "/", static_cast<uint64_t>(percent), most));
}

Result<Observation> undo(const UndoneCall& call) {
  const ToolSpec& made = *call.made[0];
  const std::string failure = error_observation(kFailure).text, arguments = call.arguments.dump();
  for (int64_t tries = made.body.at("most"); tries >= 0; --tries) {
    ASSAY_ASSIGN(Observation seen, call.after.call(made.name, arguments));
    if (!seen.error || seen.text != failure) return seen;
  }
  return make_error(Boundary::kTool, "it fails more often in a row than it declares", made.name);
}

}  // namespace

ToolKind make() { return {.name = "flaky", .summary = "another tool that fails now and then", .bind = bind, .keeps_state = true, .undo = undo}; }

}  // namespace assay::tool_kinds::flaky
