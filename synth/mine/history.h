// The pull requests that a clone's history holds, however they were merged.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "synth/mine/git_repository.h"

namespace assay {

enum class MergeKind { kMerge, kSquash, kRebase, kUnmerged, kUnplaced };

struct HistoryPull {
  int64_t number = 0;
  MergeKind kind = MergeKind::kMerge;
  std::string title, body;
  std::string author, email;
  int64_t merged_s = 0;
  std::string base, head;              // of what was merged; of kUnmerged and kUnplaced only `head`, the pull request's own
  std::vector<std::string> commits;    // of the pull request, oldest first, at most 100; merges of other branches into it left out
};

struct History {
  std::vector<HistoryPull> pulls;      // by number, each once: where it was merged first
  Scan scan;
};

// Reads everything that HEAD and refs/pull/*/head (GitHub) or refs/merge-requests/*/head (GitLab) reach, each commit once. What a merge
// brought is what its second parent reaches and its first does not. A rebase has left no trace but the commits themselves: a pull request
// whose commits stand one after the other in HEAD's history, by author, author's time and subject. One whose head itself is in that
// history was merged by whichever merge has it for its second parent; without one it is kUnplaced, as where it began cannot be told. All
// others are kUnmerged.
Result<History> read_history(const GitRepository& repository, const std::atomic<bool>* cancelled = nullptr);

}  // namespace assay
