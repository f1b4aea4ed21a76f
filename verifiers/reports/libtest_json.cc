// Rust's `cargo test -- -Z unstable-options --format json` (library/test/src/formatters/json.rs): a line an event. Every test program
// announces its tests and says how it ended; one that does not was cut off.
#include "verifiers/libtest.h"
#include "verifiers/report_builder.h"
#include "verifiers/report_json.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::libtest_json {
namespace {

std::optional<TestOutcome> outcome_of(std::string_view event) {
  if (event == "ok") return TestOutcome::kPassed;
  if (event == "failed" || event == "timeout") return TestOutcome::kFailed;
  if (event == "ignored") return TestOutcome::kSkipped;
  return {};
}

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  LibtestTarget target;
  bool open = false, any = false;
  std::string scratch;
  JsonLines lines(bytes, "{ \"type\":");
  while (lines.next()) {
    if (!lines.object()) {
      target.read(cleaned(lines.line(), scratch));
      continue;
    }
    const std::string_view type = text_member(*lines.object(), "type"), event = text_member(*lines.object(), "event");
    if (type == "suite") {
      if (open && event == "started") builder.truncate("a test program has no end");
      open = event == "started";
      any = true;
      if (open) builder.announce(integer_member(*lines.object(), "test_count").value_or(0));
    } else if (type == "test") {
      const std::string_view id = target.id(text_member(*lines.object(), "name"));
      if (event == "started") builder.begin(id);
      else if (const std::optional<TestOutcome> outcome = outcome_of(event)) builder.add(id, *outcome);
    }
  }
  if (lines.cut_off()) builder.truncate("the last line is cut off");
  if (open || !any) builder.truncate(open ? "a test program has no end" : "no event of libtest");
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"libtest_json", "Rust: cargo test --no-fail-fast -- -Z unstable-options --format json (RUSTC_BOOTSTRAP=1)", parse}; }

}  // namespace assay::reports::libtest_json
