// Jest's --json and vitest's --reporter=json. Ids are "file::suite > … > test"; a file that cannot be loaded, or fails without a
// failing test, is an error under its own name.
#include "verifiers/report_builder.h"
#include "verifiers/report_json.h"
#include "verifiers/report_paths.h"

namespace assay::reports::jest_json {
namespace {

std::optional<TestOutcome> outcome_of(std::string_view status) {
  if (status == "passed") return TestOutcome::kPassed;
  if (status == "failed") return TestOutcome::kFailed;
  if (status == "pending" || status == "skipped" || status == "todo" || status == "disabled") return TestOutcome::kSkipped;
  return {};
}

void read_file(JsonElement file, ReportBuilder& builder) {
  const std::string_view path = in_tree(text_member(file, "name")).substr(0, kTestIdBytes);
  const auto tests = array_member(file, "assertionResults");
  bool failed = false;
  std::string id;
  if (tests)
    for (const JsonElement test : *tests) {
      const std::optional<TestOutcome> outcome = outcome_of(text_member(test, "status"));
      if (!outcome) continue;
      failed |= outcome == TestOutcome::kFailed;
      id.assign(path).append("::");
      if (const auto suites = array_member(test, "ancestorTitles"))
        for (const JsonElement suite : *suites)
          if (std::string_view title; id.size() < kTestIdBytes && !suite.get(title)) id.append(title).append(" > ");
      builder.add(id.append(text_member(test, "title")), *outcome);
    }
  if (text_member(file, "status") == "failed" && !failed) builder.worsen(path, TestOutcome::kError);
}

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  const JsonDocument document(bytes);
  const auto files = document.root() ? array_member(*document.root(), "testResults") : std::nullopt;
  if (!document.whole() || !files) builder.truncate(files ? "its end is missing" : "no results of jest");
  if (document.root())
    if (const auto total = integer_member(*document.root(), "numTotalTests")) builder.announce(*total);
  if (files)
    for (const JsonElement file : *files) read_file(file, builder);
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"jest_json", "jest --json --outputFile={report}, vitest run --reporter=json --outputFile={report}", parse}; }

}  // namespace assay::reports::jest_json
