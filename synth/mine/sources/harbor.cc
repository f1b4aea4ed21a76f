// Task directories in Harbor's form (harborframework.com/docs/tasks) whose tree is a commit of a public repository: `task.toml` and
// `instruction.md`, the commit in `environment/Dockerfile`, the solution and the tests as patches: files below `solution/` and `tests/`, or what
// a script there gives `git apply` or `patch`. What is built is their issue, by a recipe of our own; a tree that only a container's image
// holds cannot be had here, and is lost as needs_container.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <regex>

#include "envs/base/json.h"
#include "synth/mine/source.h"

namespace assay::sources::harbor {
namespace {

namespace fs = std::filesystem;
constexpr int kDepth = 6;
constexpr size_t kBatch = 256, kEntries = 1'000'000;
constexpr size_t kFileBytes = size_t{8} << 20;

// Folders of tasks at or below `root`, sorted; hidden ones and links are not followed.
std::vector<std::string> task_folders(const std::string& root, size_t most) {
  std::vector<std::string> out;
  std::error_code error;
  if (fs::exists(fs::path(root) / "task.toml", error)) return {root};
  size_t seen = 0;
  for (fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, error), end; !error && it != end && out.size() < most && ++seen < kEntries; it.increment(error)) {
    if (!it->is_directory(error) || it->is_symlink(error)) continue;
    const bool is_task = fs::exists(it->path() / "task.toml", error);
    if (is_task) out.push_back(it->path().string());
    if (is_task || it.depth() + 1 >= kDepth || it->path().filename().string().starts_with('.')) it.disable_recursion_pending();
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string text_of(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kFileBytes) return "";
  Result<std::string> text = read_file(path.string());
  return text.ok() ? std::move(*text) : "";
}

// Of a shell script: each text that it gives a command in place (<<'END').
std::vector<std::string> here_documents(const std::string& script) {
  static const std::regex kBegin(R"(<<-?\s*['"]?([A-Za-z_][A-Za-z0-9_]*)['"]?[^\n]*\n)");
  std::vector<std::string> out;
  std::smatch found;
  for (auto at = script.cbegin(); std::regex_search(at, script.cend(), found, kBegin); at = found[0].second) {
    const std::string rest(found[0].second, script.cend()), end = "\n" + found[1].str();
    const size_t stop = ("\n" + rest).find(end);
    if (stop != std::string::npos) out.push_back(rest.substr(0, stop));
  }
  return out;
}

// The patches of a folder, one after another.
std::string patches_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) files.push_back(it->path());
  std::sort(files.begin(), files.end());
  std::string out;
  for (const fs::path& file : files)
    if (file.extension() == ".patch" || file.extension() == ".diff") out += text_of(file);
  for (const fs::path& file : files)
    if (out.empty() && file.extension() == ".sh")
      for (const std::string& text : here_documents(text_of(file)))
        if (text.starts_with("diff --git ")) out += text;
  return out;
}

// The commit that the container's tree is, and the repository it is of.
struct Origin {
  std::string repository, base;
};

Origin origin_of(const std::string& dockerfile) {
  static const std::regex kCommit(R"((checkout|fetch|reset|switch)\b[^\n]*[^0-9a-f]([0-9a-f]{40})\b)"), kRepository(R"(github\.com[/:]([\w.-]+)/([\w.-]+?)(\.git)?(?![\w.-]))");
  Origin out;
  std::smatch found;
  if (std::regex_search(dockerfile, found, kCommit)) out.base = found[2];
  if (std::regex_search(dockerfile, found, kRepository)) out.repository = found[1].str() + "/" + found[2].str();
  return out;
}

// Without lines at its front that only mark the text as a benchmark's.
std::string statement_in(const std::string& instruction) {
  size_t at = 0;
  for (size_t end; (end = instruction.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string line = instruction.substr(at, end - at);
    const bool marks = (line.starts_with("<!--") || line.starts_with("#")) && line.find("canary") != std::string::npos;
    if (!marks && line.find_first_not_of(" \t\r") != std::string::npos) break;
  }
  return without_trailers(instruction.substr(at));
}

MinedChange change_of(const std::string& folder, const std::string& repository) {
  MinedChange change;
  Candidate& c = change.candidate;
  const fs::path root(folder);
  const std::string name = root.filename().string();
  const Origin origin = origin_of(text_of(root / "environment" / "Dockerfile"));
  c.source = "harbor";
  c.repository = repository.empty() ? origin.repository : repository;
  c.base = origin.base;
  c.statement = statement_in(text_of(root / "instruction.md"));
  c.statement_from = "issue";
  c.title = c.statement.substr(0, std::min(c.statement.find('\n'), size_t{200}));
  c.gold = patches_of(root / "solution");
  c.tests = patches_of(root / "tests");
  if (const size_t dash = name.rfind('-'); dash != std::string::npos) std::from_chars(name.data() + dash + 1, name.data() + name.size(), c.pull);
  if (c.base.empty() || c.repository.empty()) change.lost = Loss{"needs_container", folder};
  else if (c.gold.empty()) change.lost = Loss{"no_source", folder + ": solution/ holds no patch"};
  else if (c.tests.empty()) change.lost = Loss{"no_tests", folder + ": tests/ holds no patch"};
  return change;
}

class HarborSource final : public ChangeSource {
 public:
  HarborSource(std::vector<std::string> folders, std::string repository) : folders_(std::move(folders)), repository_(std::move(repository)) {}

  Result<std::vector<MinedChange>> next() override {
    std::vector<MinedChange> out;
    for (; at_ < folders_.size() && out.size() < kBatch; ++at_) out.push_back(change_of(folders_[at_], repository_));
    return out;
  }

 private:
  std::vector<std::string> folders_;
  std::string repository_;
  size_t at_ = 0;
};

}  // namespace

MiningSource make() {
  return {.name = "harbor",
          .summary = "FOLDER of task directories in Harbor's form",
          .order = 5,
          .takes = [](const std::string& argument) { return !task_folders(argument, 1).empty(); },
          .open = [](const SourceOptions& options) -> Result<std::unique_ptr<ChangeSource>> {
            return std::unique_ptr<ChangeSource>(new HarborSource(task_folders(options.argument, kEntries), options.repository));
          }};
}

}  // namespace assay::sources::harbor
