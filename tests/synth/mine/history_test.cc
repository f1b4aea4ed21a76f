#include "synth/mine/history.h"

#include "synth/mine/merges.h"
#include "tests/synth/mine/repository.h"

namespace assay {
namespace {

using test::must;
using test::shell;
using test::TestRepository;

std::map<int64_t, HistoryPull> pulls_of(const TestRepository& repository) {
  std::map<int64_t, HistoryPull> out;
  for (HistoryPull& pull : must(read_history(*must(GitRepository::open(repository.path())))).pulls) out[pull.number] = std::move(pull);
  return out;
}

}  // namespace

TEST_CASE("messages of merges and squashes say which pull request they are") {
  const auto merged = [](const std::string& message) { return merged_pull(message).value_or(MergedPull{}); };
  CHECK(merged("Merge pull request #12 from a/b\n\nA title\n\nMore").number == 12);
  CHECK(merged("Merge pull request #12 from a/b\n\nA title\n\nMore").title == "A title");
  CHECK(merged("Merge pull request #12 from a/b\n\nA title\n\nMore").body == "More");
  CHECK(merged("Auto merge of #12 - a:b, r=c\n\nA title").title == "A title");
  CHECK(merged("Merge #12: A title").title == "A title");
  CHECK(merged("Merged in feature (pull request #12)\n\nA title").number == 12);
  CHECK(merged("Merge branch 'x' into 'main'\n\nA title\n\nSee merge request a/b!12").number == 12);
  CHECK(merged("Merge branch 'x' into 'main'\n\nA title\n\nSee merge request a/b!12").title == "A title");
  CHECK_FALSE(merged_pull("Merge branch 'main' into x"));
  CHECK_FALSE(merged_pull("Merge pull request from a/b"));
  CHECK(squashed_pull("A title (#12)\n\nBody")->number == 12);
  CHECK(squashed_pull("A title (#12)\n\nBody")->title == "A title");
  CHECK(squashed_pull("Fix #3 (#12)")->number == 12);
  CHECK(squashed_pull("A title\n\nBody\n\nPR-URL: https://github.com/a/b/pull/12\n")->number == 12);
  CHECK_FALSE(squashed_pull("A title (#12) and more"));
  CHECK_FALSE(squashed_pull("A title (#12a)"));
  CHECK_FALSE(squashed_pull("A title (#)"));
}

TEST_CASE("merges, squashes and rebases are found with the trees before and after") {
  TestRepository repository;
  repository.put("a", "0");
  const std::string root = repository.commit("root");
  // #1: two commits, merged, while main went on.
  repository.git("checkout -q -b one");
  repository.put("b", "1");
  const std::string first = repository.commit("first of one");
  repository.put("b", "2");
  const std::string second = repository.commit("second of one");
  repository.git("checkout -q main");
  repository.put("a", "1");
  const std::string on_main = repository.commit("something else");
  repository.git("merge -q --no-ff -m 'Merge pull request #1 from x/one\n\nThe first one' one");
  const std::string merge = repository.git("rev-parse HEAD");
  // #2: squashed.
  repository.put("c", "1");
  const std::string squash = repository.commit("The second one (#2)\n\nFixes #9\n");
  // #3: two commits, rebased: other committer's times, same authors' times.
  repository.git("checkout -q -b three one");
  repository.put("d", "1");
  repository.commit("first of three");
  repository.put("d", "2");
  const std::string pull_head = repository.commit("second of three");
  repository.git("update-ref refs/pull/3/head three");
  repository.git("checkout -q main");
  shell(repository.folder.path, "unset GIT_AUTHOR_DATE; git cherry-pick one..three > /dev/null");
  const std::string rebased = repository.git("rev-parse HEAD");
  REQUIRE(rebased != pull_head);
  // #4: never merged; #5: pushed to main by hand.
  repository.git("checkout -q -b four");
  repository.put("e", "1");
  const std::string open = repository.commit("four");
  repository.git("update-ref refs/pull/4/head four");
  repository.git("update-ref refs/pull/5/head " + on_main);
  repository.git("update-ref refs/pull/1/head one");
  repository.git("checkout -q main");

  const auto pulls = pulls_of(repository);
  REQUIRE(pulls.size() == 5);
  CHECK(pulls.at(1).kind == MergeKind::kMerge);
  CHECK(pulls.at(1).base == on_main);
  CHECK(pulls.at(1).head == merge);
  CHECK(pulls.at(1).commits == std::vector<std::string>{first, second});
  CHECK(pulls.at(1).title == "The first one");
  CHECK(pulls.at(2).kind == MergeKind::kSquash);
  CHECK(pulls.at(2).base == merge);
  CHECK(pulls.at(2).head == squash);
  CHECK(pulls.at(3).kind == MergeKind::kRebase);
  CHECK(pulls.at(3).base == squash);
  CHECK(pulls.at(3).head == rebased);
  CHECK(pulls.at(3).commits.size() == 2);
  CHECK(pulls.at(4).kind == MergeKind::kUnmerged);
  CHECK(pulls.at(4).head == open);
  CHECK(pulls.at(5).kind == MergeKind::kUnplaced);
}

TEST_CASE("what a merge brought is told by ancestry, not by dates") {
  TestRepository repository;
  repository.put("a", "0");
  repository.commit("root");
  repository.git("checkout -q -b side");
  repository.put("b", "1");
  // Committed long before its own parent, if one believes it.
  shell(repository.folder.path, "git add -A . && GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' git commit -q -m 'of the side'");
  const std::string side = repository.git("rev-parse HEAD");
  repository.git("checkout -q main");
  std::string last;
  for (int i = 0; i < 20; ++i) {
    repository.put("a", std::to_string(i));
    last = repository.commit("main " + std::to_string(i));
  }
  repository.git("checkout -q side");
  repository.git("merge -q --no-ff -m \"Merge branch 'main' into side\" main");
  repository.git("checkout -q main");
  repository.git("merge -q --no-ff -m 'Merge pull request #1 from x/side' side");
  const auto pulls = pulls_of(repository);
  CHECK(pulls.at(1).base == last);
  CHECK(pulls.at(1).commits == std::vector<std::string>{side});
}

TEST_CASE("a merge that does not say what it merges is told by what it merges") {
  TestRepository repository;
  repository.put("a", "0");
  repository.commit("root");
  repository.git("checkout -q -b side");
  repository.put("b", "1");
  const std::string side = repository.commit("of the side");
  repository.git("update-ref refs/pull/7/head side");
  repository.git("checkout -q main");
  repository.put("a", "1");
  const std::string on_main = repository.commit("main");
  repository.git("merge -q --no-ff -m \"Merge branch 'side'\" side");
  const auto pulls = pulls_of(repository);
  CHECK(pulls.at(7).kind == MergeKind::kMerge);
  CHECK(pulls.at(7).base == on_main);
  CHECK(pulls.at(7).head == repository.git("rev-parse HEAD"));
  CHECK(pulls.at(7).commits == std::vector<std::string>{side});
}

TEST_CASE("the first of several commits with one number is the pull request") {
  TestRepository repository;
  repository.put("a", "0");
  repository.commit("root");
  repository.put("a", "1");
  const std::string first = repository.commit("A change (#1)");
  repository.put("b", "1");
  repository.commit("Another matter (#2)");
  repository.put("a", "2");
  repository.commit("Again a change (#1)");
  CHECK(pulls_of(repository).at(1).head == first);
}

TEST_CASE("a history with holes gives what it still has") {
  TestRepository repository;
  repository.put("a", "0");
  repository.commit("root");
  repository.put("a", "1");
  const std::string lost = repository.commit("Lost (#1)");
  repository.put("a", "2");
  repository.commit("On the edge (#2)");
  repository.put("a", "3");
  repository.commit("Whole (#3)");
  std::filesystem::remove(repository.folder.path / ".git/objects" / lost.substr(0, 2) / lost.substr(2));
  repository.git("update-ref refs/pull/4/head HEAD");
  std::ofstream(repository.folder.path / ".git/refs/pull/4/head") << std::string(40, 'a') << "\n";
  const History history = must(read_history(*must(GitRepository::open(repository.path()))));
  REQUIRE(history.pulls.size() == 3);
  CHECK(history.pulls[0].number == 2);
  CHECK(history.pulls[0].kind == MergeKind::kUnplaced);
  CHECK(history.pulls[1].kind == MergeKind::kSquash);
  CHECK(history.pulls[2].kind == MergeKind::kUnmerged);
  CHECK(history.scan.problem_count == 2);
}

}  // namespace assay
