// A verdict follows from what runs left behind, and one thing that is wrong fails exactly the check that is about it.
#include "verifiers/test_verdict.h"

#include <catch2/catch.hpp>
#include <functional>

using namespace assay;

namespace {

TestPlan plan() {
  TestPlan out;
  out.commands.resize(1);
  out.fail_to_pass = {"a::new"};
  out.pass_to_pass = {"a::old"};
  out.ignored = {"a::flaky"};
  return out;
}

// The gold patch: everything that matters passes, and the canary that must fail does.
TestRun right_run() {
  TestRun run;
  run.exit_code = 1;
  run.report.tests = {{"a::new", TestOutcome::kPassed}, {"a::old", TestOutcome::kPassed}, {"a::flaky", TestOutcome::kFailed}, {"b::good_1234", TestOutcome::kPassed}, {"b::bad_5678", TestOutcome::kFailed}};
  run.report.entries = 5;
  run.report.announced = 5;
  run.passes = "good_1234";
  run.fails = "bad_5678";
  return run;
}

std::vector<std::string> failed(const Verdict& verdict) {
  std::vector<std::string> names;
  for (const Check& check : verdict.checks) {
    CHECK(check.passed == check.evidence.empty());
    if (!check.passed) names.push_back(check.name);
  }
  CHECK(verdict.passed == names.empty());
  CHECK(verdict.reward == (names.empty() ? 1 : 0));
  return names;
}

std::vector<std::string> failed_after(const std::function<void(TestRun&)>& change) {
  TestRun run = right_run();
  change(run);
  return failed(judge_tests(plan(), {&run, 1}));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the right run passes") { CHECK(failed_after([](TestRun&) {}).empty()); }

TEST_CASE("each thing that is wrong with a run fails the check about it") {
  CHECK(failed_after([](TestRun& run) { run.report.tests[0].outcome = TestOutcome::kFailed; }) == Names{"fail_to_pass"});
  CHECK(failed_after([](TestRun& run) { run.report.tests[0].outcome = TestOutcome::kSkipped; }) == Names{"fail_to_pass"});
  CHECK(failed_after([](TestRun& run) { run.report.tests[0].id = "a::other"; }) == Names{"fail_to_pass"});
  CHECK(failed_after([](TestRun& run) { run.report.tests[1].outcome = TestOutcome::kError; }) == Names{"pass_to_pass"});
  CHECK(failed_after([](TestRun& run) { run.report.tests[2].outcome = TestOutcome::kPassed; }).empty());
  CHECK(failed_after([](TestRun& run) { run.report.tests[3].outcome = TestOutcome::kFailed; }) == Names{"tampered"});
  CHECK(failed_after([](TestRun& run) { run.report.tests[3].id = "b::good_1235"; }) == Names{"tampered"});
  CHECK(failed_after([](TestRun& run) { run.report.tests[4].outcome = TestOutcome::kPassed; }) == Names{"tampered"});
  CHECK(failed_after([](TestRun& run) { run.report.tests[4].outcome = TestOutcome::kSkipped; run.report.tests[2].outcome = TestOutcome::kFailed; }) == Names{"tampered"});
  CHECK(failed_after([](TestRun& run) { run.report.tests.push_back({"c::bad_5678", TestOutcome::kFailed}); }) == Names{"tampered"});
  CHECK(failed_after([](TestRun& run) { run.exit_code = 0; }) == Names{"exit"});
  CHECK(failed_after([](TestRun& run) { run.report.announced = 6; }) == Names{"totals"});
  CHECK(failed_after([](TestRun& run) { run.report.announced.reset(); }).empty());
  CHECK(failed_after([](TestRun& run) { run.report.truncated = true; }) == Names{"report"});
  CHECK(failed_after([](TestRun& run) { run.end = RunEnd::kSignalled; }) == Names{"report"});
  CHECK(failed_after([](TestRun& run) { run.end = RunEnd::kLimit; run.limit = "wall"; }) == Names{"time"});
  CHECK(failed_after([](TestRun& run) { run.end = RunEnd::kLimit; run.limit = "cpu"; }) == Names{"time"});
  CHECK(failed_after([](TestRun& run) { run.end = RunEnd::kLimit; run.limit = "memory"; }) == Names{"report"});
  CHECK(failed_after([](TestRun& run) { run.report = {}; }) == Names{"report", "exit", "tampered", "fail_to_pass", "pass_to_pass"});
  CHECK(failed_after([](TestRun& run) { run.passes.clear(); }) == Names{"tampered"});
}

TEST_CASE("what is said in several runs counts by its worst, and canaries count for nothing else") {
  const TestRun runs[] = {right_run(), right_run()};
  TestPlan two = plan();
  two.commands.resize(2);
  CHECK(failed(judge_tests(two, runs)).empty());
  TestRun worse = right_run();
  worse.report.tests[1].outcome = TestOutcome::kFailed;
  const TestRun mixed[] = {right_run(), worse};
  const Verdict verdict = judge_tests(two, mixed);
  CHECK(failed(verdict) == Names{"pass_to_pass"});
  const auto results = all_results(mixed);
  REQUIRE(results.size() == 3);
  CHECK(results[0].id == "a::flaky");
  CHECK(results[2].id == "a::old");
  CHECK(results[2].outcome == TestOutcome::kFailed);
}

TEST_CASE("evidence names which command and which tests, within bounds") {
  TestPlan many = plan();
  for (int i = 0; i < 100; ++i) many.pass_to_pass.push_back("gone " + std::to_string(i));
  const TestRun run = right_run();
  const Verdict verdict = judge_tests(many, {&run, 1});
  const Check& check = verdict.checks.back();
  CHECK(check.evidence.find("gone 0 missing") != std::string::npos);
  CHECK(check.evidence.ends_with("and 80 more"));
  TestRun cut = right_run();
  cut.report.truncated = true;
  const TestRun runs[] = {right_run(), cut};
  CHECK(believe(runs)[1].evidence.starts_with("command 2: "));
}
