// A change in two: what solves the issue, and what tells whether it is solved.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "synth/mine/patch.h"

namespace assay {

// Content of a file of one of the change's two sides; nothing where it is not known or there is no such file.
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

struct SplitChange {
  std::vector<FilePatch> gold, tests;
};

// Test files (paths.h) are tests. Of Rust sources that both sides have, changed lines of in-file tests (rust_tests.h) are too: then both
// patches change that file, fit the tree before alone, and fit each other in either order. Each changed line is in exactly one of the two.
SplitChange split_change(std::vector<FilePatch> files, const FileReader& before, const FileReader& after);

}  // namespace assay
