// Judges by a program: a function of a Python module in a sandbox of its own (envs/python_module.h), which knows the database as it was in the
// beginning, what was asked for, and what was left behind; of what an agent has said it sees at most the answer.
//
//   {"type":"program", "task": NAME in the domain, "parameters": {what the prompt names}, "judges":"answer" | "changes", "module": TEXT}
//
// The module has `verify(db, task, answer)` with the answer as a JSON value, or `verify(db, task, changes)` with the change of state
// (envs/state.h); it returns True or False. An exception is no verdict of True.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "envs/environment.h"
#include "envs/python_module.h"
#include "envs/task.h"
#include "envs/verifier.h"

namespace assay {

inline constexpr const char* kProgramVerifierName = "program/1";

// Whether a value of Task::expected is such a specification.
bool is_program(const Json& expected);

// Used by any number of threads, one of which judges at a time. Its process starts with the first judgement and lasts as long as it does.
class ProgramVerifier final : public Verifier {
 public:
  // `executor` is borrowed. Errors name the JSON path.
  static Result<std::unique_ptr<ProgramVerifier>> create(const Task& task, const Environment& environment, Executor& executor, uint64_t hash_seed = 0);

  // Checks: "shape" (is the answer JSON), "unchanged" (where an answer is judged and tools write), "verdict". An Error (boundary kVerifier, or
  // kSandbox) is no verdict: the program gave none, as it runs on, or reached for what is not there.
  Result<Verdict> try_judge(const Outcome& outcome) const;
  // As a Verifier, whose verdicts cannot fail to come: where none came it is failure() that says so, and the verdict is not passed.
  Verdict judge(const Outcome& outcome) const override;
  Status failure() const;

 private:
  ProgramVerifier(const Task& task, Executor& executor, const ModuleOptions& options);

  const Json parameters_;
  const bool judges_changes_;
  mutable std::mutex mutex_;
  mutable PythonModule module_;
  mutable Status failure_;   // the first
};

}  // namespace assay
