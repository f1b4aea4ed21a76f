#include "synth/mine/git_repository.h"

#include <set>

#include "synth/mine/patch.h"
#include "tests/synth/mine/repository.h"

namespace assay {
namespace {

namespace fs = std::filesystem;
using test::must;
using test::shell;
using test::one_line;
using test::TestRepository;

std::unique_ptr<GitRepository> opened(const TestRepository& repository) { return must(GitRepository::open(repository.path())); }

std::map<std::string, std::string> reasons(const std::vector<GitNote>& notes) {
  std::map<std::string, std::string> out;
  for (const GitNote& note : notes) out[note.subject] = note.reason;
  return out;
}

// A commit whose tree has exactly these entries, as `git mktree` takes them; it writes what no checkout would.
std::string raw_commit(const TestRepository& repository, const std::string& entries) {
  repository.put(".git/ENTRIES", entries);
  const std::string tree = repository.git("mktree --missing < .git/ENTRIES");
  return repository.git("commit-tree -m raw " + tree);
}

std::string blob(const TestRepository& repository, const std::string& bytes) {
  repository.put(".git/BYTES", bytes);
  return repository.git("hash-object -w .git/BYTES");
}

}  // namespace

TEST_CASE("a history is scanned once for each commit, whatever its dates say") {
  TestRepository repository;
  std::set<std::string> made;
  repository.put("a", "1");
  made.insert(repository.commit("first"));
  repository.git("checkout -q -b side");
  repository.put("b", "1");
  made.insert(repository.commit("on the side"));
  repository.git("checkout -q main");
  repository.put("a", "2");
  made.insert(repository.commit("second"));
  shell(repository.folder.path, "GIT_COMMITTER_DATE='2001-01-01T00:00:00Z' git merge -q --no-ff -m 'Merge pull request #7 from x/side' side");
  made.insert(repository.git("rev-parse HEAD"));
  const auto git = opened(repository);
  std::multiset<std::string> seen;
  Commit merge;
  const auto visit = [&](const Commit& commit) -> Status {
    seen.insert(commit.id);
    if (commit.parents.size() == 2) merge = commit;
    return {};
  };
  const Scan scan = must(git->scan({must(git->resolve("HEAD")), must(git->resolve("side"))}, visit));
  CHECK(std::multiset<std::string>(made.begin(), made.end()) == seen);
  CHECK(scan.commits == 4);
  CHECK(scan.problem_count == 0);
  CHECK(merge.message == "Merge pull request #7 from x/side\n");
  CHECK(merge.author == "Ada");
  CHECK(merge.committed_s == 978'307'200);
  CHECK(merge.parents[1] == must(git->resolve("side")));
  repository.git("remote add origin git@github.com:ada/engine.git");
  CHECK(opened(repository)->name() == "ada/engine");
  CHECK_FALSE(git->resolve("nothing").ok());
}

TEST_CASE("references of pull requests are listed, packed or not") {
  TestRepository repository;
  repository.put("a", "1");
  const std::string id = repository.commit("first");
  repository.git("update-ref refs/pull/1/head " + id);
  repository.git("pack-refs --all");
  repository.git("update-ref refs/pull/2/head " + id);
  const auto references = must(opened(repository)->references("refs/pull/"));
  REQUIRE(references.size() == 2);
  CHECK(references[0].name == "refs/pull/1/head");
  CHECK(references[1].name == "refs/pull/2/head");
  CHECK(references[1].commit == id);
}

TEST_CASE("a difference is the patch that git applies, binary files, strange names and bytes among it") {
  TestRepository repository;
  repository.put("text.py", "a\nb\nc\n");
  repository.put("latin.txt", "caf\xe9\n");
  repository.put("image.bin", std::string("\0\1\2\3", 4));
  repository.put("gone\nwith a line feed", "x\n");
  repository.put("no utf-8 \xff", "x\n");
  fs::create_symlink("text.py", repository.folder.path / "link");
  const std::string base = repository.commit("base");
  repository.put("text.py", "a\nB\nc");
  repository.put("latin.txt", "caf\xe9s\n");
  repository.put("image.bin", std::string("\0\1\2\3\4\5", 6) + std::string(5000, 'z'));
  fs::remove(repository.folder.path / "gone\nwith a line feed");
  repository.put("no utf-8 \xff", "y\n");
  fs::remove(repository.folder.path / "link");
  repository.put("link", "a file now\n");
  shell(repository.folder.path, "chmod +x text.py");
  const std::string head = repository.commit("head");
  const std::string patch = must(opened(repository)->diff(base, head));
  CHECK(Json(patch).dump().size() > 0);   // well-formed UTF-8, else it throws
  repository.git("checkout -q " + base);
  repository.put(".git/PATCH", patch);
  repository.git("apply --index --whitespace=nowarn .git/PATCH");
  CHECK(repository.git("write-tree") == repository.git("rev-parse " + head + "^{tree}"));
  // The same through our own patches.
  repository.git("reset -q --hard " + base);
  repository.put(".git/PATCH", patch_text(must(parse_patch(patch, "diff"))));
  repository.git("apply --index --whitespace=nowarn .git/PATCH");
  CHECK(repository.git("write-tree") == repository.git("rev-parse " + head + "^{tree}"));
}

TEST_CASE("a difference that is too large is named so") {
  TestRepository repository;
  repository.put("a", "1\n");
  const std::string base = repository.commit("base");
  repository.put("a", std::string(5000, 'x'));
  repository.put("b", "2\n");
  const std::string head = repository.commit("head");
  const auto git = opened(repository);
  for (const DiffLimits& limits : {DiffLimits{.files = 1}, DiffLimits{.bytes = 1000}}) {
    const auto patch = git->diff(base, head, limits);
    REQUIRE_FALSE(patch.ok());
    CHECK(git_reason(patch.error()) == "too_large");
  }
  CHECK(git->diff(base, head).ok());
}

TEST_CASE("files are listed and read at a commit") {
  TestRepository repository;
  repository.put("src/a.py", "print(1)\n");
  repository.put("LICENSE", "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy …\n"
                            "The above copyright notice and this permission notice shall be included …\n");
  const std::string id = repository.commit("first");
  const auto git = opened(repository);
  const auto files = must(git->list(id));
  REQUIRE(files.size() == 2);
  CHECK(files[1].path == "src/a.py");
  CHECK(files[1].mode == 0100644);
  CHECK(files[1].id == git_blob_id("print(1)\n"));
  CHECK(must(git->read(id, "src/a.py")) == "print(1)\n");
  CHECK_FALSE(must(git->read(id, "src")));
  CHECK_FALSE(must(git->read(id, "src/b.py")));
  CHECK_FALSE(must(git->read(id, "src/a.py/c")));
  CHECK_FALSE(must(git->read(id, "")));
  CHECK_FALSE(git->read(id, "src/a.py", 3).ok());
  CHECK(must(git->licence(id)) == "MIT");
}

TEST_CASE("a tree is written as it is, and what cannot be is named") {
  TestRepository repository;
  const std::string text = blob(repository, "text\n");
  const std::string lfs = blob(repository, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
  const std::string inside = blob(repository, "sub/file"), outside = blob(repository, "../../etc/passwd"), absolute = blob(repository, "/etc/passwd");
  const std::string folded = blob(repository, "sub/../../x"), up = blob(repository, "../a"), home = blob(repository, ".");
  repository.put(".git/ENTRIES", "100755 blob " + text + "\tfile\n120000 blob " + up + "\tup\n120000 blob " + outside + "\tout\n");
  const std::string sub = repository.git("mktree < .git/ENTRIES");
  const std::string id = raw_commit(repository,
      "100644 blob " + text + "\ta\n100644 blob " + text + "\t\"line\\nfeed\"\n100644 blob " + text + "\t\"bad\\377\"\n100644 blob " + lfs + "\tlarge.bin\n" +
      "120000 blob " + inside + "\tlink\n120000 blob " + outside + "\tout\n120000 blob " + absolute + "\tabsolute\n120000 blob " + folded + "\tfolded\n120000 blob " +
      home + "\thome\n040000 tree " + sub + "\tsub\n160000 commit " + std::string(40, '1') + "\tmodule\n");
  test::Folder folder;
  const fs::path out = folder.path / "tree";
  const auto git = opened(repository);
  const WrittenTree written = must(git->write_tree(id, out.string()));
  CHECK(reasons(written.notes) == std::map<std::string, std::string>{{"absolute", "symlink_leaves_tree"}, {"folded", "symlink_leaves_tree"}, {"large.bin", "lfs_pointer"},
                                                                    {"module", "submodule"}, {"out", "symlink_leaves_tree"}, {"sub/out", "symlink_leaves_tree"}});
  CHECK(test::file_text(out / "line\nfeed") == "text\n");
  CHECK(test::file_text(out / "bad\xff") == "text\n");
  CHECK(test::file_text(out / "link") == "text\n");
  CHECK(fs::read_symlink(out / "sub/up") == "../a");
  CHECK(fs::is_empty(out / "module"));
  CHECK_FALSE(fs::exists(fs::symlink_status(out / "out")));
  CHECK((fs::status(out / "sub/file").permissions() & fs::perms::owner_exec) != fs::perms::none);
  CHECK_FALSE(git->write_tree(id, out.string()).ok());   // not empty any more
  const auto small = git->write_tree(id, (folder.path / "small").string(), {.files = 3});
  REQUIRE_FALSE(small.ok());
  CHECK(git_reason(small.error()) == "too_large");
}

TEST_CASE("a tree with names that no tree may have cannot write outside of its folder") {
  TestRepository repository;
  const std::string text = blob(repository, "text\n"), away = blob(repository, "sub");
  // `git mktree` refuses such names, so the trees are put together by hand.
  const auto raw_tree = [&](const std::vector<std::array<std::string, 3>>& entries) {
    std::string bytes;
    for (const auto& [mode, name, object] : entries) {
      bytes += mode + " " + name + std::string(1, '\0');
      for (size_t i = 0; i < 40; i += 2) bytes += static_cast<char>(std::stoi(object.substr(i, 2), nullptr, 16));
    }
    repository.put(".git/TREE", bytes);
    return repository.git("hash-object -w -t tree --literally .git/TREE");
  };
  const std::string sub = raw_tree({{"100644", "x", text}});
  const std::string tree = raw_tree({{"40000", "..", sub}, {"40000", ".git", sub}, {"100644", "../up", text}, {"100644", "a", text}, {"120000", "d", away}, {"40000", "d", sub}});
  const std::string id = repository.git("commit-tree -m raw " + tree);
  test::Folder folder;
  const WrittenTree written = must(opened(repository)->write_tree(id, (folder.path / "in/tree").string()));
  CHECK(reasons(written.notes) == std::map<std::string, std::string>{{"..", "forbidden_name"}, {".git", "forbidden_name"}, {"../up", "forbidden_name"}, {"d", "duplicate_name"}});
  CHECK(one_line(shell(folder.path, "find . | sort | tr '\\n' ' '")) == ". ./in ./in/tree ./in/tree/a ./in/tree/d ");
}

TEST_CASE("a repository is written as one commit without parents, of exactly its tree, the same every time") {
  TestRepository repository;
  repository.put("a.py", "1\n");
  repository.put("secret.py", "the fix\n");
  repository.commit("first");
  fs::remove(repository.folder.path / "secret.py");
  repository.put("sub/b.sh", "2\n");
  shell(repository.folder.path, "chmod +x sub/b.sh");
  fs::create_symlink("/etc/passwd", repository.folder.path / "out");
  const std::string id = repository.commit("second");
  const auto git = opened(repository);
  test::Folder folder;
  const WrittenTree one = must(git->write_repository(id, (folder.path / "one").string(), "The tree to start from", 1));
  const WrittenTree two = must(git->write_repository(id, (folder.path / "two").string(), "The tree to start from", 1));
  CHECK(one.commit == two.commit);
  const fs::path made = folder.path / "one";
  CHECK(shell(made, "git rev-list --all --reflog") == one.commit + "\n");
  CHECK(shell(made, "git status --porcelain").empty());
  CHECK(shell(made, "git rev-parse HEAD^{tree}") == one.tree + "\n");
  CHECK(shell(made, "git ls-files") == "a.py\nsub/b.sh\n");
  CHECK(shell(made, "git fsck --strict 2>&1").find("error") == std::string::npos);
  CHECK(shell(folder.path, "diff -r one two -x index && echo same") == "same\n");
  std::set<std::string> blobs;
  must(must(GitRepository::open(made.string()))->visit_blobs(1 << 20, [&](const std::string&, std::string_view content) { return blobs.insert(std::string(content)), Status(); }));
  CHECK(blobs == std::set<std::string>{"1\n", "2\n"});
}

TEST_CASE("a repository that has lost objects still shows the others") {
  TestRepository repository;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    repository.put("a", std::to_string(i));
    ids.push_back(repository.commit("commit " + std::to_string(i)));
  }
  const auto object = [&](const std::string& id) { return repository.folder.path / ".git/objects" / id.substr(0, 2) / id.substr(2); };
  fs::remove(object(ids[1]));
  const std::string broken = git_blob_id("4");
  shell(repository.folder.path, "chmod +w '" + object(broken).string() + "' && echo broken > '" + object(broken).string() + "'");
  const auto git = opened(repository);
  const Scan scan = must(git->scan({ids[4]}, [](const Commit&) { return Status(); }));
  CHECK(scan.commits == 3);
  REQUIRE(scan.problems.size() == 1);
  CHECK(scan.problems[0].subject == ids[1]);
  CHECK(scan.problems[0].reason == "missing_object");
  const auto lost = git->diff(ids[1], ids[2]);
  REQUIRE_FALSE(lost.ok());
  CHECK(git_reason(lost.error()) == "missing_object");
  const auto corrupt = git->diff(ids[3], ids[4]);
  REQUIRE_FALSE(corrupt.ok());
  CHECK(git_reason(corrupt.error()) == "corrupt_object");
  CHECK(git->diff(ids[2], ids[3]).ok());
  const Scan blobs = must(git->visit_blobs(1 << 20, [](const std::string&, std::string_view) { return Status(); }));
  REQUIRE(blobs.problems.size() == 1);
  CHECK(blobs.problems[0].subject == broken);
}

TEST_CASE("what is no repository is named so") {
  test::Folder folder;
  const auto nothing = GitRepository::open(folder.path.string());
  REQUIRE_FALSE(nothing.ok());
  CHECK(git_reason(nothing.error()) == "not_a_repository");
  TestRepository repository;   // a repository above is not taken for it
  fs::create_directory(repository.folder.path / "below");
  CHECK_FALSE(GitRepository::open((repository.folder.path / "below").string()).ok());
}

TEST_CASE("messages in other encodings become well-formed text") {
  TestRepository repository;
  repository.put("a", "1");
  repository.git("config i18n.commitEncoding ISO-8859-1");
  const std::string latin = repository.commit("caf\xe9");
  // git itself would mend it.
  const std::string broken = one_line(shell(repository.folder.path, "git cat-file commit HEAD | grep -av '^encoding' | git hash-object -t commit -w --literally --stdin"));
  const auto git = opened(repository);
  CHECK(must(git->commit(latin)).message == "caf\xc3\xa9");
  CHECK(must(git->commit(broken)).message == "caf\xEF\xBF\xBD\n");
}

}  // namespace assay
