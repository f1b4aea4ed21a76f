// GitHub's API: merged pull requests with the issues they close, told by GitHub itself (GraphQL closingIssuesReferences, which knows of links made
// in the sidebar) and by their texts. Without a token there is only REST, and links are those of the texts. Patches are compared in --clone
// where there is one; else they are asked for, which leaves binary files out.
#include <algorithm>
#include <map>
#include <set>

#include "synth/mine/git_repository.h"
#include "synth/mine/github_client.h"
#include "synth/mine/links.h"
#include "synth/mine/source.h"

namespace assay::sources::github {
namespace {

constexpr int64_t kPages = 20'000;           // of one list
constexpr int64_t kRebasedCommits = 100;

// All that one page needs. "after" is the page's cursor.
constexpr const char* kPullsQuery = R"(query($owner:String!,$name:String!,$after:String){repository(owner:$owner,name:$name){nameWithOwner licenseInfo{spdxId}
pullRequests(states:MERGED,first:50,after:$after,orderBy:{field:CREATED_AT,direction:ASC}){totalCount pageInfo{hasNextPage endCursor} nodes{number title body mergedAt
author{login __typename} mergeCommit{oid messageHeadline authoredDate parents(first:2){nodes{oid}}} commits(last:1){totalCount nodes{commit{messageHeadline authoredDate}}}
closingIssuesReferences(first:20){pageInfo{hasNextPage endCursor} nodes{number title body url createdAt author{login} repository{nameWithOwner}}}}}}})";

constexpr const char* kIssuesQuery = R"(query($owner:String!,$name:String!,$number:Int!,$after:String){repository(owner:$owner,name:$name){pullRequest(number:$number){
closingIssuesReferences(first:50,after:$after){pageInfo{hasNextPage endCursor} nodes{number title body url createdAt author{login} repository{nameWithOwner}}}}}})";

// A value of an answer. Whatever is not of the type that was asked for is noted in `bad`, and reading goes on with nothing.
class Node {
 public:
  Node(const Json& json, bool& bad) : json_(&json), bad_(&bad) {}

  Node operator[](const char* name) const {
    static const Json kNothing;
    if (!json_->is_object()) return *bad_ |= !json_->is_null(), Node(kNothing, *bad_);
    const auto it = json_->find(name);
    return {it == json_->end() ? kNothing : *it, *bad_};
  }
  // The same value, noting elsewhere what is wrong in it.
  Node with(bool& bad) const { return {*json_, bad}; }
  bool is_null() const { return json_->is_null(); }
  // Null is "": users are deleted, bodies are empty.
  std::string text() const { return json_->is_null() ? "" : take<std::string>(json_->is_string()); }
  std::string needed_text() const { return take<std::string>(json_->is_string()); }
  int64_t number() const { return take<int64_t>(json_->is_number_integer()); }
  bool truth() const { return take<bool>(json_->is_boolean()); }
  std::vector<Node> items() const {
    std::vector<Node> out;
    *bad_ |= !json_->is_array();
    if (json_->is_array())
      for (const Json& item : *json_) out.emplace_back(item, *bad_);
    return out;
  }

 private:
  template <typename T>
  T take(bool right) const {
    *bad_ |= !right;
    return right ? json_->get<T>() : T();
  }

  const Json* json_;
  bool* bad_;
};

bool is_commit(const std::string& id) { return id.size() == 40 && id.find_first_not_of("0123456789abcdef") == std::string::npos; }

Issue issue_of(const Node& node) {
  return {node["number"].number(), node["title"].needed_text(), node["body"].text(), node["author"]["login"].text(), node["url"].text(), node["createdAt"].text()};
}

// What tells a rebase from a squash: both leave one parent, but a rebase keeps the commits, so the last one has its subject and its
// author's time again.
struct Landing {
  std::vector<std::string> parents;
  std::string subject, authored;               // of the commit that landed
  int64_t commits = 0;                         // of the pull request
  std::string last_subject, last_authored;     // of its last commit

  bool is_rebase() const { return parents.size() == 1 && commits > 1 && subject == last_subject && authored == last_authored; }
};

// A limit, or a server that is down, is no one change's fault: the run ends, to go on later.
bool ends_run(const Error& error) {
  if (api_reason(error) == "api_malformed") return false;
  for (const char* words : {"not found", "status 410", "status 404", "status 406", "status 422"})
    if (error.what.starts_with(words)) return false;
  return true;
}

std::string host_of(const std::string& api) {
  if (api == "https://api.github.com") return "github.com";
  const size_t begin = api.find("://") == std::string::npos ? 0 : api.find("://") + 3;
  return api.substr(begin, api.find('/', begin) - begin);
}

class GitHubSource final : public ChangeSource {
 public:
  GitHubSource(const SourceOptions& options, std::string owner, std::string name, std::unique_ptr<GitRepository> clone)
      : client_({.api = options.api, .token = options.token, .cache = options.cache, .cancelled = options.cancelled}, *options.http, *options.clock),
        graphql_(!options.token.empty()), host_(host_of(options.api)), owner_(std::move(owner)), name_(std::move(name)), clone_(std::move(clone)) {}

  Result<std::vector<MinedChange>> next() override {
    std::vector<MinedChange> out;
    while (out.empty() && more_) {
      if (++page_ > kPages) return malformed_answer("more than " + std::to_string(kPages) + " pages", repository());
      const size_t seen = seen_.size();
      ASSAY_ASSIGN(out, graphql_ ? graphql_page() : rest_page());
      // A server that always names one more page would be asked for ever.
      if (more_ && seen_.size() == seen) return malformed_answer("page " + std::to_string(page_) + " has nothing new and is not the last", repository());
    }
    ASSAY_TRY(add_issues(out));
    for (MinedChange& change : out) set_statement(change.candidate, "pull_request");
    return out;
  }

  Status complete(std::vector<MinedChange>& changes) override {
    std::vector<MinedChange*> open;
    for (MinedChange& change : changes)
      if (!change.lost && change.merged) open.push_back(&change);
    if (!graphql_) ASSAY_TRY(find_landings(open));
    for (MinedChange* change : open) find_base(*change);
    if (!clone_) ASSAY_TRY(add_patches(open));
    for (MinedChange* change : open) landings_.erase(change->candidate.pull);
    return {};
  }

  std::vector<std::string> notes() const override {
    std::vector<std::string> out{std::to_string(client_.requests()) + " requests, " + std::to_string(client_.unchanged()) + " answers known already, " +
                                 std::to_string(client_.waited_ms() / 1000) + " s waited for rate limits"};
    if (!graphql_) out.push_back("without a token links made in the sidebar are not seen, and 60 requests an hour are allowed");
    if (repeated_ > 0) out.push_back("the server sent " + std::to_string(repeated_) + " pull requests more than once");
    if (announced_ >= 0 && !more_ && announced_ != static_cast<int64_t>(seen_.size()))
      out.push_back("the server announced " + std::to_string(announced_) + " pull requests and sent " + std::to_string(seen_.size()));
    if (unread_issues_ > 0) out.push_back(std::to_string(unread_issues_) + " linked issues could not be read, the first of them: " + unread_issue_);
    return out;
  }

 private:
  std::string repository() const { return owner_ + "/" + name_; }
  std::string path(const std::string& rest) const { return "/repos/" + owner_ + "/" + name_ + rest; }

  // Whether a pull request is met for the first time; one without a number is.
  bool is_new(int64_t number) {
    const bool fresh = number <= 0 || seen_.insert(number).second;
    repeated_ += !fresh;
    return fresh;
  }

  Result<std::vector<MinedChange>> graphql_page() {
    ASSAY_ASSIGN(const Json data, client_.query(kPullsQuery, variables({{"after", cursor_.empty() ? Json() : Json(cursor_)}}), [](const Json& answer) {
      bool bad = false;
      const bool more = Node(answer, bad)["repository"]["pullRequests"]["pageInfo"]["hasNextPage"].truth();
      return more && !bad;   // the last page may grow
    }));
    bool bad = false;
    const Node repository_node = Node(data, bad)["repository"];
    if (repository_node.is_null()) return input_error("no such repository, or the token may not read it", repository());
    const Node pulls = repository_node["pullRequests"];
    announced_ = pulls["totalCount"].number();
    more_ = pulls["pageInfo"]["hasNextPage"].truth();
    const std::string cursor = pulls["pageInfo"]["endCursor"].text();
    const std::vector<Node> nodes = pulls["nodes"].items();
    if (bad) return malformed_answer("not a page of pull requests", repository());
    if (more_ && (cursor.empty() || cursor == cursor_)) return malformed_answer("the next page is the same page", repository());
    cursor_ = cursor;
    const std::string licence = repository_node["licenseInfo"]["spdxId"].text();
    std::vector<MinedChange> out;
    for (const Node& node : nodes) {
      MinedChange change = graphql_change(node);
      if (!is_new(change.candidate.pull)) continue;
      if (licence != "NOASSERTION") change.candidate.licence = licence;
      out.push_back(std::move(change));
    }
    return out;
  }

  Json variables(Json more) const {
    more["owner"] = owner_;
    more["name"] = name_;
    return more;
  }

  // Of a node that is not as it should be, what can be read and why it is lost.
  MinedChange graphql_change(const Node& page_node) {
    bool bad = false;
    const Node node = page_node.with(bad);
    MinedChange change = blank(node["number"].number());
    Candidate& c = change.candidate;
    c.title = node["title"].needed_text();
    c.body = node["body"].text();
    c.merged = node["mergedAt"].needed_text();
    c.author = node["author"]["login"].text();
    change.bot = node["author"]["__typename"].text() == "Bot";
    const Node merge = node["mergeCommit"], last = node["commits"];
    c.head = merge["oid"].text();
    Landing& landing = landings_[c.pull];
    landing.subject = merge["messageHeadline"].text();
    landing.authored = merge["authoredDate"].text();
    if (!merge.is_null())
      for (const Node& parent : merge["parents"]["nodes"].items()) landing.parents.push_back(parent["oid"].needed_text());
    landing.commits = last["totalCount"].number();
    for (const Node& commit : last["nodes"].items()) {
      landing.last_subject = commit["commit"]["messageHeadline"].text();
      landing.last_authored = commit["commit"]["authoredDate"].text();
    }
    Status issues = add_closing_references(node["closingIssuesReferences"], c);
    if (bad) change.lost = Loss{"api_malformed", "not as a pull request is documented"};
    else if (!issues.ok()) change.lost = Loss{api_reason(issues.error()), issues.error().text()};
    else if (!is_commit(c.head)) change.lost = Loss{"no_base", "GitHub does not know the commit that was merged"};
    return change;
  }

  MinedChange blank(int64_t number) const {
    MinedChange change;
    change.candidate.source = "github";
    change.candidate.repository = repository();
    change.candidate.pull = number;
    return change;
  }

  // All pages of them; the first one came with the pull request.
  Status add_closing_references(const Node& first, Candidate& c) {
    add_issue_nodes(first, c);
    bool more = first["pageInfo"]["hasNextPage"].truth();
    std::string cursor = first["pageInfo"]["endCursor"].text();
    while (more) {
      ASSAY_ASSIGN(const Json data, client_.query(kIssuesQuery, variables({{"number", c.pull}, {"after", cursor}}), [](const Json&) { return true; }));
      bool bad = false;
      const Node references = Node(data, bad)["repository"]["pullRequest"]["closingIssuesReferences"];
      const size_t before = c.issues.size();
      add_issue_nodes(references, c);
      more = references["pageInfo"]["hasNextPage"].truth();
      cursor = references["pageInfo"]["endCursor"].text();
      if (bad || (more && c.issues.size() == before)) return malformed_answer("not a page of linked issues", repository() + "#" + std::to_string(c.pull));
    }
    return {};
  }

  void add_issue_nodes(const Node& references, Candidate& c) {
    for (const Node& node : references["nodes"].items()) {
      Issue issue = issue_of(node);
      const bool own = node["repository"]["nameWithOwner"].text() == repository();
      const bool known = std::any_of(c.issues.begin(), c.issues.end(), [&](const Issue& other) { return other.url == issue.url && other.number == issue.number; });
      if (own && !known) issues_.emplace(issue.number, issue);
      if (!known) c.issues.push_back(std::move(issue));
    }
  }

  Result<std::vector<MinedChange>> rest_page() {
    ASSAY_ASSIGN(const GitHubClient::Page page, client_.get(path("/pulls?state=closed&sort=created&direction=asc&per_page=100&page=" + std::to_string(page_))));
    if (!page.body.is_array()) return malformed_answer("not a list of pull requests", repository());
    more_ = page.more;
    std::vector<MinedChange> out;
    for (const Json& item : page.body) {
      bool bad = false;
      const Node node(item, bad);
      MinedChange change = blank(node["number"].number());
      Candidate& c = change.candidate;
      c.title = node["title"].needed_text();
      c.body = node["body"].text();
      c.merged = node["merged_at"].text();
      c.author = node["user"]["login"].text();
      change.bot = node["user"]["type"].text() == "Bot";
      change.merged = !c.merged.empty();
      if (change.merged) c.head = node["merge_commit_sha"].text();
      if (bad) change.lost = Loss{"api_malformed", "not as a pull request is documented"};
      else if (change.merged && !is_commit(c.head)) change.lost = Loss{"no_base", "GitHub does not know the commit that was merged"};
      if (is_new(c.pull)) out.push_back(std::move(change));
    }
    return out;
  }

  // Issues that the texts link and GitHub has not told of yet.
  Status add_issues(std::vector<MinedChange>& changes) {
    std::vector<std::pair<Candidate*, int64_t>> linked;
    std::set<int64_t> wanted;
    for (MinedChange& change : changes) {
      Candidate& c = change.candidate;
      if (change.lost || !change.merged) continue;
      for (const IssueLink& link : closing_links(c.title + "\n\n" + c.body, TextKind::kMarkdown, {.repository = repository(), .host = host_})) {
        const bool known = std::any_of(c.issues.begin(), c.issues.end(), [&](const Issue& issue) { return issue.number == link.number; });
        if (known || link.number == c.pull || link.repository != repository()) continue;
        linked.emplace_back(&c, link.number);
        if (!issues_.contains(link.number)) wanted.insert(link.number);
      }
    }
    const std::vector<int64_t> numbers(wanted.begin(), wanted.end());
    std::vector<std::string> paths;
    for (int64_t number : numbers) paths.push_back(path("/issues/" + std::to_string(number)));
    const std::vector<Result<GitHubClient::Page>> answers = client_.get(paths);
    for (size_t i = 0; i < numbers.size(); ++i) ASSAY_TRY(read_issue(numbers[i], answers[i]));
    for (const auto& [candidate, number] : linked)
      if (const auto it = issues_.find(number); it != issues_.end() && it->second) candidate->issues.push_back(*it->second);
    return {};
  }

  Status read_issue(int64_t number, const Result<GitHubClient::Page>& answer) {
    bool bad = false;
    std::string problem;
    if (answer.ok()) {
      const Node node(answer->body, bad);
      Issue issue{node["number"].number(), node["title"].needed_text(), node["body"].text(), node["user"]["login"].text(), node["html_url"].text(), node["created_at"].text()};
      // Pull requests have numbers of the same kind, and are listed as issues.
      if (!bad) issues_[number] = node["pull_request"].is_null() ? std::optional(std::move(issue)) : std::nullopt;
      else problem = "#" + std::to_string(number) + ": not as an issue is documented";
    } else {
      if (ends_run(answer.error())) return answer.error();
      problem = answer.error().text();
    }
    if (!problem.empty()) {
      issues_[number] = std::nullopt;
      if (unread_issues_++ == 0) unread_issue_ = problem;
    }
    return {};
  }

  Status find_landings(const std::vector<MinedChange*>& changes) {
    std::vector<std::string> commits, pulls;
    for (const MinedChange* change : changes) {
      commits.push_back(path("/commits/" + change->candidate.head));
      pulls.push_back(path("/pulls/" + std::to_string(change->candidate.pull) + "/commits?per_page=100"));
    }
    const std::vector<Result<GitHubClient::Page>> landed = client_.get(commits), of_pulls = client_.get(pulls);
    for (size_t i = 0; i < changes.size(); ++i) {
      bool bad = false;
      Landing& landing = landings_[changes[i]->candidate.pull];
      if (!landed[i].ok() || !of_pulls[i].ok()) {
        const Error& error = landed[i].ok() ? of_pulls[i].error() : landed[i].error();
        if (ends_run(error)) return error;
        changes[i]->lost = Loss{api_reason(error), error.text()};
        continue;
      }
      const auto subject = [](const Node& commit) {
        const std::string message = commit["message"].text();
        return message.substr(0, message.find('\n'));
      };
      const Node commit(landed[i]->body, bad);
      landing.subject = subject(commit["commit"]);
      landing.authored = commit["commit"]["author"]["date"].text();
      for (const Node& parent : commit["parents"].items()) landing.parents.push_back(parent["sha"].needed_text());
      const std::vector<Node> own = Node(of_pulls[i]->body, bad).items();
      landing.commits = static_cast<int64_t>(own.size());
      if (!own.empty()) {
        landing.last_subject = subject(own.back()["commit"]);
        landing.last_authored = own.back()["commit"]["author"]["date"].text();
      }
      if (bad) changes[i]->lost = Loss{"api_malformed", "its commits are not as documented"};
    }
    return {};
  }

  void find_base(MinedChange& change) {
    const Landing& landing = landings_[change.candidate.pull];
    if (change.lost || landing.parents.empty()) return;
    change.candidate.base = landing.is_rebase() ? before_rebase(change.candidate.head, landing.commits) : landing.parents.front();
    if (!is_commit(change.candidate.base)) change.lost = Loss{"no_base", "where its rebased commits begin is not to be found"};
  }

  // The commit before the last `count`, which stand one on the other; "" if they do not.
  std::string before_rebase(const std::string& head, int64_t count) {
    std::string at = head;
    if (clone_) {
      for (int64_t i = 0; i < count; ++i) {
        const Result<Commit> commit = clone_->commit(at);
        if (!commit.ok() || commit->parents.size() != 1) return "";
        at = commit->parents[0];
      }
      return at;
    }
    if (count > kRebasedCommits) return "";
    const Result<GitHubClient::Page> page = client_.get(path("/commits?sha=" + head + "&per_page=" + std::to_string(count)));
    if (!page.ok()) return "";
    bool bad = false;
    for (const Node& commit : Node(page->body, bad).items()) {
      const std::vector<Node> parents = commit["parents"].items();
      if (commit["sha"].text() != at || parents.size() != 1) return "";
      at = parents[0]["sha"].text();
      if (--count == 0) return bad ? "" : at;
    }
    return "";
  }

  Status add_patches(const std::vector<MinedChange*>& changes) {
    std::vector<MinedChange*> asked;
    std::vector<std::string> paths;
    for (MinedChange* change : changes) {
      if (change->lost) continue;
      asked.push_back(change);
      paths.push_back(path("/compare/" + change->candidate.base + "..." + change->candidate.head));
    }
    std::vector<Result<std::string>> patches = client_.get_patches(paths);
    for (size_t i = 0; i < asked.size(); ++i) {
      if (!patches[i].ok() && ends_run(patches[i].error())) return patches[i].error();
      if (!patches[i].ok()) asked[i]->lost = Loss{api_reason(patches[i].error()), patches[i].error().text()};
      else if (!patches[i]->starts_with("diff --git ")) asked[i]->lost = Loss{"api_malformed", "its patch is none"};
      else asked[i]->patch = std::move(*patches[i]);
    }
    return {};
  }

  GitHubClient client_;
  const bool graphql_;
  const std::string host_, owner_, name_;
  std::unique_ptr<GitRepository> clone_;
  bool more_ = true;
  int64_t page_ = 0;
  std::string cursor_;
  std::set<int64_t> seen_;                               // numbers of pull requests
  std::map<int64_t, std::optional<Issue>> issues_;       // of this repository; nothing where there is none
  std::map<int64_t, Landing> landings_;                  // of pull requests that are not complete
  int64_t announced_ = -1, repeated_ = 0, unread_issues_ = 0;
  std::string unread_issue_;
};

constexpr std::string_view kPrefix = "github:";

Result<std::unique_ptr<ChangeSource>> open(const SourceOptions& options) {
  const std::string name = options.argument.substr(kPrefix.size());
  const size_t slash = name.find('/');
  const auto good = [](const std::string& part) {
    return !part.empty() && part != "." && part != ".." && std::all_of(part.begin(), part.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'; });
  };
  if (slash == std::string::npos || !good(name.substr(0, slash)) || !good(name.substr(slash + 1))) return input_error("not a repository's name", options.argument, "github:OWNER/NAME");
  std::unique_ptr<GitRepository> clone;
  if (!options.clone.empty()) {
    ASSAY_ASSIGN(clone, GitRepository::open(options.clone));
  }
  return std::unique_ptr<ChangeSource>(new GitHubSource(options, name.substr(0, slash), name.substr(slash + 1), std::move(clone)));
}

}  // namespace

MiningSource make() {
  return {"github", "github:OWNER/NAME, through GitHub's API", 20, [](const std::string& argument) { return argument.starts_with(kPrefix); }, open};
}

}  // namespace assay::sources::github
