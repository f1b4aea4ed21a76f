// The summary that `pytest -rA` prints at its end; for where neither a file nor JUnit XML can be had. Ids are node ids. Skipped tests are
// printed without their ids, so they are missing. A test can print a summary of its own: the last one counts.
#include <string>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::pytest_text {
namespace {

struct Mark {
  std::string_view text;
  TestOutcome outcome;
};
constexpr Mark kMarks[] = {{"PASSED ", TestOutcome::kPassed}, {"FAILED ", TestOutcome::kFailed}, {"ERROR ", TestOutcome::kError},
                           {"XFAIL ", TestOutcome::kSkipped}, {"XPASS ", TestOutcome::kPassed}};

bool is_rule(std::string_view line) { return line.starts_with('=') && line.ends_with('='); }

// The node id before " - message". Parameters may hold anything, " - " too.
std::string_view id_of(std::string_view text) {
  const size_t bracket = text.find('[');
  size_t end = text.find(" - ");
  if (bracket < end) {
    const size_t close = text.find("] - ", bracket);
    end = close != std::string_view::npos ? close + 1 : text.ends_with(']') ? text.size() : end;
  }
  return text.substr(0, end);
}

// "8 failed, 18 passed, 2 skipped, 5 errors in 0.45s" without its rules; nothing if it is something else.
std::optional<int64_t> total_of(std::string_view text) {
  while (skip(text, "=")) {}
  text = trimmed(text);
  int64_t total = 0;
  bool any = false;
  while (const std::optional<int64_t> count = skip_number(text)) {
    if (!skip(text, " ")) return {};
    const std::string_view what = text.substr(0, text.find_first_of(", "));
    if (what != "warnings" && what != "warning" && what != "deselected" && what != "rerun") total += std::min<int64_t>(*count, kReportTests);
    any = true;
    text.remove_prefix(what.size());
    if (!skip(text, ", ")) break;
  }
  if (!any || !text.starts_with(" in ")) return {};
  return total;
}

// One summary: from its heading on.
class Summary {
 public:
  void line(std::string_view text) {
    if (is_rule(text)) {
      if (const auto total = total_of(text)) builder_.announce_at_most(*total), ended_ = true;
      return;
    }
    for (const Mark& mark : kMarks) {
      if (!skip(text, mark.text)) continue;
      // An error in the teardown is more about a test that has passed or failed.
      if (mark.outcome == TestOutcome::kError) builder_.worsen(id_of(text), mark.outcome);
      else builder_.add(id_of(text), mark.outcome);
      return;
    }
  }
  TestReport finish() {
    if (!ended_) builder_.truncate("no totals");
    return builder_.finish();
  }

 private:
  ReportBuilder builder_;
  bool ended_ = false;
};

TestReport parse(std::string_view bytes) {
  std::optional<Summary> summary;
  for (UntrustedLines lines(bytes); lines.next();) {
    if (is_rule(lines.line()) && lines.line().find(" short test summary info ") != std::string_view::npos) summary.emplace();
    else if (summary) summary->line(lines.line());
  }
  return (summary ? *summary : Summary()).finish();
}

}  // namespace

ReportParser make() { return {"pytest_text", "pytest -rA: what it prints; the last resort", parse}; }

}  // namespace assay::reports::pytest_text
