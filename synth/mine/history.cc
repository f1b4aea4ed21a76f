#include "synth/mine/history.h"

#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>

#include "envs/base/rng.h"
#include "synth/mine/merges.h"

namespace assay {
namespace {

constexpr size_t kCommits = 100;        // of one pull request that are named
constexpr size_t kRebasedCommits = 250; // of one pull request that are looked for
constexpr int64_t kPaint = 200'000;     // commits looked at to see what one merge brought
constexpr int64_t kMostCommits = 4'000'000;

std::string subject_of(const std::string& message) { return message.substr(0, message.find('\n')); }

// What a rebase leaves as it is.
uint64_t fingerprint(const Commit& commit) {
  return stream_of(commit.email + "\n" + std::to_string(commit.authored_s) + "\n" + subject_of(commit.message));
}

// Commits as numbers. A parent that could not be read is no node.
struct Graph {
  std::vector<std::string> ids;
  std::vector<std::vector<uint32_t>> parents;
  std::vector<uint32_t> generation;     // longer than that of any parent
  std::vector<uint64_t> fingerprints;
  std::unordered_map<std::string, uint32_t> numbers;
  std::unordered_map<uint64_t, uint32_t> by_fingerprint;   // the one met first
};

class Reader {
 public:
  Reader(const GitRepository& repository, const std::atomic<bool>* cancelled) : repository_(repository), cancelled_(cancelled) {}

  Result<History> read() {
    ASSAY_TRY(scan_head());
    order();
    for (auto& [number, found] : named_) place(number, found);
    ASSAY_TRY(read_references());
    for (auto& [number, pull] : pulls_) history_.pulls.push_back(std::move(pull));
    return std::move(history_);
  }

 private:
  struct Named {
    uint32_t node = 0;
    MergedPull pull;
    MergeKind kind = MergeKind::kMerge;
    std::string author, email;
    int64_t merged_s = 0;
  };

  Status stopped() const {
    return cancelled_ && cancelled_->load(std::memory_order_relaxed) ? Status(make_error(Boundary::kInput, "stopped")) : Status();
  }

  Status scan_head() {
    ASSAY_ASSIGN(const std::string head, repository_.resolve("HEAD"));
    std::vector<std::vector<std::string>> parents;
    const auto visit = [&](const Commit& commit) -> Status {
      if (graph_.ids.size() % 4096 == 0) ASSAY_TRY(stopped());
      if (static_cast<int64_t>(graph_.ids.size()) == kMostCommits) return input_error("more than " + std::to_string(kMostCommits) + " commits");
      const auto node = static_cast<uint32_t>(graph_.ids.size());
      graph_.ids.push_back(commit.id);
      graph_.numbers[commit.id] = node;
      graph_.fingerprints.push_back(fingerprint(commit));
      graph_.by_fingerprint.emplace(graph_.fingerprints.back(), node);
      parents.push_back(commit.parents);
      name(commit, node);
      return {};
    };
    ASSAY_ASSIGN(history_.scan, repository_.scan({head}, visit));
    graph_.parents.resize(parents.size());
    for (size_t i = 0; i < parents.size(); ++i)
      for (const std::string& id : parents[i])
        if (auto it = graph_.numbers.find(id); it != graph_.numbers.end()) graph_.parents[i].push_back(it->second);
        else if (graph_.parents[i].empty()) break;   // without its first parent a commit's base is unknown
    for (uint32_t i = 0; i < parents.size(); ++i)
      for (size_t other = 1; other < graph_.parents[i].size(); ++other) merges_.emplace(graph_.parents[i][other], i);
    for (size_t i = 0; i < parents.size(); ++i)
      if (graph_.parents[i].empty() && !parents[i].empty()) broken_.push_back(static_cast<uint32_t>(i));
    return {};
  }

  void name(const Commit& commit, uint32_t node) {
    const bool merge = commit.parents.size() > 1;
    const auto pull = merge ? merged_pull(commit.message) : squashed_pull(commit.message);
    if (!pull || commit.parents.empty()) return;
    // A later commit of the same number is a second look at it (a backport, a merge into another branch).
    Named named{node, *pull, merge ? MergeKind::kMerge : MergeKind::kSquash, commit.author, commit.email, commit.committed_s};
    named_[pull->number].push_back(std::move(named));
  }

  // Generations, from the roots up.
  void order() {
    const size_t count = graph_.ids.size();
    std::vector<uint32_t> waiting(count), ready;
    std::vector<std::vector<uint32_t>> children(count);
    graph_.generation.assign(count, 0);
    for (uint32_t node = 0; node < count; ++node) {
      waiting[node] = static_cast<uint32_t>(graph_.parents[node].size());
      for (uint32_t parent : graph_.parents[node]) children[parent].push_back(node);
      if (waiting[node] == 0) ready.push_back(node);
    }
    while (!ready.empty()) {
      const uint32_t node = ready.back();
      ready.pop_back();
      for (uint32_t child : children[node]) {
        graph_.generation[child] = std::max(graph_.generation[child], graph_.generation[node] + 1);
        if (--waiting[child] == 0) ready.push_back(child);
      }
    }
  }

  void place(int64_t number, const std::vector<Named>& found) {
    // The deepest one is where it was merged first.
    const Named& first = *std::min_element(found.begin(), found.end(), [&](const Named& a, const Named& b) {
      return std::pair(graph_.generation[a.node], a.node) < std::pair(graph_.generation[b.node], b.node);
    });
    HistoryPull pull{.number = number, .kind = first.kind, .title = first.pull.title, .body = first.pull.body, .author = first.author, .email = first.email,
                     .merged_s = first.merged_s};
    pull.head = graph_.ids[first.node];
    if (std::binary_search(broken_.begin(), broken_.end(), first.node)) {
      pull.kind = MergeKind::kUnplaced;
    } else {
      pull.base = graph_.ids[graph_.parents[first.node][0]];
      if (first.kind == MergeKind::kMerge) pull.commits = brought_by(first.node);
      else pull.commits = {pull.head};
    }
    pulls_.emplace(number, std::move(pull));
  }

  // Commits that the other parents of a merge reach and the first one does not, oldest first: both are painted from the newest
  // generation down until nothing unpainted by the first is left.
  std::vector<std::string> brought_by(uint32_t merge) {
    std::unordered_map<uint32_t, bool> old;   // node -> reached from the first parent
    std::priority_queue<std::pair<uint32_t, uint32_t>> open;
    int64_t fresh = 0;
    const auto reach = [&](uint32_t node, bool is_old) {
      const auto [it, is_new] = old.emplace(node, is_old);
      if (is_new) {
        open.emplace(graph_.generation[node], node);
        fresh += !is_old;
      } else if (is_old && !it->second) {
        it->second = true;
        --fresh;
      }
    };
    const std::vector<uint32_t>& parents = graph_.parents[merge];
    reach(parents[0], true);
    for (size_t i = 1; i < parents.size(); ++i) reach(parents[i], false);
    std::vector<std::string> out;
    for (int64_t looked = 0; fresh > 0 && !open.empty() && looked < kPaint; ++looked) {
      const uint32_t node = open.top().second;
      open.pop();
      const bool is_old = old[node];
      if (!is_old) {
        --fresh;
        if (graph_.parents[node].size() < 2 && out.size() < kCommits) out.push_back(graph_.ids[node]);
      }
      for (uint32_t parent : graph_.parents[node]) reach(parent, is_old);
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

  Status read_references() {
    for (const std::string prefix : {"refs/pull/", "refs/merge-requests/"}) {
      ASSAY_ASSIGN(const std::vector<GitReference> references, repository_.references(prefix));
      for (const GitReference& reference : references) {
        std::string_view name = std::string_view(reference.name).substr(prefix.size());
        if (!name.ends_with("/head")) continue;
        name.remove_suffix(5);
        if (name.empty() || name.size() > 9 || name.find_first_not_of("0123456789") != name.npos) continue;
        ASSAY_TRY(stopped());
        ASSAY_TRY(read_reference(std::stoll(std::string(name)), reference.commit));
      }
    }
    return {};
  }

  Status read_reference(int64_t number, const std::string& head) {
    if (pulls_.contains(number)) return {};
    std::vector<Commit> commits;
    const auto visit = [&](const Commit& commit) { return commits.push_back(commit), Status(); };
    const auto enter = [&](const std::string& id) { return commits.size() < kRebasedCommits && !graph_.numbers.contains(id); };
    ASSAY_ASSIGN(const Scan scan, repository_.scan({head}, visit, enter));
    history_.scan.commits += scan.commits;
    for (const GitNote& problem : scan.problems)
      if (++history_.scan.problem_count <= 1000) history_.scan.problems.push_back(problem);
    HistoryPull pull{.number = number, .kind = MergeKind::kUnmerged, .head = head};
    if (const auto node = graph_.numbers.find(head); node != graph_.numbers.end()) merged_by_hand(node->second, pull);
    else if (!commits.empty()) rebased(commits, pull);
    pulls_.emplace(number, std::move(pull));
    return {};
  }

  // A merge of a pull request's head that does not say which it is ("Merge branch 'x'").
  void merged_by_hand(uint32_t head, HistoryPull& pull) {
    pull.kind = MergeKind::kUnplaced;
    const auto merge = merges_.find(head);
    if (merge == merges_.end()) return;
    const Result<Commit> commit = repository_.commit(graph_.ids[merge->second]);
    if (!commit.ok()) return;
    pull.kind = MergeKind::kMerge;
    pull.base = graph_.ids[graph_.parents[merge->second][0]];
    pull.head = commit->id;
    pull.author = commit->author;
    pull.email = commit->email;
    pull.merged_s = commit->committed_s;
    pull.commits = brought_by(merge->second);
  }

  // Whether HEAD's history has the commits again, one after the other.
  void rebased(const std::vector<Commit>& commits, HistoryPull& pull) {
    std::vector<uint32_t> nodes;
    for (const Commit& commit : commits) {
      if (commit.parents.size() > 1) continue;   // merges are not rebased
      const auto it = graph_.by_fingerprint.find(fingerprint(commit));
      if (it == graph_.by_fingerprint.end()) return;
      nodes.push_back(it->second);
    }
    if (nodes.empty()) return;
    std::sort(nodes.begin(), nodes.end(), [&](uint32_t a, uint32_t b) { return graph_.generation[a] < graph_.generation[b]; });
    for (size_t i = 0; i < nodes.size(); ++i) {
      const std::vector<uint32_t>& parents = graph_.parents[nodes[i]];
      if (parents.size() != 1 || (i > 0 && parents[0] != nodes[i - 1])) return;
    }
    pull.kind = MergeKind::kRebase;
    pull.base = graph_.ids[graph_.parents[nodes.front()][0]];
    pull.head = graph_.ids[nodes.back()];
    for (uint32_t node : nodes)
      if (pull.commits.size() < kCommits) pull.commits.push_back(graph_.ids[node]);
    const Commit& last = commits.front();   // scans begin with the newest
    pull.title = subject_of(last.message);
    pull.body = last.message.substr(std::min(pull.title.size() + 1, last.message.size()));
    pull.author = last.author;
    pull.email = last.email;
    pull.merged_s = last.committed_s;
  }

  const GitRepository& repository_;
  const std::atomic<bool>* cancelled_;
  Graph graph_;
  std::vector<uint32_t> broken_;               // nodes whose first parent could not be read
  std::unordered_map<uint32_t, uint32_t> merges_;   // what was merged -> the merge
  std::map<int64_t, std::vector<Named>> named_;
  std::map<int64_t, HistoryPull> pulls_;
  History history_;
};

}  // namespace

Result<History> read_history(const GitRepository& repository, const std::atomic<bool>* cancelled) { return Reader(repository, cancelled).read(); }

}  // namespace assay
