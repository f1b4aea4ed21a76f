#include "verifiers/test_verdict.h"

#include <algorithm>
#include <map>

namespace assay {
namespace {

constexpr size_t kNamed = 20;   // ids in an evidence
constexpr const char* kTimeCheck = "time";

// Adds to a list that may be long: the first few by name, then how many more.
class Evidence {
 public:
  void add(const std::string& what) {
    if (++count_ <= kNamed) text_ += (text_.empty() ? "" : "; ") + what;
  }
  Check check(const char* name) const {
    return {name, count_ == 0, count_ > kNamed ? text_ + "; and " + std::to_string(count_ - kNamed) + " more" : text_};
  }

 private:
  std::string text_;
  size_t count_ = 0;
};

std::string of_run(std::span<const TestRun> runs, size_t index, const std::string& what) {
  return runs.size() == 1 ? what : "command " + std::to_string(index + 1) + ": " + what;
}

bool failed(TestOutcome outcome) { return outcome == TestOutcome::kFailed || outcome == TestOutcome::kError; }

bool is_out_of_time(const TestRun& run) { return run.end == RunEnd::kLimit && (run.limit == "wall" || run.limit == "cpu"); }

std::string time_problem(const TestRun& run) { return is_out_of_time(run) ? "the runner was ended by the limit on " + run.limit + " time" : ""; }

std::string report_problem(const TestRun& run) {
  if (is_out_of_time(run)) return "";   // said already
  if (run.end == RunEnd::kLimit) return "the runner was ended by the limit on " + run.limit;
  if (run.end == RunEnd::kSignalled) return "the runner was ended by signal " + std::to_string(run.signal);
  if (run.report.truncated) return "the report has no end: " + (run.report.notes.empty() ? "there is none" : run.report.notes.front());
  if (run.report.tests.empty()) return "the report names no test";
  return "";
}

std::string exit_problem(const TestRun& run) {
  if (run.end != RunEnd::kExited) return "";   // said already
  const bool any = std::any_of(run.report.tests.begin(), run.report.tests.end(), [](const TestResult& test) { return failed(test.outcome); });
  if (any == (run.exit_code != 0)) return "";
  return "exit status " + std::to_string(run.exit_code) + " although " + (any ? "tests failed" : "no test failed");
}

std::string totals_problem(const TestRun& run) {
  if (!run.report.announced || *run.report.announced == run.report.entries) return "";
  return std::to_string(*run.report.announced) + " tests announced, " + std::to_string(run.report.entries) + " reported";
}

bool is_canary(const std::string& id, const std::string& ending) { return !ending.empty() && id.ends_with(ending); }

// "passed", "missing", "reported twice".
std::string canary_outcome(const TestReport& report, const std::string& ending) {
  std::string said = "missing";
  for (const TestResult& test : report.tests)
    if (is_canary(test.id, ending)) said = said == "missing" ? std::string(outcome_name(test.outcome)) : "reported twice";
  return said;
}

std::string tampering(const TestRun& run) {
  if (const std::string said = canary_outcome(run.report, run.passes); said != "passed") return "a test that must pass is " + said;
  if (const std::string said = canary_outcome(run.report, run.fails); said != "failed" && said != "error") return "a test that must fail is " + said;
  return "";
}

}  // namespace

TestRun TestRun::of(const RunResult& result, TestReport report, std::string passes, std::string fails) {
  return {result.end, result.exit_code, result.signal, result.limit, std::move(report), std::move(passes), std::move(fails)};
}

std::vector<Check> believe(std::span<const TestRun> runs) {
  std::vector<Check> checks;
  const auto check = [&](const char* name, std::string (*problem)(const TestRun&)) {
    Evidence evidence;
    for (size_t i = 0; i < runs.size(); ++i)
      if (const std::string what = problem(runs[i]); !what.empty()) evidence.add(of_run(runs, i, what));
    checks.push_back(evidence.check(name));
  };
  check(kTimeCheck, time_problem);
  check("report", report_problem);
  check("exit", exit_problem);
  check("totals", totals_problem);
  check("tampered", tampering);
  return checks;
}

bool is_timed_out(const Verdict& verdict) {
  return std::any_of(verdict.checks.begin(), verdict.checks.end(), [](const Check& check) { return check.name == kTimeCheck && !check.passed; });
}

std::vector<TestResult> all_results(std::span<const TestRun> runs) {
  std::map<std::string, TestOutcome> worst;
  for (const TestRun& run : runs)
    for (const TestResult& test : run.report.tests) {
      if (is_canary(test.id, run.passes) || is_canary(test.id, run.fails)) continue;
      const auto [entry, added] = worst.emplace(test.id, test.outcome);
      if (!added) entry->second = std::max(entry->second, test.outcome);
    }
  std::vector<TestResult> results;
  for (const auto& [id, outcome] : worst) results.push_back({id, outcome});
  return results;
}

Verdict judge_tests(const TestPlan& plan, std::span<const TestRun> runs) {
  ASSAY_ASSERT(runs.size() == plan.commands.size());
  Verdict verdict;
  verdict.verifier = kTestVerifierName;
  verdict.checks = believe(runs);
  const std::vector<TestResult> results = all_results(runs);
  const auto must_pass = [&](const char* name, const std::vector<std::string>& ids) {
    Evidence evidence;
    for (const std::string& id : ids) {
      const auto found = std::lower_bound(results.begin(), results.end(), id, [](const TestResult& test, const std::string& sought) { return test.id < sought; });
      const bool missing = found == results.end() || found->id != id;
      if (missing || found->outcome != TestOutcome::kPassed) evidence.add(id + " " + (missing ? "missing" : std::string(outcome_name(found->outcome))));
    }
    verdict.checks.push_back(evidence.check(name));
  };
  must_pass("fail_to_pass", plan.fail_to_pass);
  must_pass("pass_to_pass", plan.pass_to_pass);
  verdict.passed = std::all_of(verdict.checks.begin(), verdict.checks.end(), [](const Check& check) { return check.passed; });
  verdict.reward = verdict.passed ? 1 : 0;
  return verdict;
}

}  // namespace assay
