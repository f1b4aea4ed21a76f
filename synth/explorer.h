// The solution program: finds a valid answer with nothing but the tools. Lazy: it asks only for what it needs and stops once
// what it has seen proves an answer. Generic over domains: it knows a task's shape and constraints, the schema (no rows), and
// what tools declare they reveal. Nothing here can reach a database.
#pragma once

#include <string>
#include <vector>

#include "envs/environment.h"
#include "envs/message.h"
#include "envs/plain_tools.h"
#include "envs/task.h"
#include "envs/toolset.h"
#include "envs/verifier.h"
#include "verifiers/constraint.h"

namespace assay {

struct Exploration {
  Conversation transcript;   // assistant and tool messages, ending with the submission: the gold trajectory
  std::string answer;
  int64_t calls = 0;
  int64_t plain_calls = 0;   // in terms of the tools before variants changed them (envs/plain_tools.h): what bands of difficulty count
};

// Fails with boundary kLimit if the limits end first, kTool if a tool breaks or lies about what it reveals, kVerifier if what
// can be learned proves that there is no answer.
Result<Exploration> explore(const TaskView& task, const std::vector<TableSpec>& schema, const Json& constraints, Tools& tools);

// Hands explore() what it may know of `task`: the gold trajectory, made again.
Result<Exploration> gold_exploration(const Task& task, const Environment& environment, Tools& tools);
Result<Exploration> gold_exploration(const Task& task, const Environment& environment, PlainTools& plain);

// `found` was found over `plain`: the same with the calls that really were made.
Exploration as_played(Exploration found, const PlainTools& plain);

// Makes the calls of a transcript again, over `tools` as they are at the beginning of an episode. Fails with boundary kLimit if it ends
// without a submission.
Result<Outcome> play_again(const Task& task, const Conversation& transcript, Tools& tools);

// The tool calls that would reveal a fact, as "tool(arguments)" with keyword lists left out; what bounds on calls are counted in.
std::vector<std::string> calls_revealing(const Fact& fact, const Tables& tables, const std::vector<ToolSpec>& tools);

}  // namespace assay
