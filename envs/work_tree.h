// The tree of files that an agent changes: work/repo in one Workspace, which all tools of an episode share.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/executor.h"

namespace assay {

// Where the tree comes from. It holds a git repository of one parentless commit, whose index says which files are tracked.
struct TreeSource {
  std::vector<std::string> layers;     // of the Executor, lowest first
  std::vector<std::string> excluded;   // paths from the tree's root that are no part of a patch: the tests that will judge it
  RunLimits limits;                    // of each run, and of what all runs together may leave behind
};

// What an agent changed, as a patch in git's format with binary files ("git diff --binary --full-index --no-renames"), always
// UTF-8: files that are not are in it as binary. Where the changes cannot be said (they are too large, or a file among them
// cannot be read), `refused` says why and the patch is empty: that is the agent's doing, and nobody else's failure.
struct TreePatch {
  std::string text, refused;
};

// Used by one thread.
class WorkTree {
 public:
  static constexpr const char* kDirectory = "/work/repo";   // inside
  static constexpr int64_t kPatchBytes = 8 << 20;           // of a patch, and of the files that it changes

  // `executor` is borrowed; null where there is none, which is an error of the first use.
  WorkTree(Executor* executor, TreeSource source) : executor_(executor), source_(std::move(source)) {}

  const RunLimits& limits() const { return source_.limits; }
  // Runs a program in the tree, opening the workspace at the first. The directory is the tree's root.
  Result<RunResult> run(RunRequest request);
  // What runs have changed since the layers, outside of .git, of excluded paths and of untracked paths that the original tree
  // ignores. Computed in a workspace of its own, from the layers: no file, attribute or git configuration that the agent has
  // changed takes part. An Error is the machinery's.
  Result<TreePatch> patch();
  // The original tree again.
  void reset() { workspace_.reset(); }

 private:
  Status open();

  Executor* executor_;
  const TreeSource source_;
  std::unique_ptr<Workspace> workspace_;
};

// Paths, one after another, each ended by NUL: as git and tar read them.
std::string path_list(const std::vector<std::string>& paths);

}  // namespace assay
