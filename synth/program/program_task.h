// Tasks in the report's own form, as a domain declares them under archetypes.program, and what their programs do when they are run:
//
//   {"data": MODULE, "tasks": {NAME: {"difficulty": 1..5, "judges": "answer" | "changes", "prompt": TEXT, "draw": MODULE, "solution": MODULE,
//                                     "verifier": MODULE}}}
//
//   data      make(random) -> {table: [{column: value …} …]}             the rows of one environment
//   draw      draw(db, random) -> {name: value …}                        what one task asks about; {name} in the prompt says it
//   solution  solve(tools, task) -> answer                               `task` is what was drawn
//   verifier  verify(db, task, answer) or verify(db, task, changes)      see verifiers/program_verifier.h
//
// Every program runs in a process of its own (envs/python_module.h). What one does wrong is an Error of boundary kEnvironment whose text
// begins with a code (fault_code()), here those of ModuleResult and "bad_rows", "bad_draw", "tools_break"; all other Errors are the machine's.
#pragma once

#include <string>
#include <vector>

#include "envs/environment.h"
#include "envs/message.h"
#include "envs/python_module.h"
#include "envs/task.h"
#include "envs/toolset.h"
#include "synth/domain.h"

namespace assay {

inline constexpr const char* kProgramArchetype = "program";

struct ProgramTask {
  std::string name, prompt, draw, solution, verifier;
  int difficulty = 1;
  bool judges_changes = false;
};

// By name. `part` has been compiled.
std::vector<ProgramTask> program_tasks(const Json& part);

// Whether a domain's rows are made by a program.
bool makes_rows(const Domain& domain);
// The tables of one environment, filled; not indexed.
Result<Tables> make_rows(const Domain& domain, Executor& executor, uint64_t seed);

// What a task asks about. Its names are those that the prompt has in braces.
Result<Json> draw_parameters(const ProgramTask& task, const Environment& environment, Executor& executor, uint64_t seed);
// The prompt with what was drawn in it.
std::string prompt_of(const ProgramTask& task, const Json& parameters);

// What a solution did.
struct SolutionRun {
  Conversation transcript;   // its calls, each in a message of its own, and the submission, with their results
  std::string answer;        // JSON
  Json changes;              // of state; null where no tool writes
  int64_t calls = 0;         // the submission included
};
// Runs a solution in an episode of `task` over `tools`, from their beginning.
Result<SolutionRun> run_solution(const Task& task, const std::string& solution, const Json& parameters, Tools& tools, Executor& executor, uint64_t hash_seed);

// "tried_network" of "tried_network: socket.connect …"; "unsound" of what has no code.
std::string fault_code(const std::string& text);

}  // namespace assay
