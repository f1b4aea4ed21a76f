// What the parsers of test reports share: a report put together within its bounds (verifiers/test_report.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "verifiers/test_report.h"

namespace assay {

class ReportBuilder {
 public:
  // A result; counts as an entry. Control characters, ANSI sequences and malformed UTF-8 in the id are replaced. No id, no result.
  void add(std::string_view id, TestOutcome outcome);
  // The test was begun: an error, unless as many results of the same id are added as were begun, or more is known of it.
  void begin(std::string_view id);
  // The test that is running now. The next one, leave() and finish() know that it never ended.
  void run(std::string_view id);
  const std::string& running() const { return running_; }   // empty: none
  void end(TestOutcome outcome);                            // of the one that is running
  void leave();
  // More about a test, or something that a runner does not count as one: a subtest, a hook, a file that cannot be loaded.
  void worsen(std::string_view id, TestOutcome outcome);
  // The runner says that there are this many results; parts add up. What cannot be is noted and does not count.
  void announce(int64_t results);
  // The same of a runner that does not list all it counts: only more results than it counts are odd.
  void announce_at_most(int64_t results);
  void note(std::string what);
  // Notes `why`, and that the end is missing.
  void truncate(std::string why);

  size_t size() const { return mentions_.size(); }
  TestReport finish();

 private:
  struct Mention {
    uint64_t hash;
    uint32_t index;     // into report_.tests
  };
  enum class Kind : uint8_t { kResult, kBegin, kMore };

  void mention(std::string_view id, TestOutcome outcome, Kind kind);
  void sort_mentions();
  bool fold(const Mention* from, const Mention* to);
  bool is_total(int64_t results);

  TestReport report_;               // tests unfolded, begun ones among them
  std::vector<Mention> mentions_;
  std::vector<Kind> kinds_;         // [index]
  std::string scratch_, running_;
  size_t id_bytes_ = 0;
  std::optional<int64_t> at_most_;
  int64_t repeated_ = 0, unended_ = 0, unnoted_ = 0, unnamed_ = 0, cut_ = 0;
};

}  // namespace assay
