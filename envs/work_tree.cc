#include "envs/work_tree.h"

#include <algorithm>
#include <set>

#include "envs/base/utf8.h"

namespace assay {
namespace {

using Change = Workspace::Change;

constexpr std::string_view kPrefix = "work/repo/";
constexpr size_t kMostChanges = 20'000;

// No configuration but this, whoever wrote one; what stands in .gitattributes must not change a byte.
const std::map<std::string, std::string> kNeutralGit = {
    {"GIT_CONFIG_NOSYSTEM", "1"},       {"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_COUNT", "8"},
    {"GIT_CONFIG_KEY_0", "safe.directory"},     {"GIT_CONFIG_VALUE_0", "*"},
    {"GIT_CONFIG_KEY_1", "core.fsmonitor"},     {"GIT_CONFIG_VALUE_1", "false"},
    {"GIT_CONFIG_KEY_2", "core.hooksPath"},     {"GIT_CONFIG_VALUE_2", "/dev/null"},
    {"GIT_CONFIG_KEY_3", "core.attributesFile"}, {"GIT_CONFIG_VALUE_3", "/dev/null"},
    {"GIT_CONFIG_KEY_4", "core.excludesFile"},  {"GIT_CONFIG_VALUE_4", "/dev/null"},
    {"GIT_CONFIG_KEY_5", "core.autocrlf"},      {"GIT_CONFIG_VALUE_5", "false"},
    {"GIT_CONFIG_KEY_6", "core.fileMode"},      {"GIT_CONFIG_VALUE_6", "true"},
    {"GIT_CONFIG_KEY_7", "core.symlinks"},      {"GIT_CONFIG_VALUE_7", "true"},
};
constexpr std::string_view kRaw = "* -text -ident -filter -working-tree-encoding\n";
constexpr std::string_view kAllBinary = "* -text -ident -filter -working-tree-encoding -diff\n";

// Takes the old files in, puts the new ones (a tar archive, on standard input) in their places, and says the difference.
constexpr const char* kDiff = R"(set -e
export GIT_LITERAL_PATHSPECS=1
git add -f --pathspec-from-file=/work/.patch/old --pathspec-file-nul
before=$(git write-tree)
xargs -0 -r -a /work/.patch/old rm -f --
xargs -0 -r -a /work/.patch/all rm -rf --
tar -xf - --no-same-owner
git add -A -f --pathspec-from-file=/work/.patch/all --pathspec-file-nul
after=$(git write-tree)
printf '%s\n%s\n' "$before" "$after" > /work/.patch/trees
)";
constexpr const char* kPrint = R"(set -e
{ read -r before; read -r after; } < /work/.patch/trees
git diff --binary --full-index --no-renames --no-color --no-ext-diff --no-textconv --src-prefix=a/ --dst-prefix=b/ "$before" "$after"
)";

bool below_git(std::string path) {
  std::transform(path.begin(), path.end(), path.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ("/" + path + "/").find("/.git/") != std::string::npos;
}

Error machine_error(const std::string& doing, const RunResult& result) {
  return make_error(Boundary::kSandbox, doing + ": " + (result.end == RunEnd::kLimit ? "over the limit of " + result.limit : "exit status " + std::to_string(result.exit_code)) +
                                            (result.err.bytes ? ", " + result.err.first_line() : ""), "the patch of an episode", "git and tar are needed: apt-get install git tar");
}

}  // namespace

std::string path_list(const std::vector<std::string>& paths) {
  std::string out;
  for (const std::string& path : paths) out.append(path).push_back('\0');
  return out;
}

Status WorkTree::open() {
  if (workspace_) return {};
  if (!executor_) return make_error(Boundary::kSandbox, "nothing here may run programs", "the tree of an episode", "a sandbox: assay doctor says which work");
  WorkspaceOptions options;
  options.layers = source_.layers;
  options.limits = source_.limits;
  ASSAY_ASSIGN(workspace_, executor_->workspace(options));
  return {};
}

Result<RunResult> WorkTree::run(RunRequest request) {
  ASSAY_TRY(open());
  request.directory = kDirectory;
  return executor_->run(request, *workspace_);
}

namespace {

// The computation of one patch, in a workspace that the agent has never seen.
class PatchMaker {
 public:
  PatchMaker(Executor& executor, const TreeSource& source) : executor_(executor), source_(source) {}

  Result<TreePatch> make(Workspace& changed) {
    ASSAY_ASSIGN(const std::vector<Change> all, changed.changes());
    select(all);
    if (added_.empty() && old_.empty()) return TreePatch{};
    if (added_.size() + old_.size() > kMostChanges) return TreePatch{"", "more than " + std::to_string(kMostChanges) + " files were changed"};
    WorkspaceOptions options;
    options.layers = source_.layers;
    options.limits = limits_;
    ASSAY_ASSIGN(clean_, executor_.workspace(options));
    ASSAY_TRY(drop_ignored());
    if (new_bytes_ > WorkTree::kPatchBytes) return TreePatch{"", "the changed files have " + std::to_string(new_bytes_) + " bytes, over the limit of " + std::to_string(WorkTree::kPatchBytes)};
    ASSAY_ASSIGN(const RunResult archive, pack(changed));
    if (!archive.succeeded()) return TreePatch{"", "the changed files cannot be read: " + archive.err.first_line()};
    return diff(archive.out.head);
  }

 private:
  void select(const std::vector<Change>& all) {
    const std::set<std::string> excluded(source_.excluded.begin(), source_.excluded.end());
    for (const Change& change : all) {
      if (!change.path.starts_with(kPrefix)) continue;
      const std::string path = change.path.substr(kPrefix.size());
      if (below_git(path) || excluded.count(path)) continue;
      if (change.kind == Change::Kind::kChanged && (change.type == 'd' || change.type == 'o')) {   // a file was there
        old_[path] = change;
        old_[path].kind = Change::Kind::kRemoved;
      } else if (change.type == 'f' || change.type == 'l') {
        (change.kind == Change::Kind::kAdded ? added_ : old_)[path] = change;
      }
    }
  }

  // `git check-ignore` knows that tracked files are never ignored; the agent's own .gitignore is not asked.
  Status drop_ignored() {
    std::vector<std::string> paths;   // with "./": a path that begins with a colon is no pathspec
    for (const auto& [path, change] : old_) paths.push_back("./" + path);
    for (const auto& [path, change] : added_) paths.push_back("./" + path);
    ASSAY_ASSIGN(const RunResult ignored, git({"git", "check-ignore", "-z", "--stdin"}, path_list(paths)));
    if (!ignored.succeeded() && !(ignored.end == RunEnd::kExited && ignored.exit_code == 1)) return machine_error("git cannot say what is ignored", ignored);
    const std::string& list = ignored.out.head;
    for (size_t begin = 0, end; (end = list.find('\0', begin)) != std::string::npos; begin = end + 1) {
      const std::string path = list.substr(begin + 2, end - begin - 2);
      old_.erase(path);
      added_.erase(path);
    }
    for (const auto* part : {&old_, &added_})
      for (const auto& [path, change] : *part)
        if (change.kind != Change::Kind::kRemoved) {
          new_.push_back(path);
          new_bytes_ += change.bytes;
        }
    return {};
  }

  Result<RunResult> pack(Workspace& changed) {
    ASSAY_ASSIGN(std::unique_ptr<Workspace> still, changed.fork());
    RunRequest request{.argv = {"/usr/bin/tar", "-cf", "-", "--no-recursion", "--null", "--verbatim-files-from", "-T", "-"}};
    request.directory = WorkTree::kDirectory;
    request.input = path_list(new_);
    request.limits = limits_;
    return executor_.run(request, *still);
  }

  Result<TreePatch> diff(const std::string& archive) {
    std::vector<std::string> old, every = new_;
    for (const auto& [path, change] : old_) {
      old.push_back(path);
      if (change.kind == Change::Kind::kRemoved) every.push_back(path);
    }
    ASSAY_TRY(clean_->write("work/.patch/old", path_list(old)));
    ASSAY_TRY(clean_->write("work/.patch/all", path_list(every)));
    ASSAY_TRY(clean_->write("work/repo/.git/info/attributes", kRaw));
    ASSAY_ASSIGN(const RunResult taken, git({"/bin/sh", "-c", kDiff}, archive));
    if (!taken.succeeded()) return machine_error("the changes cannot be taken in", taken);
    ASSAY_ASSIGN(RunResult printed, git({"/bin/sh", "-c", kPrint}, ""));
    if (printed.succeeded() && well_formed_bytes(printed.out.head) != printed.out.head.size()) {
      ASSAY_TRY(clean_->write("work/repo/.git/info/attributes", kAllBinary));
      ASSAY_ASSIGN(printed, git({"/bin/sh", "-c", kPrint}, ""));
    }
    if (printed.end == RunEnd::kLimit && printed.limit == "output") return TreePatch{"", "the patch has more than " + std::to_string(limits_.output_bytes) + " bytes"};
    if (!printed.succeeded()) return machine_error("git cannot say the difference", printed);
    return TreePatch{std::move(printed.out.head), ""};
  }

  Result<RunResult> git(std::vector<std::string> argv, std::string input) {
    RunRequest request{.argv = std::move(argv), .environment = kNeutralGit, .directory = WorkTree::kDirectory, .input = std::move(input)};
    request.limits = limits_;
    return executor_.run(request, *clean_);
  }

  static RunLimits patch_limits(RunLimits limits) {
    limits.output_bytes = limits.kept_bytes = 4 * WorkTree::kPatchBytes;
    return limits;
  }

  Executor& executor_;
  const TreeSource& source_;
  const RunLimits limits_ = patch_limits(source_.limits);
  std::unique_ptr<Workspace> clean_;
  std::map<std::string, Change> old_, added_;   // by path from the tree's root; old_: what was there before, changed or removed
  std::vector<std::string> new_;                // what is there now
  int64_t new_bytes_ = 0;
};

}  // namespace

Result<TreePatch> WorkTree::patch() {
  if (!workspace_) return TreePatch{};
  return PatchMaker(*executor_, source_).make(*workspace_);
}

}  // namespace assay
