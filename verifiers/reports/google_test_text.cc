// What GoogleTest prints. A result counts only for the test that was begun last; the list at the end repeats what failed.
#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::google_test_text {
namespace {

// "Basket.Adds (0 ms)", "All/Words.Hold/1, where GetParam() = 2 (0 ms)".
bool is_result_of(std::string_view text, std::string_view id) {
  return skip(text, id) && (text.empty() || text.starts_with(" (") || text.starts_with(", where "));
}

TestReport parse(std::string_view bytes) {
  struct Mark {
    std::string_view text;
    TestOutcome outcome;
  };
  static constexpr Mark kMarks[] = {{"[       OK ] ", TestOutcome::kPassed}, {"[  FAILED  ] ", TestOutcome::kFailed}, {"[  SKIPPED ] ", TestOutcome::kSkipped}};
  ReportBuilder builder;
  int64_t open = 0, programs = 0;
  for (UntrustedLines lines(bytes); lines.next();) {
    std::string_view line = lines.line();
    if (const size_t mark = line.find("[ RUN      ] "); mark != std::string_view::npos) {
      builder.run(trimmed(line.substr(mark + 13)));
      continue;
    }
    for (const Mark& mark : kMarks) {
      const size_t at = builder.running().empty() ? std::string_view::npos : line.find(mark.text);
      if (at == std::string_view::npos || !is_result_of(line.substr(at + mark.text.size()), builder.running())) continue;
      builder.end(mark.outcome);
    }
    if (skip(line, "[ DISABLED ] ")) builder.worsen(line, TestOutcome::kSkipped);
    if (!skip(line, "[==========] ")) continue;
    if (skip(line, "Running ")) {
      ++open, ++programs;
      if (const auto total = skip_number(line)) builder.announce(*total);
    } else if (line.find(" ran.") != std::string_view::npos) {
      --open;
    }
  }
  if (open != 0 || programs == 0) builder.truncate(programs == 0 ? "no results of GoogleTest" : "a test program has no end");
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"google_test_text", "GoogleTest: what it prints", parse}; }

}  // namespace assay::reports::google_test_text
