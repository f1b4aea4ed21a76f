#include "sandbox/launcher/files.h"

#include <cstdlib>

namespace assay::launcher {

bool put_at(int directory, const char* name, std::string_view text) {
  const int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool good = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  close(fd);
  errno = error;
  return good;
}

bool put(const std::string& path, std::string_view text) { return put_at(AT_FDCWD, path.c_str(), text); }

std::string get(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  std::string out;
  char part[4096];
  for (ssize_t got; (got = read(fd, part, sizeof part)) > 0;) out.append(part, static_cast<size_t>(got));
  close(fd);
  return out;
}

int64_t number_in(const std::string& path, std::string_view key) {
  const std::string text = get(path);
  size_t at = 0;
  if (!key.empty()) {
    const std::string start = std::string(key) + " ";
    at = text.starts_with(start) ? 0 : text.find("\n" + start);
    if (at == std::string::npos) return -1;
    at = text.find(' ', at) + 1;
  }
  return at < text.size() && text[at] >= '0' && text[at] <= '9' ? std::strtoll(text.c_str() + at, nullptr, 10) : -1;
}

}  // namespace assay::launcher
