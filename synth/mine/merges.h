// How a pull request came into a branch, told from the commit's own message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace assay {

struct MergedPull {
  int64_t number = 0;
  std::string title;   // of the pull request; empty where the message does not hold it
  std::string body;    // what else the message says
};

// A merge commit of GitHub ("Merge pull request #7 from a/b"), bors ("Auto merge of #7 - a:b, r=c", "Merge #7"), Bitbucket ("Merged in b (pull
// request #7)") or GitLab ("See merge request a/b!7").
std::optional<MergedPull> merged_pull(const std::string& message);

// A commit that is a whole pull request ("Title (#7)"), or says that it belongs to one ("PR-URL: https://…/pull/7").
std::optional<MergedPull> squashed_pull(const std::string& message);

}  // namespace assay
