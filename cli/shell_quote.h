// Words for a POSIX shell.
#pragma once

#include <string>

namespace assay {

// In single quotes, so that the shell takes it for what it is.
inline std::string shell_quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace assay
