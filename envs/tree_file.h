// Files of an episode's tree, read and written by programs inside its sandbox: as the agent itself could.
#pragma once

#include <string>

#include "envs/work_tree.h"

namespace assay {

// What became of an attempt: bytes, or what was wrong, for the agent to read.
struct TreeFile {
  std::string bytes, problem;
  bool missing = false;   // the problem is that there is nothing of this name
};

inline constexpr int64_t kTreeFileBytes = 4 << 20;

// A regular file of UTF-8 text, of at most kTreeFileBytes. Relative paths start at the tree's root.
Result<TreeFile> read_tree_file(WorkTree& tree, const std::string& path);
// Replaces what is there and keeps its mode; makes directories that are missing. Returns a problem, or "".
Result<std::string> write_tree_file(WorkTree& tree, const std::string& path, const std::string& bytes);

}  // namespace assay
