// The contract of Executor, over every backend that works here; what only `native` promises is below.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "sandbox/backend.h"

using namespace assay;

namespace {

namespace fs = std::filesystem;

struct Place {
  std::string name;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<Workspace> workspace;

  RunResult run(RunRequest request) {
    auto result = executor->run(request, *workspace);
    if (!result.ok()) FAIL(name << ": " << result.error().text());
    return std::move(*result);
  }
  RunResult shell(const std::string& script, RunLimits limits = {}) { return run({.argv = {"sh", "-c", script}, .limits = limits}); }
  std::string read(const std::string& path) {
    auto bytes = workspace->read(path, 1 << 20);
    return bytes.ok() ? *bytes : "error: " + bytes.error().what;
  }
};

Place place(std::unique_ptr<Executor> executor) {
  Place out;
  out.name = executor->backend();
  auto workspace = executor->workspace({});
  if (!workspace.ok()) FAIL(out.name << ": " << workspace.error().text());
  out.executor = std::move(executor);
  out.workspace = std::move(*workspace);
  return out;
}

// external is as good as its command, and has a test of its own below.
std::vector<Place> places() {
  std::vector<Place> out;
  for (const Backend& backend : backends::all()) {
    if (backend.name == "external") continue;
    const BackendCheck check = backend.check({});
    if (!check.works()) {
      std::printf("skipped: sandbox %s: %s\n", backend.name.c_str(), check.problem->text().c_str());
      continue;
    }
    auto executor = backend.create({});
    REQUIRE(executor.ok());
    out.push_back(place(std::move(*executor)));
  }
  return out;
}

bool native_works() {
  const auto executor = make_executor("native");
  if (!executor.ok()) std::printf("skipped: sandbox native: %s\n", executor.error().text().c_str());
  return executor.ok();
}

Place native(ExecutorOptions options = {}) {
  auto executor = make_executor("native", options);
  if (!executor.ok()) FAIL(executor.error().text());
  return place(std::move(*executor));
}

bool has(const std::vector<std::string>& all, const std::string& one) { return std::find(all.begin(), all.end(), one) != all.end(); }

int processes_named(const std::string& argument) {
  int out = 0;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    std::ifstream in(it->path() / "cmdline");
    const std::string line((std::istreambuf_iterator<char>(in)), {});
    out += line.find(argument) != std::string::npos && line.find("sh") != 0;
  }
  return out;
}

std::map<std::string, Workspace::Change> changes_of(Workspace& workspace) {
  auto all = workspace.changes();
  if (!all.ok()) FAIL(all.error().text());
  std::map<std::string, Workspace::Change> out;
  for (const auto& each : *all) out[each.path] = each;
  return out;
}

}  // namespace

TEST_CASE("a program's end is told as it was") {
  for (Place& p : places()) {
    INFO(p.name);
    CHECK(p.shell("exit 0").succeeded());
    CHECK(p.shell("exit 7").exit_code == 7);
    const RunResult killed = p.run({.argv = {"python3", "-c", "import os; os.kill(os.getpid(), 15)"}});
    if (p.name != "bwrap") {   // bubblewrap turns signals into exit statuses, as shells do
      CHECK(killed.end == RunEnd::kSignalled);
      CHECK(killed.signal == SIGTERM);
    } else {
      CHECK(killed.exit_code == 128 + SIGTERM);
    }
    const RunResult absent = p.run({.argv = {"no-such-program"}});
    CHECK(absent.exit_code == 127);
    CHECK(absent.err.text().find("No such file or directory: no-such-program") != std::string::npos);
    CHECK(p.run({.argv = {"cat"}, .input = std::string(300'000, 'x')}).out.bytes == 300'000);
    CHECK(p.shell("wc -c").out.text() == "0\n");   // end of file at once
    CHECK(p.run({.argv = {"printenv", "GREETING"}, .environment = {{"GREETING", "good\nday"}}}).out.text() == "good\nday\n");
    CHECK(p.shell("env | wc -l").out.text().size() < 4);
    CHECK(p.shell("pwd; echo $HOME").out.text().find("work\n") != std::string::npos);
    const RunResult worked = p.run({.argv = {"python3", "-c", "x = bytearray(60_000_000); sum(range(2_000_000))"}});
    CHECK(worked.cpu_us > 20'000);
    CHECK(worked.wall_us >= worked.cpu_us / 2);
    CHECK(worked.peak_memory_bytes > 60'000'000);
  }
}

TEST_CASE("limits end a run and are named") {
  for (Place& p : places()) {
    INFO(p.name);
    CHECK(p.shell("sleep 60", {.wall_ms = 300}).limit == "wall");
    CHECK(p.shell("trap '' TERM INT; while :; do :; done", {.wall_ms = 300}).limit == "wall");
    CHECK(p.shell("while :; do :; done", {.cpu_ms = 300}).limit == "cpu");
    const RunResult memory = p.run({.argv = {"python3", "-c", "x = b'x' * 500_000_000; print(len(x))"}, .limits = {.memory_bytes = 100 << 20}});
    CHECK_FALSE(memory.succeeded());
    CHECK((memory.limit == "memory" || has(memory.touched, "memory")));
    const RunResult many = p.shell("i=0; while [ $i -lt 60 ]; do sleep 0.3 & i=$((i+1)); done; wait", {.processes = 20});
    CHECK(has(many.touched, "processes"));
    const RunResult noisy = p.shell("yes", {.wall_ms = 20'000, .output_bytes = 1 << 20, .kept_bytes = 1000});
    CHECK(noisy.limit == "output");
    CHECK(noisy.out.head.size() == 500);
    CHECK(noisy.out.tail.size() == 500);
    CHECK(noisy.out.text().find("bytes were left out here") != std::string::npos);
    CHECK_FALSE(p.shell("head -c 2000000 /dev/zero > big", {.file_bytes = 1'000'000}).succeeded());
    CHECK_FALSE(p.run({.argv = {"python3", "-c", "a = [open('/dev/null') for _ in range(100)]"}, .limits = {.open_files = 50}}).succeeded());
    RunLimits zero;
    zero.wall_ms = 0;
    CHECK_FALSE(p.executor->run({.argv = {"true"}, .limits = zero}, *p.workspace).ok());
  }
}

TEST_CASE("nothing outlives a run") {
  for (Place& p : places()) {
    INFO(p.name);
    const std::string marker = "98" + std::to_string(getpid()) + ".75";
    p.shell("sleep " + marker + " & setsid sleep " + marker + " & (setsid sh -c 'sleep " + marker + " &' &) ; python3 -c 'import os,time\nif os.fork()==0:\n os.setsid()\n if os.fork()==0:\n  os.execvp(\"sleep\",[\"sleep\",\"" + marker + "\"])'; exit 0");
    CHECK(processes_named(marker) == 0);
    p.shell("sleep " + marker + " & sleep " + marker, {.wall_ms = 200});
    CHECK(processes_named(marker) == 0);
    { auto process = p.executor->start({.argv = {"sleep", marker}}, *p.workspace); }
    CHECK(processes_named(marker) == 0);
  }
}

TEST_CASE("a program is talked to line by line") {
  for (Place& p : places()) {
    INFO(p.name);
    auto process = p.executor->start({.argv = {"python3", "-uc", "import sys\nfor line in sys.stdin: print(line.strip().upper())\nprint('end')"}}, *p.workspace);
    REQUIRE(process.ok());
    for (const char* word : {"one", "two"}) {
      REQUIRE((*process)->write(std::string(word) + "\n").ok());
      auto line = (*process)->read_line(10'000);
      REQUIRE(line.ok());
      CHECK(line->size() == 3);
    }
    auto nothing = (*process)->read_line(20);
    CHECK((nothing.ok() && nothing->empty() && !(*process)->ended()));
    REQUIRE((*process)->close_input().ok());
    CHECK((*process)->read_line(10'000).value() == "end");
    CHECK((*process)->finish(Process::How::kWait)->succeeded());
    auto stuck = p.executor->start({.argv = {"sleep", "60"}}, *p.workspace);
    CHECK((*stuck)->finish(Process::How::kKill)->limit == "killed");
    auto polite = p.executor->start({.argv = {"python3", "-uc", "import time\ntry:\n print('up'); time.sleep(60)\nexcept KeyboardInterrupt: print('interrupted')"}}, *p.workspace);
    REQUIRE((*polite)->read_line(10'000).value() == "up");
    if (p.name == "bwrap") continue;   // the signal would reach bubblewrap itself
    REQUIRE((*polite)->signal(SIGINT).ok());
    CHECK((*polite)->read_line(10'000).value() == "interrupted");
  }
}

TEST_CASE("a full log is kept compressed, whatever is shown of it") {
  for (Place& p : places()) {
    INFO(p.name);
    const std::string base = (fs::temp_directory_path() / ("assay-log-" + std::to_string(getpid()))).string();
    p.run({.argv = {"seq", "100000"}, .limits = {.kept_bytes = 100}, .log = base});
    std::ifstream in(base + ".out.zst", std::ios::binary);
    const std::string packed((std::istreambuf_iterator<char>(in)), {});
    std::string whole(600'000, '\0');
    const size_t size = ZSTD_decompress(whole.data(), whole.size(), packed.data(), packed.size());
    REQUIRE(!ZSTD_isError(size));
    CHECK(size == 588'895);
    CHECK(whole.substr(size - 7, 7) == "100000\n");
    for (const char* end : {".out.zst", ".err.zst"}) fs::remove(base + end);
  }
}

TEST_CASE("a workspace keeps files, tells what changed, and forks") {
  for (Place& p : places()) {
    INFO(p.name);
    REQUIRE(p.workspace->write("work/in/a.txt", "one").ok());
    REQUIRE(p.workspace->write("work/tool", "#!/bin/sh\necho ran\n", true).ok());
    CHECK(p.shell("cat in/a.txt; ./tool; echo two > in/b.txt; ln -s /etc/passwd link; mkfifo pipe; mkdir 'new\nline'; touch 'new\nline/x'").out.text() == "oneran\n");
    auto fork = p.workspace->fork();
    REQUIRE(fork.ok());
    auto found = changes_of(*p.workspace);
    CHECK(found.at("work/in/b.txt").bytes == 4);
    CHECK(found.at("work/tool").executable);
    CHECK(found.at("work/link").type == 'l');
    CHECK(found.at("work/pipe").type == 'o');
    CHECK(found.count("work/new\nline/x") == 1);
    CHECK(p.read("work/in/b.txt") == "two\n");
    for (const char* path : {"work/link", "work/pipe", "work", "work/absent", "../etc/passwd", "work/../../etc/passwd"}) {
      INFO(path);
      CHECK_FALSE(p.workspace->read(path, 1 << 20).ok());
    }
    CHECK_FALSE(p.workspace->read("work/in/b.txt", 2).ok());
    std::swap(p.workspace, *fork);   // now in the copy
    CHECK(p.shell("rm in/a.txt; rm -r 'new\nline'; echo 2 > in/b.txt; mv tool tool2; ls").succeeded());
    auto copy = changes_of(*p.workspace);
    CHECK(copy.count("work/in/a.txt") == 0);
    CHECK(copy.count("work/new\nline") == 0);
    CHECK(copy.count("work/tool") == 0);
    CHECK(copy.count("work/tool2") == 1);
    CHECK(p.read("work/in/b.txt") == "2\n");
    std::swap(p.workspace, *fork);   // and back in the first
    CHECK(p.read("work/in/b.txt") == "two\n");
    CHECK(p.read("work/in/a.txt") == "one");
    CHECK(p.shell("cat in/b.txt").out.text() == "two\n");
    fork->reset();
    CHECK(p.shell("cat in/a.txt; ./tool").out.text() == "oneran\n");
  }
}

TEST_CASE("layers are known by what is in them, and never change") {
  for (Place& p : places()) {
    INFO(p.name);
    const fs::path tree = fs::temp_directory_path() / ("assay-tree-" + std::to_string(getpid()));
    fs::create_directories(tree / "src/deep");
    std::ofstream(tree / "src/deep/main.c") << "int main;";
    std::ofstream(tree / "run.sh") << "echo layered";
    fs::create_symlink("src/deep", tree / "link");
    auto first = p.executor->add_layer(tree.string(), "work");
    REQUIRE(first.ok());
    CHECK(p.executor->add_layer(tree.string(), "work").value() == *first);
    CHECK(p.executor->add_layer(tree.string(), "opt").value() != *first);
    std::ofstream(tree / "run.sh") << "echo other";
    CHECK(p.executor->add_layer(tree.string(), "work").value() != *first);
    CHECK_FALSE(p.executor->add_layer(tree.string(), "../work").ok());
    fs::remove_all(tree);
    CHECK_FALSE(p.executor->workspace({.layers = {std::string(64, '0')}}).ok());
    for (int round = 0; round < 2; ++round) {
      auto workspace = p.executor->workspace({.layers = {*first}});
      REQUIRE(workspace.ok());
      std::swap(p.workspace, *workspace);
      CHECK(p.shell("sh run.sh; cat link/main.c").out.text() == "layered\nint main;");
      CHECK(changes_of(*p.workspace).empty());
      CHECK(p.shell("echo x >> run.sh; chmod +x src/deep/main.c; rm link; rm -r src/deep; mkdir -p src/deep; touch src/deep/new").succeeded());
      const auto found = changes_of(*p.workspace);
      CHECK(found.at("work/run.sh").kind == Workspace::Change::Kind::kChanged);
      CHECK(found.at("work/link").kind == Workspace::Change::Kind::kRemoved);
      CHECK(found.at("work/src/deep/main.c").kind == Workspace::Change::Kind::kRemoved);
      CHECK(found.at("work/src/deep/new").kind == Workspace::Change::Kind::kAdded);
      CHECK(found.size() == 4);
    }
  }
}

TEST_CASE("what a workspace changed is kept as a layer, removals too") {
  for (Place& p : places()) {
    INFO(p.name);
    REQUIRE(p.shell("mkdir -p repo/old repo/both; echo 1 > repo/a; echo 2 > repo/b; echo 3 > repo/old/c; echo 4 > repo/both/d; echo 5 > repo/both/e; ln -s a repo/l; touch repo/old.x").succeeded());
    auto base = p.executor->keep(*p.workspace, {});
    REQUIRE(base.ok());
    auto workspace = p.executor->workspace({.layers = {*base}});
    REQUIRE(workspace.ok());
    std::swap(p.workspace, *workspace);
    REQUIRE(p.shell("cd repo; rm -r old b; rm -r both; mkdir both; echo 6 > both/e; rm l; ln -s both/e l; rm a; mkdir a; printf '#!/bin/sh\necho ran' > a/run; chmod 755 a/run; mkfifo pipe;"
                    "rm old.x; mkdir -p ../deps; echo deps > ../deps/x; touch -d 2001-02-03 ../deps/x; echo tmp > ../tmp/y; chmod 600 ../deps/x").succeeded());
    auto fork = p.workspace->fork();   // what is frozen counts as well
    REQUIRE(fork.ok());
    auto all = p.executor->keep(*p.workspace, {});
    auto deps = p.executor->keep(*p.workspace, {"work/deps"});
    REQUIRE(all.ok());
    REQUIRE(deps.ok());
    CHECK(*all != *deps);
    CHECK(p.executor->keep(**fork, {"work/deps"}).value() == *deps);
    const std::string look = "ls -R repo | grep -v pipe; cat repo/l; ./repo/a/run; cat deps/x ../tmp/y; stat -c %y deps/x";
    const std::string here = p.shell(look).out.text();
    auto again = p.executor->workspace({.layers = {*base, *all}});
    REQUIRE(again.ok());
    std::swap(p.workspace, *again);
    CHECK(p.shell(look).out.text() == here);
    CHECK(here.find("ran") != std::string::npos);
    CHECK(here.find("2001-02-03") != std::string::npos);
    CHECK(changes_of(*p.workspace).empty());
    CHECK(p.shell("test -e repo/pipe").exit_code == 1);
    auto above = p.executor->workspace({.layers = {*base, *deps}});
    REQUIRE(above.ok());
    std::swap(p.workspace, *above);
    CHECK(p.shell("cat repo/a repo/old/c deps/x; ls ../tmp").out.text() == "1\n3\ndeps\n");
    CHECK(p.shell("echo more >> deps/x").succeeded());
  }
}

TEST_CASE("records say which walls were missing") {
  for (Place& p : places()) {
    INFO(p.name);
    const RunResult result = p.shell("true");
    CHECK(result.backend == p.name);
    CHECK(has(result.missing_walls, "net") == (p.name == "none"));
    if (p.name == "native") CHECK_FALSE(has(result.missing_walls, "seccomp"));
    CHECK(to_json(result).contains("missing_walls") == !result.missing_walls.empty());
  }
  if (!native_works()) return;
  ExecutorOptions less;
  less.walls = Walls::all().without(Wall::kNet);
  CHECK(has(native(less).shell("true").missing_walls, "net"));
}

TEST_CASE("a sandbox that does not work says why, and is never replaced") {
  ExecutorOptions lost;
  lost.launcher = "/no/such/launcher";
  const auto executor = make_executor("", lost);
  REQUIRE_FALSE(executor.ok());
  CHECK(executor.error().boundary == Boundary::kSandbox);
  CHECK(executor.error().text().find("/no/such/launcher") != std::string::npos);
  const auto unknown = make_executor("nativ");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().text().find("native") != std::string::npos);
  CHECK_FALSE(make_executor("external").ok());
}

TEST_CASE("external runs a command of the user's around the program") {
  auto executor = make_executor("external:env RUN={name} WORK={work} LIMIT={memory_bytes} ;; touch /tmp/{name}.cleaned");
  REQUIRE(executor.ok());
  Place p = place(std::move(*executor));
  const std::string said = p.shell("echo $RUN $LIMIT; test -d $WORK && echo there").out.text();
  CHECK(said.find("there") != std::string::npos);
  const std::string name = said.substr(0, said.find(' '));
  CHECK(fs::remove("/tmp/" + name + ".cleaned"));
  CHECK(p.shell("true").missing_walls.at(0).find("unknown") == 0);

  // A real sandbox, by the command that somebody would write who has never seen ours.
  auto real = make_executor("external:bwrap --unshare-all --die-with-parent --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
                            "--proc /proc --dev /dev --tmpfs /tmp --bind {work} /work --chdir {directory}");
  REQUIRE(real.ok());
  Place inside = place(std::move(*real));
  REQUIRE(inside.workspace->write("work/in.txt", "in").ok());
  const RunResult result = inside.shell("cat in.txt; echo out > out.txt; ls /root || ls /proc | grep -c '^[0-9]'");
  if (result.err.text().find("bwrap: ") != std::string::npos) {
    std::printf("skipped: external with a real sandbox: %s\n", result.err.text().c_str());
    return;
  }
  CHECK(result.out.text().starts_with("in"));
  CHECK(inside.read("work/out.txt") == "out\n");
}

// --- native alone ---------------------------------------------------------------------------------------------------------

TEST_CASE("the writable layer is bounded in bytes and files") {
  if (!native_works()) return;
  Place p = native();
  RunLimits small;
  small.disk_bytes = 2 << 20;
  small.files = 100;
  p.workspace = p.executor->workspace({.limits = small}).value();
  CHECK(has(p.shell("head -c 9000000 /dev/zero > a; rm -f a; head -c 9000000 /dev/zero > a", small).touched, "disk"));
  CHECK(p.shell("rm a; i=0; while [ $i -lt 200 ]; do echo > f$i || exit 3; i=$((i+1)); done", small).exit_code != 0);
}

TEST_CASE("without registries nothing is reached, and what was tried is told") {
  if (!native_works()) return;
  Place p = native();
  const RunResult result = p.run({.argv = {"python3", "-c", R"(
import socket
for family, address in ((socket.AF_INET, ('203.0.113.7', 443)), (socket.AF_INET6, ('2001:db8::1', 80))):
    try: socket.socket(family).connect(address)
    except OSError as error: print(error.errno)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: u.sendto(b'x', ('198.51.100.1', 53))
except OSError as error: print(error.errno)
a = socket.socket(); a.bind(('127.0.0.1', 0)); a.listen()
b = socket.create_connection(a.getsockname()); print('loopback')
)"}});
  CHECK(result.out.text() == "101\n101\n101\nloopback\n");
  CHECK(has(result.refused, "203.0.113.7:443"));
  CHECK(has(result.refused, "[2001:db8::1]:80"));
  CHECK(has(result.refused, "198.51.100.1:53"));
  CHECK(result.refused.size() == 3);
}

TEST_CASE("named registries are reached through the proxy, and no others") {
  if (!native_works()) return;
  Place p = native();
  // A registry of the test's own, on the host's loopback, which no run can reach by itself.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(listen(listener, 8) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  const std::string host = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  std::string seen;
  std::thread server([&] {
    for (int i = 0; i < 2; ++i) {
      const int client = accept(listener, nullptr, nullptr);
      char space[4096];
      const ssize_t got = recv(client, space, sizeof space, 0);
      seen.append(space, static_cast<size_t>(std::max<ssize_t>(0, got)));
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npackage";
      send(client, answer.data(), answer.size(), 0);
      close(client);
    }
  });
  RunRequest request{.argv = {"python3", "-c", R"(
import os, socket, urllib.request, urllib.error
host = os.environ['REGISTRY']
print(urllib.request.build_opener(urllib.request.ProxyHandler({'http': os.environ['http_proxy']})).open('http://' + host + '/simple').read())
s = socket.create_connection(('127.0.0.1', 3128)); s.sendall(('CONNECT %s HTTP/1.1\r\n\r\n' % host).encode()); print(s.recv(12)); s.sendall(b'GET / HTTP/1.1\r\n\r\n')
for target in ('example.org:443', '127.0.0.1:22', 'pypi.org@evil.test:443'):
    s = socket.create_connection(('127.0.0.1', 3128)); s.sendall(('CONNECT %s HTTP/1.1\r\n\r\n' % target).encode()); print(s.recv(12))
try: socket.create_connection((host.split(':')[0], int(host.split(':')[1])), 2); print('direct')
except OSError as error: print('refused')
)"}};
  request.environment["REGISTRY"] = host;
  request.environment["no_proxy"] = "";
  request.registries = {host, "pypi.org"};
  const RunResult result = p.run(request);
  server.join();
  close(listener);
  INFO(result.err.text());
  CHECK(result.out.text() == "b'package'\nb'HTTP/1.1 200'\nb'HTTP/1.1 403'\nb'HTTP/1.1 403'\nb'HTTP/1.1 403'\nrefused\n");
  CHECK(seen.find("GET /simple HTTP/1.1\r\nConnection: close\r\n") == 0);
  CHECK(has(result.refused, "example.org:443"));
  CHECK(has(result.refused, "127.0.0.1:22"));
}

TEST_CASE("many runs at once have users of their own") {
  if (!native_works()) return;
  const auto executor = make_executor("native");
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 32; ++i)
    threads.emplace_back([&, i] {
      auto workspace = (*executor)->workspace({});
      auto result = (*executor)->run({.argv = {"sh", "-c", "echo " + std::to_string(i) + " > mine; sleep 0.6; cat mine; ls -n mine"}}, **workspace);
      good += result.ok() && result->out.text().starts_with(std::to_string(i) + "\n") && result->out.text().find(" 1000 1000 ") != std::string::npos;
    });
  // On the host, each is somebody else.
  std::set<std::string> users;
  for (int round = 0; round < 400 && users.size() < 8; ++round) {
    std::error_code error;
    for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
      std::ifstream in(it->path() / "status");
      for (std::string line; std::getline(in, line);)
        if (line.starts_with("Uid:\t18")) users.insert(line);
    }
    usleep(2'000);
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == 32);
  CHECK(users.size() >= 8);
}

TEST_CASE("a killed supervisor is the sandbox's failure, not the program's") {
  if (!native_works()) return;
  Place p = native();
  auto process = p.executor->start({.argv = {"sh", "-c", "echo up; sleep 60"}}, *p.workspace);
  REQUIRE((*process)->read_line(10'000).value() == "up");
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    std::string name;
    std::ifstream status(it->path() / "status");
    std::getline(status, name);
    std::string line, parent;
    while (std::getline(status, line))
      if (line.starts_with("PPid:")) parent = line.substr(6);
    std::string launcher;
    std::getline(std::ifstream("/proc/" + parent + "/comm"), launcher);
    std::string ours;
    std::ifstream grand("/proc/" + parent + "/status");
    while (std::getline(grand, line))
      if (line.starts_with("PPid:")) ours = line.substr(6);
    if (name == "Name:\tassay-run" && launcher == "assay-launcher" && ours == std::to_string(getpid())) kill(std::stoi(it->path().filename().string()), SIGKILL);
  }
  const auto result = (*process)->finish(Process::How::kWait);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().boundary == Boundary::kSandbox);
  CHECK(p.shell("echo still works").succeeded());
}

TEST_CASE("what a killed launcher left is swept by the next") {
  if (!native_works()) return;
  const std::string marker = "97" + std::to_string(getpid()) + ".5";
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    auto executor = make_executor("native");
    auto workspace = (*executor)->workspace({});
    auto process = (*executor)->start({.argv = {"sh", "-c", "echo up; sleep " + marker}}, **workspace);
    (void)(*process)->read_line(10'000).ok();
    (void)!write(ready[1], "x", 1);
    pause();
  }
  char byte;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  for (int i = 0; i < 500 && processes_named(marker) == 0; ++i) usleep(10'000);   // the shell has yet to start it
  CHECK(processes_named(marker) >= 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (int i = 0; i < 100 && processes_named(marker) > 0; ++i) usleep(20'000);
  CHECK(processes_named(marker) == 0);
  CHECK(native().shell("true").succeeded());
}
