// What Catch2 prints for people with -s, so that what passes is named too. A block for each section: dashes, the test case's name, deeper
// names indented, dashes, the place, dots; then its assertions. Test cases without assertions are not printed.
#include <string>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::catch2_text {
namespace {

constexpr size_t kWidth = 79;

// What a test printed without a line feed may stand before it.
bool ends_with_rule(std::string_view line, char c) { return line.size() >= kWidth && line.substr(line.size() - kWidth).find_first_not_of(c) == std::string_view::npos; }

class Reader {
 public:
  void line(std::string_view text) {
    if (ends_with_rule(text, '-')) {
      in_name_ = !in_name_;
      if (in_name_) next_.clear();
      else if (!next_.empty()) change();
    } else if (in_name_) {
      // A long name goes on in the next lines; a section's is indented.
      if (!text.starts_with(' ') && next_.size() < kTestIdBytes) next_.append(next_.empty() ? "" : " ").append(text);
    } else if (text.ends_with(": FAILED:")) {
      failed_ = true;
    } else if (ends_with_rule(text, '=')) {
      change();
      name_.clear();
    } else {
      total(text);
    }
  }

  TestReport finish() {
    if (!ended_) builder_.truncate("no totals");
    if (!name_.empty()) builder_.begin(name_);
    return builder_.finish();
  }

 private:
  // Blocks of one test case follow each other.
  void change() {
    if (next_ != name_) {
      if (!name_.empty()) builder_.add(name_, failed_ ? TestOutcome::kFailed : TestOutcome::kPassed);
      failed_ = false;
      name_ = next_;
    }
    next_.clear();
  }

  // "test cases: 12 | 8 passed", "All tests passed (17 assertions in 12 test cases)".
  void total(std::string_view text) {
    const bool all = skip(text, "All tests passed (");
    if (all ? !skip_past(text, " in ") : !skip(text, "test cases:")) return;
    text = trimmed(text);
    if (const auto count = skip_number(text)) builder_.announce_at_most(*count);
    ended_ = true;
  }

  ReportBuilder builder_;
  std::string name_, next_;
  bool in_name_ = false, failed_ = false, ended_ = false;
};

TestReport parse(std::string_view bytes) {
  Reader reader;
  for (UntrustedLines lines(bytes); lines.next();) reader.line(lines.line());
  return reader.finish();
}

}  // namespace

ReportParser make() { return {"catch2_text", "Catch2: what -s prints", parse}; }

}  // namespace assay::reports::catch2_text
