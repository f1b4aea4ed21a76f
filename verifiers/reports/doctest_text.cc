// What doctest prints with -s, so that what passes is named too. A block for each run of a test case: a rule, its place and name, then its
// assertions; subcases run it again.
#include <string>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::doctest_text {
namespace {

class Reader {
 public:
  void line(std::string_view text) {
    if (text.starts_with("====") && text.find_first_not_of('=') == std::string_view::npos) return end();
    if (skip(text, "TEST CASE:  ")) {
      name_ = text.substr(0, kTestIdBytes);
    } else if (text.find(": ERROR: ") != std::string_view::npos || text.find(": FATAL ERROR: ") != std::string_view::npos) {
      failed_ = true;
    } else if (text.starts_with("Failed as expected") || text.starts_with("Allowed to fail")) {
      failed_ = false;
    } else if (text.starts_with("Should have failed") || text.starts_with("Didn't fail exactly")) {
      failed_ = true;
    } else if (skip(text, "[doctest] test cases:")) {
      text = trimmed(text);
      if (const auto total = skip_number(text)) builder_.announce_at_most(*total);
      ended_ = true;
    }
  }

  TestReport finish() {
    if (!name_.empty()) builder_.begin(name_);
    if (!last_.empty()) builder_.add(last_, worst_);
    if (!ended_) builder_.truncate("no totals");
    return builder_.finish();
  }

 private:
  // Runs of one test case follow each other and count as one.
  void end() {
    if (!name_.empty()) {
      const TestOutcome outcome = failed_ ? TestOutcome::kFailed : TestOutcome::kPassed;
      if (name_ == last_) {
        worst_ = std::max(worst_, outcome);
      } else {
        if (!last_.empty()) builder_.add(last_, worst_);
        last_ = name_;
        worst_ = outcome;
      }
    }
    name_.clear();
    failed_ = false;
  }

  ReportBuilder builder_;
  std::string name_, last_;
  TestOutcome worst_ = TestOutcome::kPassed;
  bool failed_ = false, ended_ = false;
};

TestReport parse(std::string_view bytes) {
  Reader reader;
  for (UntrustedLines lines(bytes); lines.next();) reader.line(lines.line());
  return reader.finish();
}

}  // namespace

ReportParser make() { return {"doctest_text", "doctest: what -s prints", parse}; }

}  // namespace assay::reports::doctest_text
