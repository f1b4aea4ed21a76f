#include "verifiers/report_builder.h"

#include <algorithm>
#include <numeric>

#include "envs/base/rng.h"
#include "verifiers/untrusted_text.h"

namespace assay {
namespace {

// Eight bytes at a time: ids are most of a report, and names in a folder begin alike.
uint64_t hash_of(std::string_view id) {
  uint64_t hash = id.size();
  while (id.size() >= 8) {
    uint64_t eight;
    id.copy(reinterpret_cast<char*>(&eight), 8);
    hash = mix64(hash ^ eight);
    id.remove_prefix(8);
  }
  uint64_t rest = 0;
  id.copy(reinterpret_cast<char*>(&rest), id.size());
  return mix64(hash ^ rest);
}

}  // namespace

void ReportBuilder::add(std::string_view id, TestOutcome outcome) { mention(id, outcome, Kind::kResult); }

void ReportBuilder::begin(std::string_view id) { mention(id, TestOutcome::kError, Kind::kBegin); }

void ReportBuilder::run(std::string_view id) {
  leave();
  running_ = id.substr(0, kTestIdBytes);
}

void ReportBuilder::end(TestOutcome outcome) {
  if (!running_.empty()) add(running_, outcome);
  running_.clear();
}

void ReportBuilder::leave() {
  if (!running_.empty()) begin(running_);
  running_.clear();
}

void ReportBuilder::worsen(std::string_view id, TestOutcome outcome) { mention(id, outcome, Kind::kMore); }

void ReportBuilder::mention(std::string_view id, TestOutcome outcome, Kind kind) {
  id = trimmed(cleaned(id, scratch_));
  if (id.size() > kTestIdBytes) {
    id = id.substr(0, character_start(id, kTestIdBytes));
    ++cut_;
  }
  if (id.empty()) {
    ++unnamed_;
    return;
  }
  if (mentions_.size() >= kReportTests || id_bytes_ + id.size() > kReportIdBytes) {
    if (!report_.truncated) truncate("more tests than a report may hold");
    return;
  }
  id_bytes_ += id.size();
  mentions_.push_back({hash_of(id), static_cast<uint32_t>(mentions_.size())});
  kinds_.push_back(kind);
  report_.tests.push_back({std::string(id), outcome});
}

bool ReportBuilder::is_total(int64_t results) {
  if (results >= 0 && results <= int64_t{1} << 32) return true;
  note("a total of " + std::to_string(results) + " tests");
  return false;
}

void ReportBuilder::announce(int64_t results) {
  if (is_total(results)) report_.announced = report_.announced.value_or(0) + results;
}

void ReportBuilder::announce_at_most(int64_t results) {
  if (is_total(results)) at_most_ = at_most_.value_or(0) + results;
}

void ReportBuilder::note(std::string what) {
  if (report_.notes.size() < kReportNotes) report_.notes.push_back(std::move(what));
  else ++unnoted_;
}

void ReportBuilder::truncate(std::string why) {
  report_.truncated = true;
  note(std::move(why));
}

// Mentions of one id: the first of them becomes its result. Whether there are others, now to be removed.
bool ReportBuilder::fold(const Mention* from, const Mention* to) {
  int64_t begun = 0, results = 0;
  bool more = false;
  TestOutcome worst = TestOutcome::kSkipped;
  for (const Mention* each = from; each != to; ++each) {
    const Kind kind = kinds_[each->index];
    begun += kind == Kind::kBegin;
    results += kind == Kind::kResult;
    more |= kind == Kind::kMore;
    if (kind != Kind::kBegin) worst = std::max(worst, report_.tests[each->index].outcome);
  }
  if (begun > results && !more) {
    worst = TestOutcome::kError;
    ++unended_;
  }
  report_.entries += std::max(begun, results);
  if (results > 1) ++repeated_;
  report_.tests[from->index].outcome = worst;
  for (const Mention* each = from + 1; each != to; ++each) report_.tests[each->index].id.clear();
  return to - from > 1;
}

// By hash, id and index. Dealt into 4,096 heaps by their hashes first, of which each is small enough to be sorted where it lies.
void ReportBuilder::sort_mentions() {
  constexpr int kShift = 52;
  std::vector<size_t> ends((uint64_t{1} << (64 - kShift)) + 1);
  for (const Mention& each : mentions_) ++ends[(each.hash >> kShift) + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<Mention> dealt(mentions_.size());
  for (const Mention& each : mentions_) dealt[ends[each.hash >> kShift]++] = each;
  mentions_ = std::move(dealt);
  for (size_t heap = 0, from = 0; heap + 1 < ends.size(); from = ends[heap++])
    std::sort(mentions_.begin() + static_cast<int64_t>(from), mentions_.begin() + static_cast<int64_t>(ends[heap]), [&](const Mention& a, const Mention& b) {
      if (a.hash != b.hash) return a.hash < b.hash;
      const int order = report_.tests[a.index].id.compare(report_.tests[b.index].id);
      return order != 0 ? order < 0 : a.index < b.index;
    });
}

TestReport ReportBuilder::finish() {
  leave();
  sort_mentions();
  bool folded = false;
  for (size_t from = 0, to; from < mentions_.size(); from = to) {
    const std::string& id = report_.tests[mentions_[from].index].id;
    for (to = from + 1; to < mentions_.size(); ++to)
      if (mentions_[to].hash != mentions_[from].hash || report_.tests[mentions_[to].index].id != id) break;
    folded |= fold(mentions_.data() + from, mentions_.data() + to);
  }
  if (at_most_) report_.announced = std::min(*at_most_, report_.entries);
  if (folded) std::erase_if(report_.tests, [](const TestResult& test) { return test.id.empty(); });
  const auto say = [&](int64_t count, const char* what) {
    if (count > 0) report_.notes.push_back(std::to_string(count) + " " + what);
  };
  say(repeated_, "ids occur more than once; the worst outcome counts");
  say(unended_, "tests were begun and did not end");
  say(unnamed_, "results without a name");
  say(cut_, "ids were too long and are cut");
  say(unnoted_, "more notes");
  return std::move(report_);
}

}  // namespace assay
