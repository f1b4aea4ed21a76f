// What `cargo test` prints, with or without what cargo itself says on standard error. "test NAME ... ok" may be torn apart by what
// the test prints; then its result stands alone on a line.
#include "verifiers/libtest.h"
#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::cargo_text {
namespace {

std::optional<TestOutcome> outcome_of(std::string_view word) {
  if (word == "ok") return TestOutcome::kPassed;
  if (word == "FAILED" || word == "failed") return TestOutcome::kFailed;
  if (word == "ignored" || word.starts_with("ignored, ")) return TestOutcome::kSkipped;
  return {};
}

class Reader {
 public:
  void line(std::string_view text) {
    if (target_.read(text)) return;
    if (skip(text, "running ")) return start(text);
    if (skip(text, "test result: ")) {
      builder_.leave();
      open_ = failures_ = false;
      return;
    }
    if (text == "failures:") failures_ = true;   // what they printed follows
    if (failures_) return;
    if (!builder_.running().empty())
      if (const auto outcome = outcome_of(text)) return builder_.end(*outcome);
    if (skip(text, "test ")) test(text);
  }

  TestReport finish() {
    if (open_ || !any_) builder_.truncate(open_ ? "a test program has no end" : "no test program was run");
    return builder_.finish();
  }

 private:
  void start(std::string_view text) {
    const std::optional<int64_t> count = skip_number(text);
    if (!count || (text != " tests" && text != " test")) return;
    if (open_) builder_.truncate("a test program has no end");
    builder_.announce(*count);
    open_ = any_ = true;
    failures_ = false;
  }

  void test(std::string_view text) {
    std::optional<std::string_view> name = skip_past(text, " ... ");
    if (!name && text.ends_with(" ...")) name = text.substr(0, text.size() - 4), text = {};
    if (!name || !open_) return;
    if (name->ends_with(" - should panic")) name->remove_suffix(15);
    builder_.run(target_.id(*name));
    if (const auto outcome = outcome_of(text)) builder_.end(*outcome);
  }

  ReportBuilder builder_;
  LibtestTarget target_;
  bool open_ = false, any_ = false, failures_ = false;
};

TestReport parse(std::string_view bytes) {
  Reader reader;
  for (UntrustedLines lines(bytes); lines.next();) reader.line(lines.line());
  return reader.finish();
}

}  // namespace

ReportParser make() { return {"cargo_text", "Rust: cargo test --no-fail-fast", parse}; }

}  // namespace assay::reports::cargo_text
