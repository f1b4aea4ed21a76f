// A full disk, really.
#pragma once

#include <sys/mount.h>

#include <string>

#include "tests/datasets/sample.h"

namespace assay {

// A file system of `megabytes`, gone with the object. Not mounted where that is not allowed.
class SmallDisk {
 public:
  explicit SmallDisk(int megabytes) : mounted_(mount(megabytes, 0)) {}
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  bool resize(int megabytes) { return mount(megabytes, MS_REMOUNT); }
  std::string file(const std::string& name) const { return folder_.file(name); }

 private:
  bool mount(int megabytes, unsigned long flags) {
    const std::string size = "size=" + std::to_string(megabytes) + "m";
    return ::mount("tmpfs", folder_.path().c_str(), "tmpfs", flags, size.c_str()) == 0;
  }
  sample::Folder folder_;
  bool mounted_;
};

}  // namespace assay
