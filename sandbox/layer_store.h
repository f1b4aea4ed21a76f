// Directories kept under the hash of what is in them, to be the read-only layers of workspaces.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "sandbox/protocol.h"

namespace assay {

// One name of a tree.
struct LayerItem {
  std::string name;          // from the tree's root, without a leading slash
  char type = 'f';           // 'f' file, 'd' directory, 'l' link, 'w' whiteout: what lower layers have here is gone
  bool executable = false;   // of a file
  std::string target;        // of a link
};

// Opens a file among the items for reading.
using OpenItem = std::function<Result<Fd>(const std::string& name)>;

// Thread-safe; any number of processes may share a folder.
class LayerStore {
 public:
  // `folder` is made with the first layer; empty: a temporary one, removed at the end. `owner`: user id that what is stored gets, or
  // -1 to leave it as it comes.
  static Result<std::unique_ptr<LayerStore>> open(const std::string& folder, int64_t owner);
  ~LayerStore();

  // Copies a tree (files, directories, links; anything else is an error) below `inside`. Equal trees are stored once.
  Result<std::string> add(const std::string& directory, const std::string& inside);
  // The same from items, directories before what is in them.
  Result<std::string> add(const std::vector<LayerItem>& items, const OpenItem& open, const std::string& inside);
  // Where a layer lies. An unknown identity is an error.
  Result<std::string> path(const std::string& identity) const;
  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
  int64_t owner_ = -1;
  bool temporary_ = false;
};

// Items that make changes to a workspace again, at and below `paths` or anywhere. `read_link` gives a link's target.
Result<std::vector<LayerItem>> items_of(const std::vector<Workspace::Change>& changes, const std::vector<std::string>& paths,
                                        const std::function<Result<std::string>(const std::string& name)>& read_link);

// What a descriptor opened with O_PATH | O_NOFOLLOW points to.
Result<std::string> link_target(const Fd& link, const std::string& name);

}  // namespace assay
