// From a problem to a task's parts, shared by the archetype that makes it and the certificate that checks it.
#pragma once

#include "synth/archetype.h"
#include "synth/problem.h"

namespace assay {

// How many draws are tried for one task until one is sound.
inline constexpr int64_t kMostAttempts = 16;

// Which problem task `request.index` is, and its numbers: a pure function of the request.
struct DrawnProblem {
  const Problem* problem = nullptr;
  ProblemInstance instance;
};
Result<DrawnProblem> draw_problem(const MakeRequest& request);

struct ComputedGold {
  Conversation transcript;   // the program, and the submission of what it printed last
  std::string answer;        // what it printed last
  int64_t calls = 0;         // that were really made
};
// Runs the problem's own program through the task's tools, in an episode of its own. Fails with boundary kTool if it does not end
// well or prints nothing.
Result<ComputedGold> compute_gold(const Task& task, const std::string& solution, const MakeRequest& request);

}  // namespace assay
