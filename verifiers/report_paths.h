// Paths of test files in reports.
#pragma once

#include <array>
#include <string_view>

#include "verifiers/test_plan.h"

namespace assay {

// A path as seen from kTestDirectory; one outside stays as it is.
inline std::string_view in_tree(std::string_view path) {
  static constexpr std::string_view kScheme = "file://", kTree = kTestDirectory;
  if (path.starts_with(kScheme)) path.remove_prefix(kScheme.size());
  if (path.starts_with(kTree) && path.size() > kTree.size() && path[kTree.size()] == '/') path.remove_prefix(kTree.size() + 1);
  return path;
}

inline bool is_python(std::string_view path) { return path.ends_with(".py"); }

inline bool is_javascript(std::string_view path) {
  static constexpr std::array<std::string_view, 8> kEnds = {".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx"};
  for (const std::string_view end : kEnds)
    if (path.ends_with(end)) return true;
  return false;
}

}  // namespace assay
