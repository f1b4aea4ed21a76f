// The tools of an environment as they were before variants changed them, worked through the changed ones: what explorers, gold
// trajectories and checks are written against. Every call of a plain tool becomes the calls that an agent would have to make.
#pragma once

#include <memory>
#include <vector>

#include "synth/explorer.h"
#include "synth/variant.h"

namespace assay {

// What stands inside changed tools, and the rest as it is.
std::vector<ToolSpec> plain_tools(const std::vector<ToolSpec>& tools);

// Used by one thread, for one exploration. Without variants it is the tools themselves.
class PlainTools final : public Tools {
 public:
  explicit PlainTools(Tools& actual);   // borrowed
  ~PlainTools() override;
  const std::vector<ToolSpec>& specs() const override;
  Result<Observation> call(std::string_view tool, std::string_view arguments) override;

  // An exploration that was made with these tools, as it was played: with the calls that really were made.
  Exploration played(Exploration exploration) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// How long an episode may be: where tools are changed, what they were asked at once takes several calls.
Limits limits_over(const std::vector<ToolSpec>& tools);

}  // namespace assay
