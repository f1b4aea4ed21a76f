// A variant of an environment changes what an agent must do, not what is so: it replaces tools by others that tell the same in
// another way. One file each in synth/variants/, which defines `Variant make()`.
//
// A changed tool is of the variant's own kind (envs/tool_kinds/) and holds the tool it was made from in its body, so an environment
// says by itself how its tools were made: solutions are worked out in terms of the tools as they were (synth/plain_tools.h).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "envs/environment.h"
#include "envs/toolset.h"

namespace assay {

// A call of a tool as it was, to be made through the tools that were made from it.
struct UndoneCall {
  const ToolSpec& tool;                          // as it was
  const Json& arguments;
  const std::vector<const ToolSpec*>& made;      // of `tool`; not empty
  Tools& after;                                  // the changed tools
};

struct Variant {
  std::string name;
  std::string summary;
  int order = 0;            // lower ones are applied first; of two that share an order at most one is
  std::string kind;         // of the tools it makes; "" if it only adds tools
  // False: there is nothing that it could change.
  std::function<bool(std::vector<ToolSpec>& tools, const Tables& tables)> apply;
  // What `tool` would have returned.
  std::function<Result<Observation>(const UndoneCall&)> undo;
};

namespace variants {
std::span<const Variant> all();  // generated from the folder
}

// An unknown name lists the known ones.
Result<const Variant*> find_variant(const std::string& name);

// Applies the named variants, in their order. Fails if one finds nothing to change or two exclude each other.
Status apply_variants(const std::vector<std::string>& names, const Tables& tables, std::vector<ToolSpec>& tools);

// The variants that change these tools, each alone, in their order.
std::vector<std::string> variants_for(const std::vector<ToolSpec>& tools, const Tables& tables);

// The variant set of environment `number`: none to three of `candidates` that can be applied together. A pure function.
std::vector<std::string> draw_variants(const std::vector<std::string>& candidates, const std::string& domain, uint64_t seed, int64_t number);

// ---- What variants share ----

// The one thing a reading tool declares to reveal, or null.
const Reveal* only_reveal(const ToolSpec& tool);
// Whether a tool always answers with an array.
bool returns_list(const ToolSpec& tool);
// `tool` under a kind that changes it; `body` gets the member "tool".
ToolSpec made_from(const ToolSpec& tool, const std::string& kind, Json body);
// The tool calls of `call.after`, as its results are read: an error of the tool comes back as Observation.
Result<Observation> call_tool(Tools& tools, const std::string& name, const Json& arguments);

}  // namespace assay
