#include "synth/mine/split.h"

#include "synth/mine/git_repository.h"
#include "synth/mine/rust_tests.h"
#include "tests/synth/mine/repository.h"

namespace assay {
namespace {

using test::must;

constexpr auto kBefore = R"(//! A library.
pub fn add(a: i32, b: i32) -> i32 {
    a - b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing() {
        assert_eq!(add(0, 0), 0);
    }
}
)";

constexpr auto kAfter = R"(//! A library.
pub fn add(a: i32, b: i32) -> i32 {
    a + b
}

pub fn twice(a: i32) -> i32 {
    add(a, a)
}

#[cfg(test)]
mod tests {
    use super::{add, twice};

    #[test]
    fn nothing() {
        assert_eq!(add(0, 0), 0);
    }

    #[test]
    fn sums() {
        assert_eq!(twice(2), 4);
    }
}
)";

}  // namespace

TEST_CASE("in-file tests of Rust are the outermost items under cfg(test)") {
  CHECK(rust_test_lines(kBefore) == std::vector<LineRange>{{6, 14}});
  CHECK(rust_test_lines("#[cfg(test)]\nmod tests;\nfn a() {}\n") == std::vector<LineRange>{{1, 2}});
  CHECK(rust_test_lines("#[allow(x)]\n#[cfg( all(test, unix) )]\nfn t() {\n}\nfn a() {}\n") == std::vector<LineRange>{{1, 4}});
  CHECK(rust_test_lines("fn a() {\n    #[cfg(test)]\n    let x = 1;\n}\n").empty());
  CHECK(rust_test_lines("#[cfg(not(test))]\nmod a {}\n").empty());
  // Braces that are none.
  CHECK(rust_test_lines("const A: &str = \"{\\\"{\";\nconst B: char = '{';\n/* { /* { */ */ // {\nconst C: &str = r#\"{\"{\"#;\nfn f<'a>(x: &'a str) {}\n#[cfg(test)]\nmod t {\n}\n") ==
        std::vector<LineRange>{{6, 8}});
  CHECK(rust_test_lines("\"").empty());
  CHECK(rust_test_lines("#[").empty());
  CHECK(rust_test_lines("r#\"").empty());
}

TEST_CASE("a judge's in-file tests replace those that an agent left") {
  const std::string left = "pub fn add() {}\n#[cfg(test)]\nmod tests {\n    // nothing left\n}\npub fn more() {}\n";
  CHECK(with_rust_tests_of(left, kAfter) == "pub fn add() {}\npub fn more() {}\n" + std::string(kAfter).substr(std::string(kAfter).find("#[cfg(test)]")));
  CHECK(with_rust_tests_of("fn a() {}", "fn b() {}\n") == "fn a() {}\n");
}

TEST_CASE("a change is split by path, and inside of Rust files by line") {
  test::TestRepository repository;
  repository.put("src/lib.rs", kBefore);
  repository.put("src/contest.py", "1\n");
  repository.put("tests/a.rs", "1\n");
  const std::string base = repository.commit("base");
  repository.put("src/lib.rs", kAfter);
  repository.put("src/contest.py", "2\n");
  repository.put("tests/a.rs", "2\n");
  repository.put("tests/data.bin", std::string("\0\1", 2));
  const std::string head = repository.commit("head");
  const auto git = must(GitRepository::open(repository.path()));
  const auto reader = [&](const std::string& commit) { return [&git, commit](const std::string& path) { return must(git->read(commit, path)); }; };
  const SplitChange split = split_change(must(parse_patch(must(git->diff(base, head)), "diff")), reader(base), reader(head));
  std::vector<std::string> gold, tests;
  for (const FilePatch& file : split.gold) gold.push_back(file.path());
  for (const FilePatch& file : split.tests) tests.push_back(file.path());
  CHECK(gold == std::vector<std::string>{"src/contest.py", "src/lib.rs"});
  CHECK(tests == std::vector<std::string>{"src/lib.rs", "tests/a.rs", "tests/data.bin"});
  CHECK(patch_text(split.gold).find("sums") == std::string::npos);
  CHECK(patch_text(split.tests).find("a + b") == std::string::npos);

  // Each fits the base alone; both together, in either order, are the head.
  const auto apply = [&](const std::string& patch, std::map<std::string, std::string> tree) {
    for (const PatchedFile& file : must(apply_patch(patch, "part", [&](const std::string& path) { return tree.count(path) ? std::optional(tree[path]) : std::nullopt; })))
      tree[file.path] = *file.bytes;
    return tree;
  };
  std::map<std::string, std::string> before, after;
  for (const TreeEntry& entry : must(git->list(base))) before[entry.path] = *must(git->read(base, entry.path));
  for (const TreeEntry& entry : must(git->list(head))) after[entry.path] = *must(git->read(head, entry.path));
  CHECK(apply(patch_text(split.tests), apply(patch_text(split.gold), before)) == after);
  CHECK(apply(patch_text(split.gold), apply(patch_text(split.tests), before)) == after);
  repository.git("checkout -q " + base);
  for (const auto* part : {&split.tests, &split.gold}) {
    repository.put(".git/PART", patch_text(*part));
    repository.git("apply --index .git/PART");
  }
  CHECK(repository.git("write-tree") == repository.git("rev-parse " + head + "^{tree}"));
}

TEST_CASE("tests appended with the function that they test are still told apart") {
  const std::string base = "fn a() {}\n", head = "fn a() {}\n\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n    fn t() { super::b() }\n}\n";
  const auto files = must(parse_patch("--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1 +1,8 @@\n fn a() {}\n+\n+fn b() {}\n+\n+#[cfg(test)]\n+mod tests {\n+    fn t() { super::b() }\n+}\n", "p"));
  const SplitChange split = split_change(files, [&](const std::string&) { return base; }, [&](const std::string&) { return head; });
  REQUIRE(split.gold.size() == 1);
  REQUIRE(split.tests.size() == 1);
  CHECK(must(apply_file_patch(split.gold[0], base)) == "fn a() {}\n\nfn b() {}\n\n");
  CHECK(must(apply_file_patch(split.tests[0], base)) == "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn t() { super::b() }\n}\n");
  CHECK(must(apply_file_patch(split.gold[0], must(apply_file_patch(split.tests[0], base)))) == head);
}

}  // namespace assay
