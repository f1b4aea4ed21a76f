// Directories kept under the hash of what is in them, to be the read-only layers of workspaces.
#pragma once

#include <memory>
#include <string>

#include "envs/base/status.h"

namespace assay {

// Thread-safe; any number of processes may share a folder.
class LayerStore {
 public:
  // `folder` is made if it is missing; empty: a temporary one, removed at the end. `owner`: user id that what is stored gets, or
  // -1 to leave it as it comes.
  static Result<std::unique_ptr<LayerStore>> open(const std::string& folder, int64_t owner);
  ~LayerStore();

  // Copies a tree (files, directories, links; anything else is an error) below `inside`. Equal trees are stored once.
  Result<std::string> add(const std::string& directory, const std::string& inside);
  // Where a layer lies. An unknown identity is an error.
  Result<std::string> path(const std::string& identity) const;
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  int64_t owner_ = -1;
  bool temporary_ = false;
};

}  // namespace assay
