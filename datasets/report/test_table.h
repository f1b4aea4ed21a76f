// Which of a task's tests came out how, told from the verdict on a patch (verifiers/test_verdict.h).
#pragma once

#include <string>
#include <vector>

#include "envs/task.h"
#include "envs/verifier.h"

namespace assay {

struct TestLine {
  std::string id;
  std::string must;     // the check that names it: "fail_to_pass", "pass_to_pass"
  std::string outcome;  // "passed", or what the evidence says: "failed", "error", "skipped", "missing"; "" where it is not named: a
                        // verdict names the first tests that did not pass and counts the rest
};

// Of a task that is judged by tests, in the order of its plan; empty for all others.
std::vector<TestLine> test_table(const Task& task, const Verdict& verdict);

}  // namespace assay
