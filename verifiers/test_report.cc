#include "verifiers/test_report.h"

#include <algorithm>

#include "envs/base/json.h"

namespace assay {

std::string_view outcome_name(TestOutcome outcome) {
  switch (outcome) {
    case TestOutcome::kSkipped: return "skipped";
    case TestOutcome::kPassed: return "passed";
    case TestOutcome::kFailed: return "failed";
    case TestOutcome::kError: return "error";
  }
  ASSAY_ASSERT(false);
}

std::optional<TestOutcome> TestReport::outcome_of(std::string_view id) const {
  const auto test = std::find_if(tests.begin(), tests.end(), [&](const TestResult& each) { return each.id == id; });
  if (test == tests.end()) return {};
  return test->outcome;
}

Result<const ReportParser*> find_report_parser(std::string_view name) {
  std::vector<std::string> known;
  for (const ReportParser& parser : reports::all()) {
    if (parser.name == name) return &parser;
    known.push_back(parser.name);
  }
  return unknown_name("report format", name, known);
}

}  // namespace assay
