// Tools fail now and then, and must be called again.
#include "synth/variant.h"

namespace assay::variants::flaky {
namespace {

constexpr int kPercent = 20;
constexpr int kMost = 2;   // in a row

bool apply(std::vector<ToolSpec>& tools, const Tables&) {
  bool changed = false;
  for (ToolSpec& tool : tools) {
    if (tool.effect == ToolEffect::kSubmit) continue;
    tool = made_from(tool, "flaky", {{"percent", kPercent}, {"most", kMost}});
    tool.description += " It may fail to answer now and then; then call it again.";
    changed = true;
  }
  return changed;
}

}  // namespace

Variant make() { return {"flaky", "tools fail now and then, and must be called again", 80, apply}; }

}  // namespace assay::variants::flaky
