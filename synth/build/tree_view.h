// A source tree at one commit, as recipes see it: names, and the bytes of files that are asked for.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct TreeView {
  std::vector<std::string> paths;   // of files, from the root, sorted
  std::function<std::optional<std::string>(const std::string& path)> read;   // bounded by who made it; nothing if it cannot be read

  bool has(std::string_view path) const;
  // The content of a file, empty where there is none.
  std::string text(const std::string& path) const;
};

}  // namespace assay
