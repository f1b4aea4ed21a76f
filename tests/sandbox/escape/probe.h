// What the programs inside share.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "tests/sandbox/escape/attack.h"

namespace assay::escape {

inline int outcome(bool succeeded) { return succeeded ? kSucceeded : kStopped; }

inline std::string contents(const std::string& path, size_t limit = 1 << 16) {
  std::string out(limit, '\0');
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  const ssize_t got = fd < 0 ? -1 : read(fd, out.data(), out.size());
  if (fd >= 0) close(fd);
  out.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return out;
}

inline bool overwrite(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_TRUNC);
  const bool good = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) close(fd);
  return good;
}

}  // namespace assay::escape
