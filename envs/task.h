// A task: pure data. Identified by the hash of its canonical JSON; a generated one is a function of its provenance.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "envs/answer.h"
#include "envs/base/json.h"
#include "envs/tool.h"

namespace assay {

// Bounds of one episode. Whatever is reached first ends it with boundary "limit".
struct Limits {
  int64_t steps = 200;                     // assistant messages
  int64_t calls = 400;                     // tool calls
  int64_t observation_bytes = 32 << 10;    // one tool result; longer ones are cut, and say so
  int64_t answer_bytes = 64 << 10;
  int64_t tokens = 1 << 20;                // as the policy reports them
  int64_t wall_ms = 30 * 60 * 1000;
};

struct Provenance {
  std::string kind = "generated";  // generated, mined or imported
  std::string domain, domain_version;
  std::string preset;              // "report", "difficulty"
  std::string data;                // identity of the user's own tables, or empty
  uint64_t seed = 0;
  int64_t index = 0;
  int64_t attempt = 0;             // which candidate of the search for this index it is
  std::vector<std::string> variants;   // of the environment's tools (synth/variant.h)
  std::string parent;              // the task that this one was made harder from; empty at the beginning of a lineage
  int64_t step = 0;                // how many steps after that beginning
  Json origin;                     // of a mined task (synth/mine/candidate.h): repository, commits, numbers, licence; else null
};

struct Task {
  std::string id;           // SHA-256 of the canonical JSON below
  std::string environment;  // identity
  std::string archetype;    // "select"
  int difficulty = 0;       // 1..5, or 0 where no band applies
  std::string system;       // system prompt
  std::string prompt;
  AnswerShape answer;
  Json constraints;         // array, in the constraint language (verifiers/constraint.h); empty where `expected` or `goal` judges
  Json goal;                // a change of state that is right (envs/state.h), hidden from policies; null where no state is judged
  Json expected;            // a value specification or a program (verifiers/value_verifier.h, program_verifier.h), hidden from policies; or null
  Json tests;               // how a patch is judged (verifiers/test_plan.h), hidden from policies; null where no patch is asked for
  std::map<std::string, std::string> files;   // name -> content: what lies in the working directory of tools that have one
  Limits limits;
  std::string gold;         // one valid answer, hidden from policies
  Provenance provenance;
};

Json to_json(const Task& task);  // without `id`
Result<Task> task_from_json(const Json& json, const std::string& where);
// Computes `id`.
void seal_task(Task& task);

// What a policy may see of a task: no gold, no verifier.
struct TaskView {
  std::string id, system, prompt;
  AnswerShape answer;
  std::vector<ToolSpec> tools;
  Limits limits;
};

}  // namespace assay
