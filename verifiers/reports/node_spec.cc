// What `node --test` prints for people (--test-reporter=spec). Ids are "suite > test". The list of failures after the totals repeats them.
#include <string>
#include <vector>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::node_spec {
namespace {

constexpr size_t kIndent = 2, kDepth = 32;

// Without the duration and the directive behind it: "adds (1.185256ms) # SKIP".
std::string_view name_of(std::string_view text) {
  const size_t end = text.rfind("ms)");
  const size_t open = end == std::string_view::npos ? end : text.rfind(" (", end);
  return trimmed(text.substr(0, open));
}

class Reader {
 public:
  void line(std::string_view text) {
    if (done_) return;
    const size_t spaces = std::min(text.find_first_not_of(' '), text.size());
    const size_t depth = spaces / kIndent;
    text.remove_prefix(spaces);
    if (depth > kDepth || spaces % kIndent != 0) return;
    if (skip(text, "▶ ")) return suite(depth, text);
    if (skip(text, "ℹ tests ")) {
      if (const auto total = skip_number(text)) builder_.announce_at_most(*total);
      done_ = true;
      return;
    }
    const bool todo = text.ends_with(" # TODO");
    if (skip(text, "✔ ")) test(depth, text, todo ? TestOutcome::kSkipped : TestOutcome::kPassed);
    else if (skip(text, "✖ ")) test(depth, text, todo ? TestOutcome::kSkipped : TestOutcome::kFailed);
    else if (skip(text, "﹣ ")) test(depth, text, TestOutcome::kSkipped);
  }

  TestReport finish() {
    if (!done_) builder_.truncate("no totals");
    return builder_.finish();
  }

 private:
  // A suite is named where it begins and again, with its duration, where it ends.
  void suite(size_t depth, std::string_view text) {
    const std::string_view name = name_of(text).substr(0, kTestIdBytes);
    if (ends(depth, name)) return;
    if (suites_.size() < depth) return;
    suites_.resize(depth);
    suites_.emplace_back(name);
  }

  bool ends(size_t depth, std::string_view name) {
    if (suites_.size() != depth + 1 || suites_.back() != name) return false;
    suites_.pop_back();
    return true;
  }

  void test(size_t depth, std::string_view text, TestOutcome outcome) {
    const std::string_view name = name_of(text);
    if (ends(depth, name.substr(0, kTestIdBytes))) return;
    if (suites_.size() < depth) return;
    suites_.resize(depth);
    id_.clear();
    for (const std::string& suite : suites_)
      if (id_.size() < kTestIdBytes) id_.append(suite).append(" > ");
    builder_.add(id_.append(name), outcome);
  }

  ReportBuilder builder_;
  std::vector<std::string> suites_;
  std::string id_;
  bool done_ = false;
};

TestReport parse(std::string_view bytes) {
  Reader reader;
  for (UntrustedLines lines(bytes); lines.next();) reader.line(lines.line());
  return reader.finish();
}

}  // namespace

ReportParser make() { return {"node_spec", "node --test --test-reporter=spec", parse}; }

}  // namespace assay::reports::node_spec
