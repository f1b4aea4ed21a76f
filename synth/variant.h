// A variant of an environment changes what an agent must do, not what is so: it replaces tools by others that tell the same in
// another way, or adds some. One file each in synth/variants/, which defines `Variant make()`.
//
// A changed tool is of a kind of its own (envs/tool_kinds/), which knows how to undo the change, and holds the tool it was made from in
// its body: an environment says by itself how its tools were made, and solutions are worked out in terms of the tools as they
// were (envs/plain_tools.h).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "envs/environment.h"
#include "envs/task.h"

namespace assay {

struct Variant {
  std::string name;
  std::string summary;
  int order = 0;            // lower ones are applied first
  // False: there is nothing that it could change.
  std::function<bool(std::vector<ToolSpec>& tools, const Tables& tables)> apply;
  std::vector<std::string> excludes = {};   // it and these would undo each other
};

namespace variants {
std::span<const Variant> all();  // generated from the folder
}

// An unknown name lists the known ones.
Result<const Variant*> find_variant(const std::string& name);

// Applies the named variants, in their order. Fails, naming them, if one finds nothing to change or two exclude each other.
Status apply_variants(const std::vector<std::string>& names, const Tables& tables, std::vector<ToolSpec>& tools);

// The variants of environment `number`: none to three that can be applied to these tools together, sorted. A pure function.
std::vector<std::string> draw_variants(const std::vector<ToolSpec>& tools, const Tables& tables, const std::string& domain, uint64_t seed, int64_t number);

// How long an episode may be: where tools are changed, what they were asked at once takes several calls.
Limits limits_over(const std::vector<ToolSpec>& tools);

// ---- What variants share ----

// The one thing a reading tool declares to reveal, or null.
const Reveal* only_reveal(const ToolSpec& tool);
// Whether a tool always answers with an array.
bool returns_list(const ToolSpec& tool);
// `tool` under a kind that changes it; `body` gets the member "tool".
ToolSpec made_from(const ToolSpec& tool, const std::string& kind, Json body);

}  // namespace assay
