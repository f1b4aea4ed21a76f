// The file trees of runs: stacks of read-only branches with one writable one, in memory, in the launcher's mount namespace.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/launcher/root.h"
#include "sandbox/protocol.h"

namespace assay::launcher {

// A mounted file system in memory; unmounted with its last user.
class Layer {
 public:
  static Result<std::shared_ptr<Layer>> create(int64_t number, int64_t bytes, int64_t files);
  ~Layer();
  const std::string& point() const { return point_; }

 private:
  explicit Layer(std::string point) : point_(std::move(point)) {}
  std::string point_;
};

// Forking freezes the writable branch: both copies go on above it, each with a branch of its own. No bytes are copied.
class Workspace {
 public:
  struct Options {
    std::vector<std::string> layers;   // host directories, lowest first
    bool host_programs = true;
    int64_t bytes = 0, files = 0;      // of the writable branch
  };
  static Result<Workspace> create(int64_t number, const Options& options);
  Result<Workspace> fork(int64_t number);

  RootSpec root() const;
  const std::string& layer() const { return own_->point(); }
  // Read-only descriptors of all branches, lowest first, the writable one last; the first base() are those it was made from.
  Result<std::vector<Fd>> branches() const;
  size_t base() const { return base_; }
  bool host_programs() const { return host_programs_; }

 private:
  Status add_branch();

  std::vector<Branch> lower_;                     // lowest first, without the writable one
  size_t base_ = 0;                               // how many of them it was made from
  std::vector<std::shared_ptr<Layer>> borrowed_;  // what lower_ lies in
  std::shared_ptr<Layer> own_;
  int64_t bytes_ = 0, files_ = 0;
  int branch_ = -1;                               // number of the writable branch within own_
  bool host_programs_ = true;
};

// Opens a file of a workspace as a run would see it, following no link: a path below the root, opened by a child in a mount
// namespace of its own. With `write`, its directories are made, and it is made or emptied.
enum class Opening { kRead, kWrite, kWriteExecutable };
Result<Fd> open_inside(const Workspace& workspace, const std::string& path, Opening how);

}  // namespace assay::launcher
