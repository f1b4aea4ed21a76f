// What a path of a repository is for, and in which language, told from its name alone by the conventions of each language.
//
// Words of a path are compared whole: latest/, contest.py and attestation/ are no tests. Rust's tests in the file itself are found in its
// text (rust_tests.h).
#pragma once

#include <string>
#include <string_view>

namespace assay {

enum class PathRole {
  kSource,
  kTest,        // what decides whether the source is right: tests, their data, snapshots and configuration
  kConfig,      // of building, packaging and tools
  kDocs,        // and examples
  kGenerated,   // lock files, minified and generated code
  kVendored,    // other projects' code
  kOther,
};

PathRole path_role(std::string_view path);

// "python", "javascript", "typescript", "c", "cpp", "java", "kotlin", "scala", "go", "rust", "php", "ruby", "csharp", "swift"; "" for anything
// else. Headers (.h) count as "cpp".
std::string path_language(std::string_view path);

// Whether a symbolic link at `path` stays in the tree whatever other links are on its way: it is relative, has ".." only at its
// beginning, where the folders are real ones, and not more often than there are folders above it.
bool link_stays_inside(std::string_view path, std::string_view target);

}  // namespace assay
