#include "envs/base/sibling_program.h"

#include <unistd.h>

#include <filesystem>

namespace assay {

std::optional<std::string> sibling_program(const std::string& name) {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const std::filesystem::path& folder : {own.parent_path(), own.parent_path().parent_path()})
    if (const std::string path = (folder / name).string(); ::access(path.c_str(), X_OK) == 0) return path;
  return std::nullopt;
}

}  // namespace assay
