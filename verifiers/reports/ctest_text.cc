// What ctest prints. Ids are the tests' names. A test that could not be run is an error; one that is disabled is skipped.
#include <string>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::ctest_text {
namespace {

// Behind the dots: "   Passed    0.04 sec", "***Failed    0.02 sec", "***Exception: SegFault  0.03 sec".
std::optional<TestOutcome> outcome_of(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("Passed ")) return TestOutcome::kPassed;
  if (!skip(text, "***")) return {};
  if (text.starts_with("Skipped ") || text.starts_with("Not Run (Disabled) ")) return TestOutcome::kSkipped;
  if (text.starts_with("Failed") || text.starts_with("Timeout ")) return TestOutcome::kFailed;
  return TestOutcome::kError;
}

struct Result {
  std::string_view name;
  TestOutcome outcome;
  int64_t of;   // how many there are
};

// " 1/12 Test  #1: passes ....   Passed    0.04 sec"
std::optional<Result> result_of(std::string_view line) {
  line = trimmed(line);
  if (!line.ends_with(" sec") || !skip_number(line) || !skip(line, "/")) return {};
  const std::optional<int64_t> of = skip_number(line);
  if (!of || !skip(line, " Test ") || !skip_past(line, "#") || !skip_number(line) || !skip(line, ": ")) return {};
  for (const std::string_view mark : {std::string_view("***"), std::string_view("   Passed ")}) {
    const size_t at = line.rfind(mark);
    if (at == std::string_view::npos) continue;
    const std::optional<TestOutcome> outcome = outcome_of(line.substr(at));
    std::string_view name = line.substr(0, at);
    while (name.ends_with('.')) name.remove_suffix(1);
    if (outcome && name.size() < at && name.ends_with(' ')) return Result{trimmed(name), *outcome, *of};
  }
  return {};
}

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  std::optional<int64_t> of;
  bool ended = false;
  for (UntrustedLines lines(bytes); lines.next();) {
    std::string_view line = lines.line();
    if (const auto result = result_of(line)) {
      builder.add(result->name, result->outcome);
      of = result->of;
    } else if (line.find("% tests passed, ") != std::string_view::npos) {
      ended = true;
    }
  }
  if (of) builder.announce(*of);
  if (!ended) builder.truncate("no totals");
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"ctest_text", "ctest: what it prints", parse}; }

}  // namespace assay::reports::ctest_text
