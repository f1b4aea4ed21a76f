#include "synth/mine/patch.h"

#include <map>

#include "envs/base/rng.h"
#include "tests/synth/mine/repository.h"

namespace assay {
namespace {

using test::must;

std::string applied(const std::string& patch, const std::string& before) {
  const auto files = must(parse_patch(patch, "test"));
  REQUIRE(files.size() == 1);
  return must(apply_file_patch(files[0], before));
}

std::string failure(const std::string& patch) {
  const auto files = parse_patch(patch, "test");
  REQUIRE_FALSE(files.ok());
  return files.error().text();
}

constexpr auto kHunk = "--- a/x.py\n+++ b/x.py\n@@ -2,3 +2,3 @@ def f():\n b\n-c\n+C\n d\n";

}  // namespace

TEST_CASE("a hunk is applied where it stands, and where it has moved to") {
  CHECK(applied(kHunk, "a\nb\nc\nd\n") == "a\nb\nC\nd\n");
  CHECK(applied(kHunk, "new\nnew\nnew\na\nb\nc\nd\n") == "new\nnew\nnew\na\nb\nC\nd\n");
  CHECK(applied(kHunk, "b\nc\nd\n") == "b\nC\nd\n");
  // Of two places the nearer one.
  CHECK(applied(kHunk, "b\nc\nd\nx\nx\nx\nb\nc\nd\n") == "b\nC\nd\nx\nx\nx\nb\nc\nd\n");
}

TEST_CASE("a hunk whose lines are not there does not fit") {
  const auto file = must(parse_patch(kHunk, "test"))[0];
  const auto result = apply_file_patch(file, "a\nb\nd\n");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().text().find("hunk 1 does not fit") != std::string::npos);
  CHECK_FALSE(apply_file_patch(file, "a\nb\nc\nd").ok());   // white space and the last line feed are exact
  CHECK_FALSE(apply_file_patch(file, "a\nb \nc\nd\n").ok());
}

TEST_CASE("the last line's missing line feed is kept and changed") {
  CHECK(applied("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n", "a") == "a\n");
  CHECK(applied("--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n+a\n+b\n\\ No newline at end of file\n", "a\n") == "a\nb");
}

TEST_CASE("an empty file needs no hunks, even where its names are said") {
  for (const std::string names : {"", "--- /dev/null\n+++ b/empty\n"}) {
    const auto files = must(parse_patch("diff --git a/empty b/empty\nnew file mode 100644\nindex 0000000..e69de29\n" + names + "diff --git a/x b/x\n" + kHunk, "test"));
    REQUIRE(files.size() == 2);
    CHECK(files[0].is_new());
    CHECK(must(apply_file_patch(files[0], "")).empty());
    CHECK(files[1].hunks.size() == 1);
  }
}

TEST_CASE("patches that are none say where") {
  CHECK(failure("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n").find("test:4: malformed patch: it breaks off") == 0);
  CHECK(failure("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n-b\n+c\n").find("not as many") != std::string::npos);
  CHECK(failure("--- a/x\n+++ b/x\n@@ -one +1 @@\n-a\n+b\n").find("head of a hunk") != std::string::npos);
  CHECK(failure("--- a/x\n+++ b/x\n").find("without hunks") != std::string::npos);
}

TEST_CASE("paths that leave the tree or enter .git are refused") {
  for (const char* path : {"../x", "a/../../x", "/etc/passwd", ".git/config", "a/.GIT/hooks/x", "a//x", "./x"}) {
    const std::string name = path;
    INFO(name);
    CHECK_FALSE(parse_patch("diff --git a/" + name + " b/" + name + "\nnew file mode 100644\n--- /dev/null\n+++ b/" + name + "\n@@ -0,0 +1 @@\n+x\n", "test").ok());
  }
}

TEST_CASE("what a patch comes to is said file by file") {
  const std::map<std::string, std::string> tree{{"a", "1\n2\n"}, {"b", "old\n"}, {"c", "c\n"}};
  const auto read = [&](const std::string& path) -> std::optional<std::string> {
    const auto it = tree.find(path);
    return it == tree.end() ? std::nullopt : std::optional(it->second);
  };
  const std::string patch =
      "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-1\n+one\n 2\n"
      "diff --git a/b b/b\ndeleted file mode 100644\n--- a/b\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n"
      "diff --git a/c b/d/e\nold mode 100644\nnew mode 100755\nsimilarity index 100%\nrename from c\nrename to d/e\n"
      "diff --git a/f b/f\nnew file mode 100644\n";
  const auto files = must(apply_patch(patch, "test", read));
  REQUIRE(files.size() == 5);
  CHECK(files[0].path == "a");
  CHECK(files[0].bytes == "one\n2\n");
  CHECK_FALSE(files[1].bytes);
  CHECK(files[2].path == "c");
  CHECK_FALSE(files[2].bytes);
  CHECK(files[3].path == "d/e");
  CHECK(files[3].bytes == "c\n");
  CHECK(files[3].mode == 0100755);
  CHECK(files[4].bytes == "");
  CHECK_FALSE(apply_patch("diff --git a/z b/z\n--- a/z\n+++ b/z\n@@ -1 +1 @@\n-1\n+2\n", "test", read).ok());
  CHECK_FALSE(apply_patch("diff --git a/a b/a\nnew file mode 100644\n--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+2\n", "test", read).ok());
}

TEST_CASE("any change that git writes down is read, applied and written again") {
  // Lines, whole files, modes, links, binary content, and names that need quotes; with and without renames.
  const uint64_t seed = 11;
  Rng rng(seed, "patch");
  const std::vector<std::string> names{"a.py", "dir/b.txt", "with space", "tab\there", "line\nfeed", "quote\"", "\xc3\xa9", "\xff\xfe", "back\\slash", "z/b/b"};
  const auto content = [&] {
    std::string out;
    const uint64_t lines = rng.below(30), bad = rng.below(6);
    for (uint64_t i = 0; i < lines; ++i) out += std::to_string(rng.below(6)) + (rng.below(9) == 0 ? "\r\n" : "\n");
    if (bad == 0) out += std::string("\0\xff\x01", 3) + std::to_string(rng.below(1000));
    if (bad == 1 && !out.empty()) out.pop_back();
    return out;
  };
  for (int round = 0; round < 12; ++round) {
    INFO("seed " << seed << ", round " << round);
    test::TestRepository repository;
    for (const std::string& name : names)
      if (rng.below(4) > 0) repository.put(name, content());
    const std::string base = repository.commit("base");
    std::map<std::string, std::string> before, after;
    const auto tree = [&](std::map<std::string, std::string>& to) {
      for (const std::string& name : names)
        if (std::filesystem::is_regular_file(repository.folder.path / name)) to[name] = test::file_text(repository.folder.path / name);
    };
    tree(before);
    for (const std::string& name : names) {
      const auto file = repository.folder.path / name;
      switch (rng.below(4)) {
        case 0: std::filesystem::remove(file); break;
        case 1: repository.put(name, content()); break;
        case 2:
          if (before.count(name)) repository.put(name, before[name] + "one more\n");
          break;
        default: break;
      }
    }
    const std::string head = repository.commit("head");
    tree(after);
    for (const char* flags : {"--no-renames", "-M -C"}) {
      const std::string patch = test::shell(repository.folder.path, "git diff --binary " + std::string(flags) + " " + base + " " + head);
      const auto files = must(parse_patch(patch, "git"));
      CHECK(patch_text(must(parse_patch(patch_text(files), "again"))) == patch_text(files));
      const auto read = [&](const std::string& path) { return before.count(path) ? std::optional(before[path]) : std::nullopt; };
      std::map<std::string, std::string> result = before;
      for (const PatchedFile& file : must(apply_patch(patch_text(files), "written", read))) {
        result.erase(file.path);
        if (file.bytes) result[file.path] = *file.bytes;
      }
      CHECK(result == after);
      // And git reads what we write.
      repository.git("checkout -q " + base);
      if (!files.empty()) {
        repository.put(".git/OURS", patch_text(files));
        repository.git("apply --index --whitespace=nowarn .git/OURS");
      }
      CHECK(repository.git("write-tree") == repository.git("rev-parse " + head + "^{tree}"));
      repository.git("reset -q --hard main");
    }
  }
}

TEST_CASE("a delta of git's copies pieces of 64 KiB") {
  Rng rng(7, "binary");
  std::string before;
  while (before.size() < 300'000) before += static_cast<char>(rng.below(256));
  const std::string after = "in front" + before + "behind";
  test::TestRepository repository;
  repository.put("image", before);
  repository.commit("base");
  repository.put("image", after);
  repository.commit("head");
  const std::string patch = test::shell(repository.folder.path, "git diff --binary HEAD~1 HEAD");
  REQUIRE(patch.find("delta ") != std::string::npos);
  CHECK(applied(patch, before) == after);
  CHECK_FALSE(apply_file_patch(must(parse_patch(patch, "test"))[0], before + "x").ok());
}

TEST_CASE("no bytes at all break the parser") {
  const uint64_t seed = 5;
  Rng rng(seed, "fuzz");
  const std::string good = std::string("diff --git a/x b/x\nindex 0000000000000000000000000000000000000000..e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\nGIT binary patch\n"
                                       "literal 0\nHcmV?d00001\n\n") + kHunk + "\\ No newline at end of file\n";
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (uint64_t changes = 1 + rng.below(4); changes > 0; --changes) {
      const size_t at = rng.below(bytes.size());
      if (rng.below(3) == 0) bytes.erase(at, rng.below(20));
      else bytes[at] = static_cast<char>(rng.below(256));
      if (bytes.empty()) bytes = "@";
    }
    const auto files = parse_patch(bytes, "fuzz");
    refused += !files.ok();
    if (!files.ok()) continue;
    CHECK(patch_text(must(parse_patch(patch_text(*files), "again"))) == patch_text(*files));
    for (const FilePatch& file : *files) (void)apply_file_patch(file, "a\nb\nc\nd\n").ok();
  }
  CHECK(refused > 1'000);
}

}  // namespace assay
