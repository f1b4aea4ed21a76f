// A git repository, read through libgit2: its history, trees and changes. The repository is hostile and may be broken: what cannot be
// read is an Error of which git_reason() makes a reason code, and everything else stays readable. Nothing of it is ever executed and no
// configuration of the user's is read.
//
// Used by one thread; open it once for each.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

// Commits, trees and blobs are named by 40 lower-case hexadecimal digits.
struct Commit {
  std::string id, tree;
  std::vector<std::string> parents;
  std::string author, email;       // well-formed UTF-8, like the message: what is not is replaced
  std::string message;             // cut after 16 KiB
  int64_t authored_s = 0, committed_s = 0;   // Unix time, as the commit claims
};

struct GitReference {
  std::string name;                // "refs/pull/12/head"
  std::string commit;
};

struct TreeEntry {
  std::string path;                // from the root; any bytes but NUL
  uint32_t mode = 0;               // 0100644, 0100755, 0120000 (symbolic link), 0160000 (submodule)
  std::string id;                  // of the blob, or of the submodule's commit
};

// Something that could not be had, and why: "missing_object", "corrupt_object", "symlink_leaves_tree", "lfs_pointer" …
struct GitNote {
  std::string subject;             // a path or an object
  std::string reason;
};

struct Scan {
  int64_t commits = 0;             // that were read
  std::vector<GitNote> problems;   // at most 1,000
  int64_t problem_count = 0;
};

struct TreeLimits {
  int64_t files = 200'000;
  int64_t bytes = int64_t{4} << 30;        // of all files together
  int64_t depth = 64;
};

struct DiffLimits {
  int64_t files = 2'000;
  int64_t bytes = int64_t{16} << 20;       // of all changed files, before and after
};

struct WrittenTree {
  int64_t files = 0, bytes = 0;
  std::string tree, commit;        // of write_repository: what the new repository holds
  std::vector<GitNote> notes;      // what is not as in the tree, by path
};

class GitRepository {
 public:
  // A clone, a bare repository or a mirror; nothing above `path` is looked at.
  static Result<std::unique_ptr<GitRepository>> open(const std::string& path);
  ~GitRepository();

  // "owner/name" of the remote "origin", else the name of the directory.
  std::string name() const;

  // The commit that a revision ("HEAD", a branch, a tag, an id) names.
  Result<std::string> resolve(const std::string& revision) const;
  // Every reference whose name begins with `prefix`, by name; what it names need not be there.
  Result<std::vector<GitReference>> references(const std::string& prefix) const;

  Result<Commit> commit(const std::string& id) const;
  // Every commit that can be reached from `from`, each once, in an order of its own (dates lie, so they decide nothing). Commits for
  // which `enter` is false are not read and not passed through. An error of `visit` ends the scan.
  Result<Scan> scan(const std::vector<std::string>& from, const std::function<Status(const Commit&)>& visit,
                    const std::function<bool(const std::string& id)>& enter = nullptr) const;

  // Files, links and submodules of a commit's tree, by path.
  Result<std::vector<TreeEntry>> list(const std::string& commit, const TreeLimits& limits = {}) const;
  // A file's bytes, a symbolic link's target; nothing if there is no such file.
  Result<std::optional<std::string>> read(const std::string& commit, const std::string& path, size_t limit_bytes = size_t{64} << 20) const;

  // What changes between two commits, as a git patch without renames: each file stands alone. Binary files and files that are not UTF-8
  // are binary patches, so the text is well-formed UTF-8.
  Result<std::string> diff(const std::string& base, const std::string& head, const DiffLimits& limits = {}) const;

  // The licence that the commit's root declares (Candidate::licence).
  Result<std::string> licence(const std::string& commit) const;

  // Writes the commit's tree into `directory`, which must be empty or new. Names are taken as bytes. Not written, with a note:
  // names that no tree may have, links that could lead out of it. A submodule becomes an empty directory and a large file's (LFS) pointer
  // stays a pointer, with a note as well.
  Result<WrittenTree> write_tree(const std::string& commit, const std::string& directory, const TreeLimits& limits = {}) const;
  // The same, and makes it a repository of exactly one commit without parents, of exactly what was written: fixed author, `message` and
  // `committed_s`; equal trees give equal commits.
  Result<WrittenTree> write_repository(const std::string& commit, const std::string& directory, const std::string& message,
                                       int64_t committed_s, const TreeLimits& limits = {}) const;

  // Every blob of the repository, reachable or not; those above `limit_bytes` come with an empty content. Objects that cannot be read are
  // counted in the result.
  Result<Scan> visit_blobs(size_t limit_bytes, const std::function<Status(const std::string& id, std::string_view content)>& visit) const;

 private:
  // Writes the tree and calls `wrote` for each file, link and submodule that was written.
  Result<WrittenTree> write(const std::string& commit, const std::string& directory, const TreeLimits& limits,
                            const std::function<Status(const std::string& path, uint32_t mode, const std::string& id)>& wrote) const;

  struct State;
  explicit GitRepository(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The name that git gives a file's content.
std::string git_blob_id(std::string_view content);

// What an error of a GitRepository comes to, as a reason code: "missing_object", "corrupt_object", "too_large", "not_a_repository",
// "unreadable" for anything else.
std::string git_reason(const Error& error);

}  // namespace assay
