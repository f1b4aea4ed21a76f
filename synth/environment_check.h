// What is proved once per environment and shared by its tasks: that tools return what they declare to reveal, in an order
// that does not depend on how rows are stored, and which columns an agent can learn through them.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "envs/environment.h"
#include "synth/column_use.h"

namespace assay {

struct EnvironmentReport {
  std::vector<std::string> problems;                // empty: the declarations are true
  std::set<std::pair<int, int>> learnable;          // (table, column) reachable from nothing but the tools
  std::set<int> listable;                           // entity tables all of whose rows can be listed
  std::vector<std::vector<ColumnUse>> uses;         // [table][column] what it is good for
};

// Calls every tool for up to `samples` rows of every reveal, drawn by seed 0, and where all of what it is given is entities for as many
// entities that need not have a row.
Result<std::shared_ptr<const EnvironmentReport>> check_environment(std::shared_ptr<const Environment> environment, int64_t samples = 24);

// Fills in what is `learnable` and `listable` through these tools, which are as before variants, if they keep what they declare.
void find_learnable(const Tables& tables, const std::vector<ToolSpec>& tools, EnvironmentReport& report);

}  // namespace assay
