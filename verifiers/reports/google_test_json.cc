// GoogleTest's --gtest_output=json:{report}. Ids are "Suite.Test", parameters as in "All/Words.Hold/1".
#include "verifiers/report_builder.h"
#include "verifiers/report_json.h"

namespace assay::reports::google_test_json {
namespace {

TestOutcome outcome_of(JsonElement test) {
  if (text_member(test, "status") == "NOTRUN" || text_member(test, "result") == "SKIPPED") return TestOutcome::kSkipped;
  return array_member(test, "failures") ? TestOutcome::kFailed : TestOutcome::kPassed;
}

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  const JsonDocument document(bytes);
  const auto suites = document.root() ? array_member(*document.root(), "testsuites") : std::nullopt;
  if (!document.whole() || !suites) builder.truncate(suites ? "its end is missing" : "no results of GoogleTest");
  if (!suites) return builder.finish();
  if (const auto total = integer_member(*document.root(), "tests")) builder.announce(*total);
  std::string id;
  for (const JsonElement suite : *suites) {
    const auto tests = array_member(suite, "testsuite");
    if (!tests) continue;
    for (const JsonElement test : *tests) {
      id.assign(text_member(suite, "name").substr(0, kTestIdBytes)).append(".").append(text_member(test, "name"));
      builder.add(id, outcome_of(test));
    }
  }
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"google_test_json", "GoogleTest: --gtest_output=json:{report}", parse}; }

}  // namespace assay::reports::google_test_json
