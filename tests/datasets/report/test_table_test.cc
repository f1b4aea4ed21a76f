#include "datasets/report/test_table.h"

#include <catch2/catch.hpp>

using namespace assay;

namespace {

Task task_with(const std::vector<std::string>& must_change, const std::vector<std::string>& must_stay) {
  Task task;
  task.tests = {{"fail_to_pass", must_change}, {"pass_to_pass", must_stay}};
  return task;
}

std::vector<std::string> outcomes(const std::vector<TestLine>& lines) {
  std::vector<std::string> out;
  for (const TestLine& line : lines) out.push_back(line.outcome);
  return out;
}

}  // namespace

TEST_CASE("Tests that a verdict's evidence does not name have passed") {
  Verdict verdict;
  verdict.checks = {{"fail_to_pass", false, "b missing; d failed"}, {"pass_to_pass", true, ""}};
  const auto lines = test_table(task_with({"a", "b", "c", "d"}, {"e"}), verdict);
  CHECK(outcomes(lines) == std::vector<std::string>{"passed", "missing", "passed", "failed", "passed"});
  CHECK(lines[4].must == "pass_to_pass");
}

TEST_CASE("Names of tests that look like evidence are not taken for it") {
  Verdict verdict;
  verdict.checks = {{"fail_to_pass", false, "x[a failed; b] error; x skipped"}};
  CHECK(outcomes(test_table(task_with({"x[a failed; b]", "x"}, {}), verdict)) == std::vector<std::string>{"error", "skipped"});
}

TEST_CASE("What is only counted is not named") {
  Verdict verdict;
  verdict.checks = {{"fail_to_pass", false, "a failed; and 2 more"}};
  CHECK(outcomes(test_table(task_with({"a", "b", "c", "d"}, {}), verdict)) == std::vector<std::string>{"failed", "", "", ""});
}

TEST_CASE("A task that is not judged by tests has no table") { CHECK(test_table(Task{}, Verdict{}).empty()); }
