#include "datasets/report/test_table.h"

namespace assay {
namespace {

// The outcome of `id` if the evidence goes on with it, and the evidence after it. An id may hold anything, so it is compared, never split.
std::string take(std::string_view& evidence, const std::string& id) {
  if (!evidence.starts_with(id + " ")) return "";
  const std::string_view rest = evidence.substr(id.size() + 1);
  for (const std::string_view outcome : {"failed", "error", "skipped", "missing"}) {
    if (!rest.starts_with(outcome)) continue;
    const std::string_view after = rest.substr(outcome.size());
    if (!after.empty() && !after.starts_with("; ")) continue;
    evidence = after.empty() ? after : after.substr(2);
    return std::string(outcome);
  }
  return "";
}

void add_lines(const Json& plan, const Verdict& verdict, const std::string& must, std::vector<TestLine>& lines) {
  const auto check = std::find_if(verdict.checks.begin(), verdict.checks.end(), [&](const Check& each) { return each.name == must; });
  if (!plan.contains(must) || check == verdict.checks.end()) return;
  std::string_view evidence = check->evidence;
  for (const Json& each : plan[must]) {
    if (!each.is_string()) continue;
    TestLine line{each.get<std::string>(), must, "passed"};
    // Evidence is in the order of the plan: what comes before the next one named has passed, unless only a count is left.
    const bool only_counted = evidence.starts_with("and ") && evidence.ends_with(" more");
    if (const std::string outcome = take(evidence, line.id); !outcome.empty()) line.outcome = outcome;
    else if (only_counted) line.outcome = "";
    lines.push_back(std::move(line));
  }
}

}  // namespace

std::vector<TestLine> test_table(const Task& task, const Verdict& verdict) {
  std::vector<TestLine> lines;
  if (!task.tests.is_object()) return lines;
  for (const char* must : {"fail_to_pass", "pass_to_pass"}) add_lines(task.tests, verdict, must, lines);
  return lines;
}

}  // namespace assay
