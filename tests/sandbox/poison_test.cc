// What a hostile program leaves in its workspace, or says about itself, moves nobody else.
#include <catch2/catch.hpp>

#include <cstdio>
#include <set>

#include "sandbox/backend.h"

using namespace assay;

namespace {

std::unique_ptr<Executor> native() {
  auto executor = make_executor("native");
  if (!executor.ok()) std::printf("skipped: sandbox native: %s\n", executor.error().text().c_str());
  return executor.ok() ? std::move(*executor) : nullptr;
}

RunResult shell(Executor& executor, Workspace& workspace, const std::string& script, RunLimits limits = {}) {
  auto result = executor.run({.argv = {"sh", "-c", script}, .limits = limits}, workspace);
  if (!result.ok()) FAIL(result.error().text());
  return std::move(*result);
}

constexpr const char* kPoison = R"(
cd "$HOME"; for f in .bashrc .profile .pythonrc .gitconfig; do echo 'echo poisoned; exit 1' > $f; done
mkdir -p .local/lib/python3.11/site-packages .config/git bin
echo 'raise SystemExit("poisoned")' > .local/lib/python3.11/site-packages/sitecustomize.py
echo 'raise SystemExit("poisoned")' > /work/json.py
for f in ls cat git python3; do printf '#!/bin/sh\necho poisoned\n' > bin/$f; chmod +x bin/$f; cp bin/$f /work/$f; done
echo poisoned > /tmp/report.xml; echo poisoned > /var/tmp/x; echo poisoned > /dev/shm/x 2>/dev/null
)";

}  // namespace

TEST_CASE("a poisoned workspace is not the next one's") {
  const auto executor = native();
  if (!executor) return;
  const auto clean = executor->workspace({}).value();
  REQUIRE(clean->write("work/test.py", "import json, sys; print(json.dumps('clean'))").ok());
  const auto agent = clean->fork().value();
  CHECK(shell(*executor, *agent, kPoison).exit_code == 0);
  CHECK(shell(*executor, *agent, "python3 test.py").out.text().find("clean") == std::string::npos);   // it does bite its own
  const auto grader = clean->fork().value();
  CHECK(shell(*executor, *grader, "python3 test.py; ls /tmp /var/tmp /dev/shm $HOME; git --version").out.text().find("poisoned") == std::string::npos);
  CHECK(shell(*executor, *grader, "python3 test.py").out.text() == "\"clean\"\n");
  CHECK(shell(*executor, *grader, "ls -A /tmp /dev/shm | wc -l").out.text() == "3\n");   // two headings and a line between
}

TEST_CASE("a set-user-id file in a layer is nobody's") {
  const auto executor = native();
  if (!executor) return;
  const auto workspace = executor->workspace({}).value();
  CHECK(shell(*executor, *workspace, "cp /usr/bin/id id; chmod 6755 id; stat -c %a id").out.text() == "6755\n");
  const auto next = workspace->fork().value();
  CHECK(shell(*executor, *next, "./id -u; ./id -ru").out.text() == "1000\n1000\n");
}

TEST_CASE("nothing a program says or writes changes what is told about it") {
  const auto executor = native();
  if (!executor) return;
  const auto workspace = executor->workspace({}).value();
  const RunResult result = shell(*executor, *workspace, R"sh(python3 -c '
import os, sys
for fd in range(1024):
    try: os.write(fd, b"{\"event\":\"end\",\"exit_code\":0,\"wall_us\":1,\"limit\":\"\"}\n")
    except OSError: pass
sys.exit(3)')sh");
  CHECK(result.end == RunEnd::kExited);
  CHECK(result.exit_code == 3);
  CHECK(result.wall_us > 100);
}

TEST_CASE("a link swapped under the reader never leads out of the workspace") {
  const auto executor = native();
  if (!executor) return;
  const auto workspace = executor->workspace({}).value();
  auto process = executor->start({.argv = {"python3", "-c", R"(
import os
os.makedirs('a/etc', exist_ok=True); open('a/etc/hostname', 'w').write('inside')
os.symlink('/', 'b'); print('ready', flush=True)
while True:
    os.rename('a', 'c'); os.rename('b', 'a'); os.rename('a', 'b'); os.rename('c', 'a')
)"}}, *workspace);
  REQUIRE(process.ok());
  REQUIRE((*process)->read_line(10'000).value() == "ready");
  int read = 0;
  for (int i = 0; i < 100; ++i)
    if (const auto bytes = workspace->read("work/a/etc/hostname", 100); bytes.ok()) {
      ++read;
      CHECK(*bytes == "inside");
    }
  CHECK((*process)->finish(Process::How::kKill).ok());
}

TEST_CASE("odd trees are listed as they are") {
  const auto executor = native();
  if (!executor) return;
  const auto workspace = executor->workspace({}).value();
  CHECK(shell(*executor, *workspace, R"sh(
printf x > "$(printf 'new\nline')"; printf x > ' '; printf x > '-rf'; printf x > "$(printf '\377\376')"
truncate -s 200M holes; mkfifo pipe; ln -s loop loop; ln -s ../../../../etc/passwd out
python3 -c "
import os, socket
socket.socket(socket.AF_UNIX).bind('sock')
for _ in range(200): os.mkdir('d'); os.chdir('d')
open('deep', 'w').write('x')
")sh").exit_code == 0);
  const auto changes = workspace->changes();
  REQUIRE(changes.ok());
  std::set<std::string> names;
  for (const auto& change : *changes) names.insert(change.path);
  for (const std::string name : {"work/new\nline", "work/ ", "work/-rf", "work/\377\376", "work/holes", "work/pipe", "work/loop", "work/out", "work/sock"}) CHECK(names.count(name) == 1);
  CHECK(workspace->read("work/\377\376", 10).value() == "x");
  CHECK(executor->run({.argv = {"cat", "\377\376"}}, *workspace).value().out.text() == "x");
  for (const char* name : {"work/pipe", "work/loop", "work/out", "work/sock", "work/d"}) CHECK_FALSE(workspace->read(name, 100).ok());
  CHECK_FALSE(workspace->read("work/holes", 1 << 20).ok());
  // Deeper than anybody would look: an error, not a crash.
  CHECK(shell(*executor, *workspace, "python3 -c \"\nimport os\nfor _ in range(2000): os.mkdir('e'); os.chdir('e')\n\"").exit_code == 0);
  CHECK_FALSE(workspace->changes().ok());
}
