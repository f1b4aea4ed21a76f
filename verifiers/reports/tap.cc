// The Test Anything Protocol, versions 12 to 14 (testanything.org): of node:test, mocha, prove, tape, tap, bats and others. Ids are the
// descriptions, within subtests "parent > child", which are indented by four spaces and announced by "# Subtest: parent". A point without a
// description has its number. node:test says in the block after a point that it is a suite; suites are no tests, but one that failed by
// itself (a hook) is an error.
#include <algorithm>
#include <string>
#include <vector>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::tap {
namespace {

constexpr size_t kIndent = 4, kDepth = 32;

bool starts_with_word(std::string_view text, std::string_view lower_case) {
  return text.size() >= lower_case.size() &&
         std::equal(lower_case.begin(), lower_case.end(), text.begin(), [](char a, char b) { return a == b || a == b + 32; });
}

struct Description {
  std::string text;
  bool left_out = false;   // SKIP or TODO
};

Description describe(std::string_view text) {
  Description out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '#' || text[at + 1] == '\\')) {
      out.text.push_back(text[++at]);
      continue;
    }
    if (text[at] == '#') {
      const std::string_view directive = trimmed(text.substr(at + 1));
      out.left_out = starts_with_word(directive, "skip") || starts_with_word(directive, "todo");
      if (out.left_out || directive.starts_with("time=")) break;
    }
    out.text.push_back(text[at]);
  }
  out.text = trimmed(out.text);
  return out;
}

class Reader {
 public:
  void line(std::string_view text) {
    const size_t spaces = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(spaces);
    if (in_block_) return block(text, spaces);
    const size_t depth = spaces / kIndent;
    if (pending_ && text == "---") {
      in_block_ = true;
      block_spaces_ = spaces;
      return;
    }
    if (spaces % kIndent != 0 || depth > kDepth) return;
    if (skip(text, "# Subtest: ")) {
      begin(depth, text);
    } else if (depth == 0 && skip(text, "# tests ")) {
      announced_ = skip_number(text);
    } else if (depth == 0 && text.starts_with("# suites ")) {
      counts_tests_ = true;
    } else if (text.starts_with("1..")) {
      plan(depth, text.substr(3));
    } else if (text.starts_with("Bail out!")) {
      flush();
      builder_.truncate(std::string(text.substr(0, 200)));
    } else if (skip(text, "ok")) {
      point(depth, text, TestOutcome::kPassed);
    } else if (skip(text, "not ok")) {
      point(depth, text, TestOutcome::kFailed);
    }
  }

  TestReport finish() {
    flush();
    if (levels_.empty() || !levels_[0].plan) builder_.truncate("no plan");
    for (const Level& level : levels_) {
      if (level.name.empty() || level.ended) continue;
      builder_.truncate("a subtest has no end");
      break;
    }
    if (!levels_.empty()) check(levels_[0]);
    if (counts_tests_ && announced_) builder_.announce(*announced_);
    else if (!nested_ && !levels_.empty() && levels_[0].plan) builder_.announce(*levels_[0].plan);
    return builder_.finish();
  }

 private:
  struct Level {
    std::string name;          // of the subtest that was begun here
    bool ended = true;         // its point was read
    int64_t points = 0;
    std::optional<int64_t> plan;
  };
  struct Point {
    std::string id;
    TestOutcome outcome;
    bool suite = false, by_itself = false;
  };

  Level& level(size_t depth) {
    while (levels_.size() <= depth) levels_.emplace_back();
    return levels_[depth];
  }

  void begin(size_t depth, std::string_view name) {
    flush();
    Level& here = level(depth);
    here.name = describe(name.substr(0, kTestIdBytes)).text;
    here.ended = false;
  }

  void plan(size_t depth, std::string_view text) {
    flush();
    if (const auto count = skip_number(text); count && !level(depth).plan) level(depth).plan = *count;
  }

  void point(size_t depth, std::string_view text, TestOutcome outcome) {
    if (!text.empty() && text.front() != ' ') return;
    flush();
    text = trimmed(text);
    const std::string_view numbered = text;
    const std::optional<int64_t> number = skip_number(text);
    if (number && !text.empty() && text.front() != ' ') text = numbered;
    text = trimmed(text);
    if (skip(text, "- ")) text = trimmed(text);
    Level& here = level(depth);
    ++here.points;
    const Description description = describe(text);
    Point point{"", description.left_out ? TestOutcome::kSkipped : outcome};
    for (size_t parent = 0; parent < depth && point.id.size() < kTestIdBytes; ++parent) point.id.append(levels_[parent].name).append(" > ");
    point.id.append(!description.text.empty() || !number ? description.text : std::to_string(*number));
    if (levels_.size() > depth + 1) {   // the subtests of this point
      nested_ = true;
      check(levels_[depth + 1]);
      levels_.resize(depth + 1);
    }
    levels_[depth].ended = true;
    pending_ = std::move(point);
  }

  void check(const Level& level) {
    if (level.plan && *level.plan != level.points)
      builder_.truncate("a plan of " + std::to_string(*level.plan) + " points, of which there are " + std::to_string(level.points));
  }

  void block(std::string_view text, size_t spaces) {
    if (spaces < block_spaces_ && !text.empty()) in_block_ = false;   // it has no end
    if (spaces != block_spaces_) return;
    if (text == "...") in_block_ = false;
    else if (text == "type: 'suite'") pending_->suite = true;
    else if (text.starts_with("failureType: ") && text != "failureType: 'subtestsFailed'") pending_->by_itself = true;
  }

  void flush() {
    if (!pending_) return;
    if (!pending_->suite) builder_.add(pending_->id, pending_->outcome);
    else if (pending_->outcome == TestOutcome::kFailed && pending_->by_itself) builder_.worsen(pending_->id, TestOutcome::kError);
    pending_.reset();
    in_block_ = false;
  }

  ReportBuilder builder_;
  std::vector<Level> levels_;
  std::optional<Point> pending_;
  std::optional<int64_t> announced_;
  bool in_block_ = false, nested_ = false, counts_tests_ = false;
  size_t block_spaces_ = 0;
};

TestReport parse(std::string_view bytes) {
  Reader reader;
  for (UntrustedLines lines(bytes); lines.next();) reader.line(lines.line());
  return reader.finish();
}

}  // namespace

ReportParser make() { return {"tap", "TAP 12 to 14: node --test --test-reporter=tap, mocha --reporter tap, prove -v, tape, tap -R tap, bats --tap", parse}; }

}  // namespace assay::reports::tap
