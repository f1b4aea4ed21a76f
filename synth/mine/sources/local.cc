// A clone or bare mirror: pull requests as its history holds them. It has no issues' texts, so the numbers of linked issues are all there is of
// them and statements come from the commits' messages.
#include <algorithm>
#include <filesystem>

#include "synth/mine/history.h"
#include "synth/mine/links.h"
#include "synth/mine/source.h"

namespace assay::sources::local {
namespace {

constexpr size_t kBatch = 256;
constexpr size_t kBodyBytes = 64 << 10;

class LocalSource final : public ChangeSource {
 public:
  LocalSource(std::unique_ptr<GitRepository> repository, std::string name, const std::atomic<bool>* cancelled)
      : repository_(std::move(repository)), name_(std::move(name)), cancelled_(cancelled) {}

  Result<std::vector<MinedChange>> next() override {
    if (!read_) {
      ASSAY_ASSIGN(history_, read_history(*repository_, cancelled_));
      read_ = true;
    }
    std::vector<MinedChange> out;
    for (; at_ < history_.pulls.size() && out.size() < kBatch; ++at_) {
      ASSAY_ASSIGN(MinedChange change, change_of(history_.pulls[at_]));
      out.push_back(std::move(change));
    }
    return out;
  }

  std::vector<std::string> notes() const override {
    std::vector<std::string> out{std::to_string(history_.scan.commits) + " commits read"};
    if (history_.scan.problem_count > 0) {
      const GitNote& first = history_.scan.problems.front();
      out.push_back(std::to_string(history_.scan.problem_count) + " commits could not be read, the first of them " + first.subject + " (" + first.reason + ")");
    }
    return out;
  }

 private:
  Result<MinedChange> change_of(const HistoryPull& pull) const {
    MinedChange change;
    Candidate& c = change.candidate;
    c.repository = name_;
    c.source = "local";
    c.pull = pull.number;
    c.title = pull.title;
    c.author = pull.author;
    c.base = pull.base;
    c.head = pull.head;
    change.merged = pull.kind != MergeKind::kUnmerged;
    if (pull.kind == MergeKind::kUnplaced) change.lost = Loss{"no_base", "the commit before its first one is unknown"};
    if (pull.base.empty()) return change;
    c.merged = iso_time(pull.merged_s);
    std::string said = pull.title + "\n" + pull.body;
    c.body = without_trailers(pull.body);
    // Of a squash the message is the commit's own; of the others the commits have more to say.
    if (pull.kind != MergeKind::kSquash) add_messages(pull, said, c);
    for (const IssueLink& link : closing_links(said, TextKind::kCommit, {.repository = name_}))
      if (link.repository == name_ && link.number != pull.number) c.issues.push_back({.number = link.number});
    set_statement(c, "commit");
    return change;
  }

  void add_messages(const HistoryPull& pull, std::string& said, Candidate& c) const {
    for (const std::string& id : pull.commits) {
      const Result<Commit> commit = repository_->commit(id);
      if (!commit.ok() || c.body.size() > kBodyBytes) continue;   // the comparison of the trees says what is missing
      said += "\n" + commit->message;
      // Merges are made by whoever looks after the repository; the change is its commits' author's.
      c.author = commit->author;
      std::string message = without_trailers(commit->message);
      if (c.title.empty()) c.title = message.substr(0, message.find('\n'));
      if (message.starts_with(c.title + "\n")) message = without_trailers(message.substr(c.title.size()));
      if (message != c.title && c.body.find(message) == std::string::npos) c.body += (c.body.empty() ? "" : "\n\n") + message;
    }
  }

  std::unique_ptr<GitRepository> repository_;
  std::string name_;
  const std::atomic<bool>* cancelled_;
  bool read_ = false;
  History history_;
  size_t at_ = 0;
};

}  // namespace

MiningSource make() {
  return {"local", "PATH of a clone or bare mirror", 10,
          [](const std::string& argument) { return std::filesystem::is_directory(argument); },
          [](const SourceOptions& options) -> Result<std::unique_ptr<ChangeSource>> {
            ASSAY_ASSIGN(std::unique_ptr<GitRepository> repository, GitRepository::open(options.argument));
            std::string name = options.repository.empty() ? repository->name() : options.repository;
            return std::unique_ptr<ChangeSource>(new LocalSource(std::move(repository), std::move(name), options.cancelled));
          },
          true};
}

}  // namespace assay::sources::local
