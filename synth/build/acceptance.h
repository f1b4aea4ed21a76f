// Whether a mined change makes an environment: its tests are run in three states of the tree, several times each, and must tell the
// state with the fix from the one without.
//
//   base   the tree as it was
//   tests  and the test patch
//   gold   and the change itself
//
// A test is stable if every run of a state, each in an order of its own, says the same of it. Of stable tests, fail-to-pass do not pass in
// `tests` (fail, have an error, or are missing because nothing can be imported or compiled) and pass in `gold`; pass-to-pass pass in both; and
// pass-to-fail pass in `tests` or `base` and are run and do not pass in `gold`. Accepted if there are fail-to-pass and no pass-to-fail.
// Flaky tests are listed and count for nothing. Where a run of `gold` cannot be believed in another order than the runner's own, all runs
// keep to that: one test's crash for want of another's work takes the others with it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "synth/build/builder.h"
#include "synth/build/test_run.h"

namespace assay {

inline constexpr std::array<const char*, 3> kStates = {"base", "tests", "gold"};

// "passed", "failed", "error", "skipped" or "missing".
using Outcomes = std::array<std::vector<std::string>, kStates.size()>;   // of each run, by state

struct StateRuns {
  bool fits = true;                             // the patches of this state could be applied
  bool tests_there = true;                      // false: none of the test files exists, so nothing was run
  bool built = false;                           // no later round builds again
  std::string why;                              // they could not, or: what cannot be believed of the last run
  std::vector<std::vector<TestRun>> rounds;
  std::vector<bool> believed;                   // by round
  int64_t wall_us = 0;
};

struct Acceptance {
  int rounds = 0;
  bool shuffled = false;                        // rounds ran tests in orders of their own; false: the runner cannot, or the tests cannot bear it
  std::map<std::string, Outcomes> tests;        // by id
  std::vector<std::string> fail_to_pass, pass_to_pass, pass_to_fail, flaky;   // sorted
  std::array<StateRuns, kStates.size()> states;
  int64_t wall_us = 0;                          // of test runs, builds included
  std::unique_ptr<Workspace> gold;              // as it was built: what is almost the same can be built from there (synth/patch_proof.h)

  // With this confidence no stable test deviates in more than flake_rate_below() of its runs: 1 - (1 - confidence)^(1/rounds).
  static constexpr double kConfidence = 0.95;
  double flake_rate_below() const;
};

struct AcceptanceRequest {
  TestPlan plan;            // without verdicts; `tests` is the test patch
  std::string gold;
  // The plan's commands over test files that the tree has before the test patch: what state `base` runs, unless there are none.
  std::vector<TestCommand> base_commands;
  int rounds = 3;
  uint64_t seed = 0;
};

// Reasons: "tests_do_not_apply", "gold_does_not_apply", "gold_build_failed", "gold_limit:WHAT", "gold_unbelievable:CHECK", "no_fail_to_pass",
// "only_flaky", "pass_to_fail". What cannot come out well any more is not run to its end.
Result<Possible<Acceptance>> accept(Executor& executor, const AcceptanceRequest& request);

// The same command in its runner's own order: without what tells runners of another.
TestCommand in_own_order(TestCommand command);

// What tests came to, from all rounds: the pure part of accept().
void classify(Acceptance& acceptance);

// {"rounds","shuffled","confidence","flake_rate_below","tests":{ID:{"base","tests","gold"}},"flaky":{ID:{"base":[…],…}}}.
Json to_json(const Acceptance& acceptance);

}  // namespace assay
