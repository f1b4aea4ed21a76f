// What an operate task is made of: some requests of one message, each with the case that decides it and the calls that carry it out.
// Drawn by (seed, index, attempt) alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "synth/operate/world.h"

namespace assay::operate {

struct Chosen {
  size_t request = 0;
  const Candidate* candidate = nullptr;   // the world's
  std::string say;
  std::vector<ToolCall> lookups, calls;   // calls: what is to be done, or the refusal
};
using Bundle = std::vector<Chosen>;

// What a step of a lineage keeps of the one before; `world` holds the bundle's candidates.
struct Basis {
  std::shared_ptr<const World> world;
  Bundle bundle;
};

// The bundle of task `request.index`, which begins with what `request.step` keeps; nothing if the data has too few requests of the kinds wanted.
Result<std::optional<Bundle>> drawn_bundle(const World& world, const MakeRequest& request);

// The calls of a case for a row.
std::vector<ToolCall> calls_of(const std::vector<CallTemplate>& calls, const Json& row);

// Whether each request is decided the same whatever was done for the others before: then their order does not matter.
Result<bool> independent(World& world, const Bundle& bundle);

std::string user_message(const Bundle& bundle);
std::string system_prompt(const Part& part, const std::vector<ToolSpec>& tools);

}  // namespace assay::operate
