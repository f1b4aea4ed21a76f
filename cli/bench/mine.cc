// Mining of a repository that git makes from a stream: 5,000 pull requests, each merged or squashed, among 20,000 other commits.
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "cli/bench.h"
#include "cli/bench/temporary_folder.h"
#include "cli/mining_batch.h"
#include "synth/mine/history.h"
#include "synth/mine/links.h"

namespace assay::bench::mine {
namespace {

constexpr int kPulls = 5'000, kOthers = 4, kFiles = 400;

// `git fast-import` reads commits in their textual form (git-fast-import(1)).
class Stream {
 public:
  explicit Stream(std::FILE* git) : git_(git) {}

  int commit(const std::string& branch, const std::string& message, const std::vector<int>& parents, const std::vector<std::pair<std::string, std::string>>& files) {
    const int time = 1'600'000'000 + ++mark_;
    std::fprintf(git_, "commit refs/heads/%s\nmark :%d\nauthor Ada <ada@example.com> %d +0000\ncommitter Ada <ada@example.com> %d +0000\ndata %zu\n%s\n", branch.c_str(), mark_, time, time,
                 message.size(), message.c_str());
    for (size_t i = 0; i < parents.size(); ++i) std::fprintf(git_, "%s :%d\n", i == 0 ? "from" : "merge", parents[i]);
    for (const auto& [path, content] : files) std::fprintf(git_, "M 100644 inline %s\ndata %zu\n%s\n", path.c_str(), content.size(), content.c_str());
    std::fputc('\n', git_);
    return mark_;
  }

 private:
  std::FILE* git_;
  int mark_ = 0;
};

std::string source_text(int file, int version) {
  std::string out;
  for (int line = 0; line < 120; ++line)
    out += "def function_" + std::to_string(line) + "(value):\n    return value + " + std::to_string(line == version % 120 ? version : file) + "\n";
  return out;
}

Status make_repository(const std::string& path) {
  const std::string command = "git init -q -b main '" + path + "' && git -C '" + path + "' fast-import --quiet";
  std::FILE* git = ::popen(command.c_str(), "w");
  if (!git) return make_error(Boundary::kInput, "cannot start git");
  Stream stream(git);
  std::vector<std::pair<std::string, std::string>> files;
  for (int i = 0; i < kFiles; ++i) files.push_back({"pkg" + std::to_string(i % 20) + "/module_" + std::to_string(i) + ".py", source_text(i, 0)});
  int main = stream.commit("main", "Begin", {}, files);
  const std::string words = "The reader of lists takes what follows the last comma for one more item, so that counts are wrong by one and an empty item is given to every caller.";
  for (int pull = 1; pull <= kPulls; ++pull) {
    const int file = pull % kFiles;
    const std::pair<std::string, std::string> source{"pkg" + std::to_string(file % 20) + "/module_" + std::to_string(file) + ".py", source_text(file, pull)};
    const std::pair<std::string, std::string> test{"tests/test_module_" + std::to_string(file) + ".py", "assert " + std::to_string(pull) + "\n"};
    for (int i = 0; i < kOthers; ++i) main = stream.commit("main", "Other work", {main}, {{"docs/page_" + std::to_string(pull % 50) + ".md", std::to_string(pull * kOthers + i) + "\n"}});
    const std::string number = std::to_string(pull);
    if (pull % 2 == 0) {
      main = stream.commit("main", "Fix the reader (#" + number + ")\n\n" + words + "\n\nFixes #" + number, {main}, {source, test});
    } else {
      const int side = stream.commit("side", "Fix the reader\n\n" + words, {main}, {source, test});
      main = stream.commit("main", "Merge pull request #" + number + " from ada/side\n\nFix the reader", {main, side}, {source, test});
    }
  }
  return ::pclose(git) == 0 ? Status() : make_error(Boundary::kInput, "git fast-import failed");
}

double seconds_since(std::chrono::steady_clock::time_point start) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }

Result<std::vector<Figure>> run() {
  const TemporaryFolder folder("mine");
  ASSAY_TRY(make_repository(folder.path.string()));
  ASSAY_ASSIGN(const auto repository, GitRepository::open(folder.path.string()));
  auto start = std::chrono::steady_clock::now();
  ASSAY_ASSIGN(const History history, read_history(*repository));
  const double scan_s = seconds_since(start);

  MiningOptions options;
  options.source.argument = folder.path.string();
  options.filters.statements = {"commit"};
  Progress progress("mine", 0, system_clock(), stderr, Progress::Mode::kSilent);
  start = std::chrono::steady_clock::now();
  ASSAY_ASSIGN(const MiningReport report, run_mining(options, progress));
  const double mine_s = seconds_since(start);
  if (report.candidates.size() != kPulls) return make_error(Boundary::kInternal, "of " + std::to_string(kPulls) + " pull requests " + std::to_string(report.candidates.size()) + " were mined");

  std::string text;
  while (text.size() < (8u << 20)) text += "Some words of a pull request.\n\nFixes #12 and closes owner/name#3, see https://github.com/a/b/issues/4\n```\ncode\n```\n";
  start = std::chrono::steady_clock::now();
  const size_t links = closing_links(text, TextKind::kMarkdown, {.repository = "a/b"}).size();
  const double links_s = seconds_since(start);
  if (links != 2) return make_error(Boundary::kInternal, "links were not found");
  return std::vector<Figure>{
      {"mine", "commits scanned", static_cast<double>(history.scan.commits) / scan_s, "1/s", 10'000, true, std::to_string(history.scan.commits) + " commits, every pull request placed"},
      {"mine", "5,000 merged pull requests", mine_s, "s", 60, false, "mined and filtered, one thread, to " + std::to_string(report.candidates.size()) + " candidates"},
      {"mine", "links found", static_cast<double>(text.size()) / links_s / 1e6, "MB/s", 20, true, "in one text of 8 MB"},
  };
}

}  // namespace

BenchArea make() { return {"mine", "history scanned, pull requests mined and filtered", run}; }

}  // namespace assay::bench::mine
