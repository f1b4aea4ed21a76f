// Runs a plan's tests over a workspace, and judges a patch by them. What the program under test does, even to its own end, is part of
// the result; an Error is the machinery's, and says nothing about any patch.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/json.h"
#include "envs/executor.h"
#include "verifiers/test_plan.h"
#include "verifiers/test_verdict.h"

namespace assay {

// What every run finds the same whatever the machine, and what it does not: {"environment":{…},"network":"none","clock":…}.
Json pinned_of_runs();

struct TestRound {
  uint64_t seed = 0;   // of the tests' order, the canaries' names and the places of reports
  std::string log;     // base path for full logs: PATH.build.out.zst, PATH.0.out.zst …; empty: none are kept
};

struct TestRoundResult {
  bool built = true;            // false: no test was run
  std::vector<TestRun> runs;    // one for each of the plan's commands; after a failed build each ended as the build did, without a report
  std::vector<RunResult> details;   // of the build, if there is one, and of each command
  int64_t wall_us = 0;
};

// Whether a patch could be applied, and else what git said.
struct PatchFit {
  bool fits = true;
  std::string why;
};

// The tree that a task begins with.
Result<std::unique_ptr<Workspace>> open_tree(Executor& executor, const TestPlan& plan);

// Applies a patch in git's format to the tree, or takes it back, all or nothing. An empty one fits.
enum class PatchDirection { kForth, kBack };
Result<PatchFit> patch_tree(Executor& executor, Workspace& workspace, std::string_view patch, const RunLimits& limits, PatchDirection direction = PatchDirection::kForth);

// Builds, then runs each command beside its canaries, in a copy of the workspace of its own. `workspace` has been built afterwards.
Result<TestRoundResult> run_tests(Executor& executor, Workspace& workspace, const TestPlan& plan, const TestRound& round);

struct PatchJudgement {
  Verdict verdict;           // a patch that does not fit fails the check "patch"
  TestRoundResult round;     // empty for such a patch
};

// The whole judgement of what an agent handed in: a fresh tree, its patch but for files of the plan's test patch, the test patch, the
// build and the tests.
Result<PatchJudgement> judge_patch(Executor& executor, const TestPlan& plan, std::string_view patch, const TestRound& round);

// Paths that the plan's test patch touches.
Result<std::vector<std::string>> test_paths(const TestPlan& plan);

}  // namespace assay
