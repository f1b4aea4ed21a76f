// The verdict on a patch from what its test runs left behind: pure, so that it can be audited from stored reports. Anything that
// went wrong with the machine is an Error before it comes here, never a verdict.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "envs/verifier.h"
#include "verifiers/test_plan.h"
#include "verifiers/test_report.h"

namespace assay {

inline constexpr const char* kTestVerifierName = "tests/1";

// One command's run.
struct TestRun {
  RunEnd end = RunEnd::kExited;
  int exit_code = 0;     // kExited
  int signal = 0;        // kSignalled
  std::string limit;     // kLimit
  TestReport report;     // empty and truncated where the run left none
  std::string passes, fails;   // what the ids of its canaries end with (verifiers/canary.h)

  static TestRun of(const RunResult& result, TestReport report, std::string passes, std::string fails);
};

// Whether the runs can be believed at all, whatever they say about the patch. In this order:
//   "time"      none was ended by a limit on wall-clock or processor time
//   "report"    each ended by itself, and its report has an end and results
//   "exit"      each exit status agrees with its report: 0 exactly if nothing failed
//   "totals"    each report holds as many results as its runner announces
//   "tampered"  of each, the canary that must pass passed and the one that must fail failed, each reported under one id
std::vector<Check> believe(std::span<const TestRun> runs);

// Whether a verdict failed because time ran out: neither right nor shown wrong.
bool is_timed_out(const Verdict& verdict);

// What all runs together say of each test, canaries left out; a test that several mention has its worst outcome. Sorted by id.
std::vector<TestResult> all_results(std::span<const TestRun> runs);

// The checks of believe(), then "fail_to_pass" and "pass_to_pass": each id was run and passed. What is printed counts for nothing,
// nor does a skipped test. Passes if all hold. There is one run for each of the plan's commands.
Verdict judge_tests(const TestPlan& plan, std::span<const TestRun> runs);

}  // namespace assay
