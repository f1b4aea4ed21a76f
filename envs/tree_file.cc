#include "envs/tree_file.h"

#include "envs/base/utf8.h"

namespace assay {
namespace {

// Exit statuses that `cat`, `mkdir` and the shell itself do not use.
constexpr int kMissing = 91, kDirectory = 92, kOther = 93, kTooLarge = 94;

constexpr const char* kRead = R"sh([ -e "$1" ] || exit 91
[ -d "$1" ] && exit 92
[ -f "$1" ] || exit 93
[ "$(stat -Lc %s -- "$1")" -le "$2" ] || exit 94
exec cat -- "$1")sh";
constexpr const char* kWrite = R"sh([ -d "$1" ] && exit 92
mkdir -p -- "$(dirname -- "$1")" && exec cat > "$1")sh";

RunRequest request_for(WorkTree& tree, const char* script, const std::string& path, std::string input) {
  // "./": a path that begins with a dash is no option.
  RunRequest request{.argv = {"/bin/sh", "-c", script, "sh", path.starts_with("/") ? path : "./" + path, std::to_string(kTreeFileBytes)}, .input = std::move(input)};
  request.limits = tree.limits();
  request.limits.wall_ms = 30'000;
  request.limits.kept_bytes = request.limits.output_bytes = 4 * kTreeFileBytes;
  return request;
}

std::string problem_of(const RunResult& result, const std::string& path) {
  if (result.succeeded()) return "";
  if (result.end == RunEnd::kExited) {
    if (result.exit_code == kMissing) return "there is no file '" + path + "'";
    if (result.exit_code == kDirectory) return "'" + path + "' is a directory";
    if (result.exit_code == kOther) return "'" + path + "' is no regular file";
    if (result.exit_code == kTooLarge) return "'" + path + "' has more than " + std::to_string(kTreeFileBytes) + " bytes";
  }
  return "'" + path + "': " + (result.end == RunEnd::kLimit ? "over the limit of " + result.limit : result.err.first_line());
}

}  // namespace

Result<TreeFile> read_tree_file(WorkTree& tree, const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return TreeFile{"", "expected the path of a file"};
  ASSAY_ASSIGN(RunResult result, tree.run(request_for(tree, kRead, path, "")));
  TreeFile out{"", problem_of(result, path), result.end == RunEnd::kExited && result.exit_code == kMissing};
  if (!out.problem.empty()) return out;
  out.bytes = std::move(result.out.head);
  if (out.bytes.find('\0') != std::string::npos || well_formed_bytes(out.bytes) != out.bytes.size()) return TreeFile{"", "'" + path + "' is no text in UTF-8"};
  return out;
}

Result<std::string> write_tree_file(WorkTree& tree, const std::string& path, const std::string& bytes) {
  if (path.empty() || path.ends_with("/") || path.find('\0') != std::string::npos) return std::string("expected the path of a file");
  ASSAY_ASSIGN(const RunResult result, tree.run(request_for(tree, kWrite, path, bytes)));
  return problem_of(result, path);
}

}  // namespace assay
