// What Python's `unittest -v` prints (on standard error). Ids are "module.Class.test", in the spelling of 3.11, which names the test again
// in the parentheses. What a test prints may stand between its name and its result; then the result stands alone on a line. Subtests and
// what fails around tests (setUpClass) count for no test of their own.
#include <string>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::unittest_text {
namespace {

std::optional<TestOutcome> outcome_of(std::string_view word) {
  if (word == "ok" || word == "expected failure") return TestOutcome::kPassed;
  if (word == "FAIL" || word == "unexpected success") return TestOutcome::kFailed;
  if (word == "ERROR") return TestOutcome::kError;
  if (word == "skipped" || word.starts_with("skipped ")) return TestOutcome::kSkipped;
  return {};
}

// "test_good (tests.test_case.Sums.test_good)" or, before 3.11, "test_good (tests.test_case.Sums)" at the front; takes it.
std::string skip_id(std::string_view& text) {
  std::string_view rest = text;
  const std::optional<std::string_view> name = skip_past(rest, " (");
  if (!name || name->empty() || name->find(' ') != std::string_view::npos) return "";
  const std::optional<std::string_view> path = skip_past(rest, ")");
  if (!path || path->empty() || path->find_first_of(" (=:") != std::string_view::npos || path->size() > kTestIdBytes || name->size() > kTestIdBytes) return "";
  text = rest;
  std::string id(*path);
  if (id != *name && !id.ends_with("." + std::string(*name))) id.append(".").append(*name);
  return id;
}

class Reader {
 public:
  void line(std::string_view text) {
    if (skip(text, "Ran ")) return total(text);
    const bool inner = text.starts_with("  ");
    if (inner) text = trimmed(text);
    if (const std::string id = skip_id(text); !id.empty()) return named(id, text, inner);
    if (builder_.running().empty()) return;
    // A docstring and the result, what was printed and the result, or the result.
    const size_t dots = text.rfind(" ... ");
    if (const auto outcome = outcome_of(dots == std::string_view::npos ? text : text.substr(dots + 5))) builder_.end(*outcome);
  }

  TestReport finish() {
    if (!ended_) builder_.truncate("no totals");
    return builder_.finish();
  }

 private:
  void named(const std::string& id, std::string_view text, bool inner) {
    const size_t dots = text.rfind(" ... ");
    const auto outcome = dots == std::string_view::npos ? std::nullopt : outcome_of(text.substr(dots + 5));
    const bool around = id.ends_with(".setUpClass") || id.ends_with(".tearDownClass") || id.ends_with(".setUpModule") || id.ends_with(".tearDownModule") || id.starts_with("unittest.loader.");
    if (inner || around) {
      if (outcome) builder_.worsen(id, *outcome);
      return;
    }
    if (!text.empty() && !text.starts_with(" ... ") && text != " ...") return;
    if (text.empty() && !builder_.running().empty()) return;   // two names in a row: not both begin a test
    builder_.run(id);
    if (outcome) builder_.end(*outcome);
  }

  void total(std::string_view text) {
    const std::optional<int64_t> count = skip_number(text);
    if (!count || !text.starts_with(" test")) return;
    builder_.announce(*count);
    ended_ = true;
    builder_.leave();
  }

  ReportBuilder builder_;
  bool ended_ = false;
};

TestReport parse(std::string_view bytes) {
  Reader reader;
  for (UntrustedLines lines(bytes); lines.next();) reader.line(lines.line());
  return reader.finish();
}

}  // namespace

ReportParser make() { return {"unittest_text", "Python: python -m unittest -v, standard error", parse}; }

}  // namespace assay::reports::unittest_text
