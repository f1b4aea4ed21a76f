// Automake's test results: the .trs files of a run one after another, each behind a line ":file: PATH", and ":end:" (Automake manual, "API for
// Custom Test Drivers"). A file is one test, by its global result; what a TAP file holds has no names there.
#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::trs {
namespace {

// The word at the front. What was expected to fail and did is as it should be.
std::optional<TestOutcome> outcome_of(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(' '));
  if (word == "PASS" || word == "XFAIL") return TestOutcome::kPassed;
  if (word == "FAIL" || word == "XPASS") return TestOutcome::kFailed;
  if (word == "SKIP") return TestOutcome::kSkipped;
  if (word == "ERROR") return TestOutcome::kError;
  return {};
}

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  bool ended = false;
  for (UntrustedLines lines(bytes); lines.next();) {
    std::string_view line = lines.line();
    ended = line == ":end:";
    if (skip(line, ":file: ")) {
      if (line.ends_with(".trs")) line.remove_suffix(4);
      builder.run(line);
    } else if (skip(line, ":global-test-result: ")) {
      if (const auto outcome = outcome_of(line)) builder.end(*outcome);
    }
  }
  if (!ended) builder.truncate("no end");
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"trs", "Automake's test harness: its .trs files, put together by the recipe of Make", parse}; }

}  // namespace assay::reports::trs
