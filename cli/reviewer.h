// Who judges stored rollouts again.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/host.h"
#include "datasets/judgement.h"

namespace assay {

// Used by one thread.
class Reviewer {
 public:
  struct Opinion {
    Judgement judgement;
    std::optional<Verdict> verdict;   // whole, where the judge gives one like the stored one
  };
  virtual ~Reviewer() = default;
  // Total: what goes wrong is a judgement, too (kVerifierError, kTimedOut).
  virtual Opinion judge(const Task& task, const Outcome& outcome) = 0;
};

// `with`:
//   ""              the verifiers of this program
//   "plain"         a second, plain reading of tasks judged by answers or state (verifiers/right_answer.h); patches are undecided
//   "command:LINE"  a program that speaks as `assay env` does, another version of it say: asked
//                   {"op":"score","task","answer","state"?} on a line, it answers {"passed","reward","checks"?} or {"error"}; in place of
//                   "passed" it may answer {"outcome":"undecided"}. Started again after it broke or was too slow.
// `host` and `store` are borrowed.
Result<std::unique_ptr<Reviewer>> make_reviewer(const std::string& with, Host& host, Store& store, int64_t timeout_ms);

}  // namespace assay
