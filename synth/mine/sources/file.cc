// JSON Lines of issues and pull requests, in any order, or of candidates as `assay mine` writes them:
//   {"kind":"issue","number":1,"title":"…","body":"…","author":"…","url":"…","created":"2024-05-01T12:00:00Z"}
//   {"kind":"pull_request","number":2,"title":"…","body":"Fixes #1","author":"…","bot":false,"merged":"2024-05-02T12:00:00Z","base":"…",
//    "head":"…","patch":"diff --git …","issues":[1],"repository":"owner/name"}
// Of an issue number and title are needed, of a pull request number, title and `merged` ("" if it was not); `issues` are links beside those in
// title and body. `base` and `head` are the trees before and after; without `base` it is the first parent of `head` in --clone. Without
// `patch` the two are compared in --clone. "kind" tells them apart; a candidate has none.
#include <algorithm>
#include <filesystem>
#include <map>

#include "synth/mine/links.h"
#include "synth/mine/records.h"
#include "synth/mine/source.h"

namespace assay::sources::file {
namespace {

constexpr size_t kBatch = 256;

class FileSource final : public ChangeSource {
 public:
  FileSource(std::vector<FileRecord> records, std::string repository) : records_(std::move(records)), repository_(std::move(repository)) {
    for (FileRecord& record : records_) {
      if (!record.json.ok() || record.json->value("kind", "") != "issue") continue;
      record.json->erase("kind");
      Result<Issue> issue = issue_from_json(*record.json, record.where, "$");
      if (issue.ok()) issues_[issue->number] = std::move(*issue);
      else broken_issues_.push_back(issue.error().text());
      record.json = Json();   // done with
    }
  }

  Result<std::vector<MinedChange>> next() override {
    std::vector<MinedChange> out;
    for (; at_ < records_.size() && out.size() < kBatch; ++at_) {
      FileRecord& record = records_[at_];
      if (record.json.ok() && record.json->is_null()) continue;
      Result<MinedChange> change = record.json.ok() ? change_of(*record.json, record.where) : Result<MinedChange>(record.json.error());
      out.push_back(change.ok() ? std::move(*change) : MinedChange{.lost = Loss{"unreadable", change.error().text()}});
    }
    return out;
  }

  std::vector<std::string> notes() const override {
    if (broken_issues_.empty()) return {};
    return {std::to_string(broken_issues_.size()) + " issues could not be read, the first of them: " + broken_issues_.front()};
  }

 private:
  Result<MinedChange> change_of(const Json& json, const std::string& where) {
    return json.contains("kind") ? pull_of(json, where) : candidate_of(json, where);
  }

  static Result<MinedChange> candidate_of(const Json& json, const std::string& where) {
    MinedChange change;
    ASSAY_ASSIGN(change.candidate, candidate_from_json(json, where));
    return change;
  }

  Result<MinedChange> pull_of(const Json& json, const std::string& where) {
    JsonReader r(json, where, "$");
    MinedChange change;
    Candidate& c = change.candidate;
    if (r.text("kind") != "pull_request") r.fail("kind", "expected issue or pull_request");
    c.source = "file";
    c.pull = r.integer("number", {.minimum = 1});
    c.title = r.text("title");
    c.body = r.text_or("body", "");
    c.author = r.text_or("author", "");
    change.bot = r.boolean_or("bot", false);
    c.merged = r.text("merged");
    change.merged = !c.merged.empty();
    c.base = r.text_or("base", "");
    c.head = r.text_or("head", "");
    change.patch = r.text_or("patch", "");
    c.repository = r.text_or("repository", repository_);
    if (!repository_.empty()) c.repository = repository_;
    std::vector<int64_t> numbers;
    for (const Json& number : r.has("issues") ? r.array("issues") : Json::array()) {
      if (!number.is_number_integer()) r.fail("issues", "expected numbers of issues");
      else numbers.push_back(number.get<int64_t>());
    }
    ASSAY_TRY(r.finish());
    for (const IssueLink& link : closing_links(c.title + "\n\n" + c.body, TextKind::kMarkdown, {.repository = c.repository}))
      if (link.repository == c.repository && link.number != c.pull) numbers.push_back(link.number);
    for (int64_t number : numbers) {
      const bool known = std::any_of(c.issues.begin(), c.issues.end(), [&](const Issue& issue) { return issue.number == number; });
      const auto it = issues_.find(number);
      if (!known) c.issues.push_back(it == issues_.end() ? Issue{.number = number} : it->second);
    }
    set_statement(c, "pull_request");
    return change;
  }

  std::vector<FileRecord> records_;
  std::string repository_;
  std::map<int64_t, Issue> issues_;
  std::vector<std::string> broken_issues_;
  size_t at_ = 0;
};

}  // namespace

MiningSource make() {
  return {"file", "FILE of JSON Lines: issues and pull requests, or candidates", 40,
          [](const std::string& argument) { return std::filesystem::is_regular_file(argument); },
          [](const SourceOptions& options) -> Result<std::unique_ptr<ChangeSource>> {
            ASSAY_ASSIGN(std::vector<FileRecord> records, read_records(options.argument));
            return std::unique_ptr<ChangeSource>(new FileSource(std::move(records), options.repository));
          }};
}

}  // namespace assay::sources::file
