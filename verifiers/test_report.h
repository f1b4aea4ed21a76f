// What a test runner said: one parser a format, one file a parser in verifiers/reports/, which defines `ReportParser make()`.
//
// Parsers are pure, total, bounded and linear in the bytes: a report was written in a process that ran hostile code. Bytes that
// are no UTF-8, ANSI colours, CRLF, foreign lines in between and a sudden end are all read for what is left of them. What a
// report says is a claim; verifiers/test_verdict.h says when it is believed.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

// From the best to the worst. A test that was begun and never ended has an error. One that is missing has no entry.
enum class TestOutcome { kSkipped, kPassed, kFailed, kError };

// "passed", "failed", "error", "skipped".
std::string_view outcome_name(TestOutcome outcome);

struct TestResult {
  std::string id;   // as stable as the runner lets it be: "tests/test_a.py::test_b[1]"; UTF-8, one line, at most kTestIdBytes
  TestOutcome outcome = TestOutcome::kPassed;
};

inline constexpr size_t kTestIdBytes = 1024;         // longer ones are cut
inline constexpr size_t kReportTests = 1'000'000;    // more are dropped, and the report counts as truncated
inline constexpr size_t kReportIdBytes = 64 << 20;   // of all ids together; as above
inline constexpr size_t kReportNotes = 16;

struct TestReport {
  std::vector<TestResult> tests;      // each id once, by its worst outcome, in the order of first mention
  int64_t entries = 0;                // results it holds as its runner counts them: repeated ids each time, subtests and hooks not
  std::optional<int64_t> announced;   // how many results the runner itself says there are; to be compared with `entries`
  bool truncated = false;             // its end is missing: cut off by a crash, or not well-formed from some place on
  std::vector<std::string> notes;     // what was odd

  // The outcome of one test, or nothing if it is missing; linear.
  std::optional<TestOutcome> outcome_of(std::string_view id) const;
};

struct ReportParser {
  std::string name;      // "junit"
  std::string summary;   // which runners write it, and how they are told to
  std::function<TestReport(std::string_view bytes)> parse;
};

namespace reports {
std::span<const ReportParser> all();  // generated from the folder
}

// Fails with the names there are.
Result<const ReportParser*> find_report_parser(std::string_view name);

}  // namespace assay
