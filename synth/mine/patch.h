// Patches in git's format (gitformat: "generating patch text with -p", git-diff-tree(1)), and plain unified ones: read, written,
// and applied to bytes. Text is exact: no fuzz, no change of white space; a hunk may have moved.
//
// A patch is hostile: paths that leave the tree or enter .git are refused, sizes are bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct PatchLine {
  char kind = ' ';        // ' ' both sides, '-' before, '+' after
  std::string text;       // without its line feed
  bool ended = true;      // false: "\ No newline at end of file"
};

struct Hunk {
  int64_t old_start = 0, new_start = 0;   // line numbers from 1, as written; of an empty side the line before it
  std::string heading;                    // what follows the second @@
  std::vector<PatchLine> lines;
};

// What happens to one file. A rename has both paths, a new file only `new_path`, a deleted one only `old_path`.
struct FilePatch {
  std::string old_path, new_path;         // from the tree's root, bytes as in the tree (any but NUL)
  uint32_t old_mode = 0, new_mode = 0;    // 0100644, 0100755, 0120000 (symbolic link), 0160000 (submodule); 0: not said
  bool copied = false;                    // `old_path` stays
  bool binary = false;
  std::string index;                      // of a binary file: "OLD..NEW", the blobs that git demands to be named in full
  std::string binary_text;                // of a binary file: what follows "GIT binary patch"; empty if only that files differ is said
  std::vector<Hunk> hunks;

  const std::string& path() const { return new_path.empty() ? old_path : new_path; }
  bool is_new() const { return old_path.empty(); }
  bool is_deleted() const { return new_path.empty(); }
};

struct PatchLimits {
  size_t bytes = size_t{64} << 20;        // of the patch, and of each file that comes out
  size_t files = 20'000;
};

// `where` names the patch in errors, which say the line. Text before the first file (a mail, say) is passed over.
Result<std::vector<FilePatch>> parse_patch(std::string_view text, const std::string& where, const PatchLimits& limits = {});

// As git writes it, but that only binary files get an index line; parse_patch gives the same files back.
std::string patch_text(const FilePatch& file);
std::string patch_text(const std::vector<FilePatch>& files);

struct PatchStats {
  int64_t added = 0, removed = 0;         // lines
  int64_t bytes = 0;                      // of these lines, line feeds included
};
PatchStats patch_stats(const FilePatch& file);

// The file's content after the patch; `before` is empty for a new file. The error names the hunk that did not fit.
Result<std::string> apply_file_patch(const FilePatch& file, std::string_view before, const PatchLimits& limits = {});

struct PatchedFile {
  std::string path;
  std::optional<std::string> bytes;       // of a symbolic link its target; nothing: the file is gone
  uint32_t mode = 0;                      // 0: as it was
};

// Every file that the patch changes, as it is afterwards, in order of path. `read` gives a file's content before, or nothing if there
// is none. All or nothing: the first file that does not fit is an error.
Result<std::vector<PatchedFile>> apply_patch(std::string_view patch, const std::string& where,
                                             const std::function<std::optional<std::string>(const std::string& path)>& read,
                                             const PatchLimits& limits = {});

}  // namespace assay
