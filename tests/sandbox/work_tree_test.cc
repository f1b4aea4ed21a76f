// The tools of an episode over a real tree in the real sandbox, and the patch that it leaves.
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "envs/database.h"
#include "envs/toolset.h"
#include "envs/work_tree.h"
#include "sandbox/backend.h"

using namespace assay;
namespace fs = std::filesystem;

namespace {

void shell(const std::string& commands) {
  if (std::system(("set -e; " + commands).c_str()) != 0) FAIL(commands);
}

// A small repository of one commit, as a layer.
struct Fixture {
  std::unique_ptr<Executor> executor;
  TreeSource source;
  fs::path folder;

  Fixture() {
    auto made = make_executor("native");
    if (!made.ok()) {
      std::printf("skipped: sandbox native: %s\n", made.error().text().c_str());
      return;
    }
    executor = std::move(*made);
    char name[] = "/tmp/assay_tree_XXXXXX";
    folder = mkdtemp(name);
    shell("cd " + folder.string() + R"(; mkdir -p repo/src repo/tests repo/old; cd repo
printf 'one\ntwo\nthree\n' > src/a.txt; printf 'x = 1\n' > tests/test_a.py; printf '\000\001\002' > data.bin; printf 'caf\351\n' > latin.txt
printf '*.o\nbuild/\n' > .gitignore; printf '#!/bin/sh\necho hi\n' > run.sh; chmod +x run.sh; printf 'a\r\nb\r\n' > crlf.txt; echo gone > old/gone.txt; echo p > plain
ln -s src/a.txt link
git init -q; git add -A; GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z git -c user.name=a -c user.email=a@a commit -qm base)");
    source.layers = {executor->add_layer((folder / "repo").string(), "work/repo").value()};
    source.excluded = {"tests/test_a.py"};
  }
  ~Fixture() {
    if (!folder.empty()) fs::remove_all(folder);
  }

  std::string run(WorkTree& tree, const std::string& commands) {
    RunRequest request{.argv = {"/bin/sh", "-c", commands}};
    auto result = tree.run(request);
    if (!result.ok()) FAIL(result.error().text());
    return result->out.text() + result->err.text();
  }
  std::string patch_after(const std::string& commands) {
    WorkTree tree(executor.get(), source);
    run(tree, commands);
    auto patch = tree.patch();
    if (!patch.ok()) FAIL(patch.error().text());
    CHECK(patch->refused == "");
    return patch->text;
  }
  // What the tree is after the patch, by git itself on the host.
  std::string applied(const std::string& patch, const std::string& question) {
    const fs::path copy = folder / "copy";
    fs::remove_all(copy);
    shell("cp -a " + (folder / "repo").string() + " " + copy.string());
    if (!write_file((folder / "p.patch").string(), patch).ok()) FAIL("write");
    shell("cd " + copy.string() + " && git apply ../p.patch && (" + question + ") > ../answer 2>&1 || true");
    return read_file((folder / "answer").string()).value();
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the patch of a tree says every kind of change, and git applies it") {
  Fixture f;
  if (!f.executor) return;
  const std::string patch = f.patch_after(R"(printf 'one\n2\nthree\n' > src/a.txt; printf '\000\002' > data.bin; chmod -x run.sh; rm -r old; rm plain; mkdir plain; echo q > plain/q
printf 'a\r\nc\r\n' > crlf.txt; ln -sf run.sh link; mkdir -p new; printf 'no end' > 'new/with space'; printf '#!/bin/sh\n' > tool; chmod +x tool)");
  CHECK(has(patch, "diff --git a/src/a.txt b/src/a.txt\n"));
  CHECK(has(patch, "-two\n+2\n"));
  CHECK(has(patch, "GIT binary patch"));
  CHECK(has(patch, "old mode 100755\nnew mode 100644"));
  CHECK(f.applied(patch, "cat src/a.txt; od -An -tx1 data.bin; test -x run.sh || echo plain mode; ls old plain; cat crlf.txt | od -An -c; readlink link; cat 'new/with space'; test -x tool && echo runs") ==
        "one\n2\nthree\n 00 02\nplain mode\nls: cannot access 'old': No such file or directory\nplain:\nq\n   a  \\r  \\n   c  \\r  \\n\nrun.sh\nno endruns\n");
  CHECK(f.patch_after("true") == "");
}

TEST_CASE("tests, ignored files and the repository itself are no part of a patch") {
  Fixture f;
  if (!f.executor) return;
  CHECK(f.patch_after("echo 'x = 2' > tests/test_a.py; echo o > src/a.o; mkdir build; echo b > build/b; echo c > .git/config; mkdir -p sub/.git; echo h > sub/.git/HEAD") == "");
  // What is tracked is not ignored, and what the agent ignores is not either.
  const std::string patch = f.patch_after("echo '*' > .gitignore; echo n > note");
  CHECK(has(patch, "b/note"));
  CHECK(has(patch, "b/.gitignore"));
}

TEST_CASE("no configuration of the agent's takes part in its patch") {
  Fixture f;
  if (!f.executor) return;
  const std::string honest = f.patch_after("echo 4 >> src/a.txt");
  CHECK(has(honest, "+4\n"));
  CHECK(f.patch_after(R"(echo 4 >> src/a.txt; git config diff.external /work/repo/run.sh; git config core.fsmonitor /work/repo/run.sh; git config core.worktree /tmp
git add -A; git -c user.name=a -c user.email=a@a commit -qm mine; rm -rf .git/refs .git/objects; mkdir -p "$HOME/.config/git"; printf '[core]\n\tautocrlf = true\n' > "$HOME/.gitconfig")") == honest);
  const std::string attributes = f.patch_after(R"(echo 4 >> src/a.txt; printf '* filter=evil text eol=crlf ident working-tree-encoding=UTF-16\n' > .gitattributes)");
  CHECK(has(attributes, honest.substr(honest.find("@@"))));
}

TEST_CASE("a patch is UTF-8 whatever is in the files, and too much of it is refused") {
  Fixture f;
  if (!f.executor) return;
  const std::string patch = f.patch_after("printf 'th\\351\\n' > latin.txt");
  CHECK(has(patch, "GIT binary patch"));
  CHECK(f.applied(patch, "od -An -tx1 latin.txt") == " 74 68 e9 0a\n");
  WorkTree large(f.executor.get(), f.source);
  f.run(large, "head -c 9000000 /dev/urandom > large");
  CHECK(has(large.patch().value().refused, "over the limit of"));
  CHECK(large.patch().value().text == "");
  WorkTree locked(f.executor.get(), f.source);
  f.run(locked, "echo s > secret; chmod 000 secret");
  CHECK(has(locked.patch().value().refused, "cannot be read"));
}

TEST_CASE("the tools of an episode share one tree, and the next episode finds it as it was") {
  Fixture f;
  if (!f.executor) return;
  const auto text = [](std::initializer_list<const char*> names) {
    Json properties = Json::object();
    for (const char* name : names) properties[name] = {{"type", "string"}};
    return Json{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  };
  Json read = text({"path"});
  read["properties"]["first_line"] = read["properties"]["lines"] = {{"type", "integer"}};
  Environment parts;
  parts.domain = "repair";
  parts.tools = {{.name = "bash", .kind = "bash", .parameters = text({"command"}), .body = {{"parameter", "command"}, {"call_ms", 5000}, {"calls", 5}, {"environment", {{"COLOUR", "red"}}}}},
                 {.name = "read_file", .kind = "read_file", .parameters = read, .body = {{"lines", 2}}},
                 {.name = "edit_file", .kind = "edit_file", .parameters = text({"path", "old", "new"}), .body = Json::object()},
                 {.name = "search", .kind = "search_files", .parameters = text({"pattern", "path"}), .body = {{"lines", 2}}}};
  const auto environment = finish_environment(std::move(parts)).value();
  ToolSession session;
  session.executor = f.executor.get();
  session.tree = f.source;
  const auto tools = Toolset::open(environment, Database::build(environment->tables).value(), std::move(session)).value();
  const auto call = [&](const char* tool, const Json& arguments) {
    auto result = tools->call(tool, arguments.dump());
    if (!result.ok()) FAIL(result.error().text());
    return *result;
  };
  CHECK(keeps_state(*environment));
  CHECK(runs_programs(*environment));
  CHECK(call("read_file", {{"path", "src/a.txt"}}).text == "1\tone\n2\ttwo\n[1 more lines, to line 3]\n");
  CHECK(call("read_file", {{"path", "/work/repo/src/a.txt"}, {"first_line", 3}}).text == "3\tthree\n");
  CHECK(has(call("read_file", {{"path", "data.bin"}}).text, "no text"));
  CHECK(has(call("read_file", {{"path", "nothing"}}).text, "no file 'nothing'"));
  CHECK(has(call("read_file", {{"path", "src"}}).text, "directory"));
  CHECK(call("search", {{"pattern", "^t[wh]"}, {"path", "src"}}).text == "src/a.txt:2:two\nsrc/a.txt:3:three\n");
  CHECK(call("search", {{"pattern", "e"}, {"path", "src/a.txt"}}).text == "src/a.txt:1:one\nsrc/a.txt:3:three\n");
  CHECK(call("search", {{"pattern", "zebra"}}).text == "[no line matches]");
  CHECK(call("search", {{"pattern", "("}}).error);
  CHECK(call("edit_file", {{"path", "src/a.txt"}, {"old", "two"}, {"new", "2"}}).text == "[replaced]");
  CHECK(has(call("edit_file", {{"path", "src/a.txt"}, {"old", "e"}, {"new", ""}}).text, "3 times"));
  CHECK(has(call("edit_file", {{"path", "src/a.txt"}, {"old", ""}, {"new", "x"}}).text, "exists already"));
  CHECK(has(call("edit_file", {{"path", "data.bin"}, {"old", ""}, {"new", "x"}}).text, "no text"));
  CHECK(call("edit_file", {{"path", "run.sh"}, {"old", "hi"}, {"new", "ho"}}).text == "[replaced]");
  CHECK(call("edit_file", {{"path", "made/here/b.txt"}, {"old", ""}, {"new", "b\n"}}).text == "[written]");
  CHECK(call("bash", {{"command", "cat src/a.txt made/here/b.txt; ./run.sh; echo $COLOUR >&2; exit 3"}}).text == "one\n2\nthree\nb\nho\nred\n[exit status 3]\n");
  CHECK(call("bash", {{"command", "printf 'caf\\351'"}}).text == "caf\xEF\xBF\xBD");
  CHECK(has(call("bash", {{"command", "sleep 60"}}).text, "[stopped after 5 s]"));
  CHECK(call("bash", {{"command", "true"}}).text == "[no output]");
  CHECK(has(call("bash", {{"command", "yes"}}).text, "[stopped at the limit of output]"));
  CHECK(has(call("bash", {{"command", "true"}}).text, "all 5 calls"));
  const std::string patch = tools->state().value().at("patch");
  CHECK(has(patch, "b/made/here/b.txt"));
  CHECK(has(patch, "-two\n+2\n"));
  CHECK_FALSE(has(patch, "mode 100644\n+++ b/run.sh"));
  REQUIRE(tools->reset().ok());
  CHECK(tools->state().value() == Json{{"patch", ""}});
  CHECK(call("read_file", {{"path", "src/a.txt"}, {"first_line", 2}}).text == "2\ttwo\n3\tthree\n");
}
