// A folder of files that appears whole or not at all: written beside its place, synced, and put there by one rename.
//
// What is being written stands in .NAME.partial beside the folder NAME and is locked (flock) for as long; whatever a killed process
// left there is cleared by the next one. A folder that is there already is exchanged in one step, and files in it that no such
// writing made are carried over.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "envs/base/status.h"

namespace assay {

// Says which files a StagedFolder wrote: {"format":"assay-files/1","files":{name: {"bytes","sha256"}}}.
inline constexpr const char* kManifestName = "manifest.json";

// Used by one thread.
class StagedFolder {
 public:
  // Fails if the folder's place cannot be written, is no folder, or is being written by somebody else.
  static Result<std::unique_ptr<StagedFolder>> begin(const std::string& folder);
  ~StagedFolder();   // without publish(), nothing was changed and nothing is left
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  // Where to write the file `name` ("data/train.jsonl"); its folder is made.
  Result<std::string> place(const std::string& name);
  Status write(const std::string& name, const std::string& text);

  // Call once, when all files are closed. Fails, changing nothing, where a file of somebody else's would be overwritten, on a full
  // disk, and on a file system that cannot exchange two folders. Returns the names of the files, sorted, the manifest's among them.
  Result<std::vector<std::string>> publish();

 private:
  StagedFolder(std::string target, std::string partial, int lock) : target_(std::move(target)), partial_(std::move(partial)), lock_(lock) {}
  Status carry_over(const std::vector<std::string>& ours);
  Status put_in_place();

  const std::string target_, partial_;
  int lock_;                  // on what is being written
  int replaced_ = -1;         // on what stood there before, once it is exchanged
  bool published_ = false;
};

}  // namespace assay
