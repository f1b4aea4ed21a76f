// Small files of /proc and cgroups, and one-line wrappers of system calls that the C library of Debian 12 has not.
#pragma once

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "envs/base/status.h"

namespace assay::launcher {

// False, with errno, if not all of it could be written.
bool put(const std::string& path, std::string_view text);
bool put_at(int directory, const char* name, std::string_view text);
// Empty if it cannot be read.
std::string get(const std::string& path);
// The number after `key` in lines of "key value"; with an empty key the file's first number. -1 if there is none.
int64_t number_in(const std::string& path, std::string_view key = "");

inline int open_tree_clone(const char* path) {
  return static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}
inline int move_mount_to(int tree, const char* path) {
  return static_cast<int>(syscall(SYS_move_mount, tree, "", AT_FDCWD, path, 0x4 /* MOVE_MOUNT_F_EMPTY_PATH */));
}
inline int set_mount_flags(int tree, uint64_t flags, int userns = -1) {
  mount_attr attributes{};
  attributes.attr_set = flags | (userns >= 0 ? MOUNT_ATTR_IDMAP : 0);
  if (userns >= 0) attributes.userns_fd = static_cast<uint64_t>(userns);
  return static_cast<int>(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes));
}

}  // namespace assay::launcher
