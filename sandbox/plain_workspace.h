// A workspace without overlayfs: a directory of the host with work/, tmp/ and home/user/. Forking copies.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "sandbox/layer_store.h"

namespace assay {

class PlainWorkspace final : public Workspace {
 public:
  // `owner`: user id of what is made, or -1.
  static Result<std::unique_ptr<PlainWorkspace>> create(const std::vector<std::string>& layers, int64_t owner);
  ~PlainWorkspace() override;

  const std::string& root() const { return root_; }
  Result<std::vector<Change>> changes() override;
  Result<std::string> read(const std::string& path, int64_t limit) override;
  Status write(const std::string& path, std::string_view bytes, bool executable) override;
  Result<std::unique_ptr<Workspace>> fork() override;
  Result<std::string> keep(LayerStore& layers, const std::vector<std::string>& paths);

 private:
  // What tells a changed file from an unchanged one.
  struct Stamp {
    char type = 'f';
    bool executable = false;
    int64_t bytes = 0, changed_ns = 0, inode = 0;
    std::string target;
  };
  Result<std::map<std::string, Stamp>> list() const;

  std::string root_;
  int64_t owner_ = -1;
  std::map<std::string, Stamp> before_;
};

}  // namespace assay
