// What happens to a store when the world ends around it: kills, full disks, other processes, signals.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <iostream>
#include <set>

#include "datasets/store.h"
#include "envs/base/rng.h"
#include "tests/datasets/sample.h"
#include "tests/datasets/small_disk.h"

namespace assay {
namespace {

using sample::Folder;

std::unique_ptr<Store> open_store(const std::string& path, StoreMode mode = StoreMode::kOpenOrCreate) {
  auto store = Store::open(path, mode, system_clock());
  if (!store.ok()) FAIL(store.error().text());
  return std::move(store).value();
}

// Runs `work` in a child process, which ends with the number it returns and never comes back into the tests.
pid_t in_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(work());
  return child;
}

// The exit status, or minus the signal.
int end_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) REQUIRE(errno == EINTR);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

Rollout numbered(int64_t number) { return sample::rollout(sample::task(), number, number % 3 == 0, 4, 200); }

// Adds the rollouts [first, last) that are missing; after each commit, `committed` is told how many are there.
int add_missing(const std::string& path, int64_t first, int64_t last, int64_t batch, const std::function<void(int64_t)>& committed) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock());
  if (!store.ok()) return 10;
  if (!(*store)->put_environment(*sample::environment()).ok() || !(*store)->put_task(sample::task()).ok()) return 11;
  for (int64_t i = first; i < last; ++i) {
    const Rollout rollout = numbered(i);
    const auto there = (*store)->has_rollout(rollout.id);
    if (!there.ok()) return 12;
    if (!*there && !(*store)->put_rollout(rollout).ok()) return 13;
    if ((i - first) % batch != batch - 1) continue;
    if (!(*store)->flush().ok()) return 14;
    committed(i + 1);
  }
  return (*store)->flush().ok() ? 0 : 15;
}

void check_holds(Store& store, int64_t first, int64_t last) {
  const auto problems = store.check();
  REQUIRE(problems.ok());
  CHECK(*problems == std::vector<std::string>());
  const std::vector<RolloutRow> rows = store.rollouts({}).value();
  std::set<std::string> there;
  for (const RolloutRow& row : rows) there.insert(row.id);
  int64_t missing = 0;
  for (int64_t i = first; i < last; ++i) missing += !there.contains(numbered(i).id);
  CHECK(missing == 0);
}

TEST_CASE("a job killed at random moments resumes with nothing lost and nothing twice") {
  constexpr int64_t kRollouts = 3000;
  Folder folder;
  const std::string path = folder.file("s.db");
  Rng rng(2, "kills");
  int64_t promised = 0;
  int kills = 0, runs = 0;
  for (int end = 1; end != 0; ++runs) {
    REQUIRE(runs < 500);
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const pid_t child = in_child([&] {
      return add_missing(path, 0, kRollouts, 40, [&](int64_t count) { (void)!::write(pipe[1], &count, sizeof count); });
    });
    ::close(pipe[1]);
    // From a start that has not opened the store yet to one that has written for a while.
    const useconds_t delay_us = static_cast<useconds_t>(rng.below(60'000));
    if (kills < 30) {
      ::usleep(delay_us);
      ::kill(child, SIGKILL);
    }
    end = end_of(child);
    kills += end == -SIGKILL;
    REQUIRE((end == 0 || end == -SIGKILL));
    int64_t count = 0;
    while (::read(pipe[0], &count, sizeof count) == sizeof count) promised = std::max(promised, count);
    ::close(pipe[0]);
    INFO("run " << runs << ", killed after " << delay_us << " us, " << promised << " reported as committed");
    check_holds(*open_store(path), 0, promised);
  }
  CHECK(kills > 5);
  auto store = open_store(path);
  check_holds(*store, 0, kRollouts);
  CHECK(store->statistics().value()["rollouts"] == kRollouts);
}

TEST_CASE("two processes write to one new store at once: all of it is there, nothing twice") {
  Folder folder;
  const std::string path = folder.file("s.db");
  std::vector<pid_t> children;
  for (int64_t first : {0, 500, 1000})
    children.push_back(in_child([&] { return add_missing(path, first, first + 1000, 25, [](int64_t) {}); }));
  for (const pid_t child : children) CHECK(end_of(child) == 0);
  auto store = open_store(path);
  check_holds(*store, 0, 2000);
  const Json counts = store->statistics().value();
  CHECK(counts["rollouts"] == 2000);
  CHECK(counts["tasks"] == 1);
  CHECK(counts["segments"] == 3);
}

TEST_CASE("what another process committed is seen at once") {
  Folder folder;
  const std::string path = folder.file("s.db");
  auto store = open_store(path);
  CHECK_FALSE(store->has_rollout(numbered(3).id).value());
  CHECK(end_of(in_child([&] { return add_missing(path, 0, 10, 10, [](int64_t) {}); })) == 0);
  CHECK(store->has_rollout(numbered(3).id).value());
  CHECK(to_json(store->rollout(numbered(3).id).value()) == to_json(numbered(3)));
}

volatile sig_atomic_t interrupted = 0;

TEST_CASE("Ctrl-C in the middle of writing leaves a consistent store with all that was put") {
  Folder folder;
  const std::string path = folder.file("s.db");
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = in_child([&] {
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted = interrupted + 1; };  // without SA_RESTART: system calls are broken off
    ::sigaction(SIGINT, &action, nullptr);
    auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock());
    if (!store.ok() || !(*store)->put_environment(*sample::environment()).ok() || !(*store)->put_task(sample::task()).ok()) return 10;
    int64_t count = 0;
    for (; interrupted < 20; ++count) {
      if (!(*store)->put_rollout(numbered(count)).ok()) return 11;
      if (count % 10 == 9 && !(*store)->flush().ok()) return 12;
      if (count == 20) (void)!::write(pipe[1], "go", 2);
    }
    if (!(*store)->flush().ok()) return 13;
    return ::write(pipe[1], &count, sizeof count) == sizeof count ? 0 : 14;
  });
  char go[2];
  REQUIRE(::read(pipe[0], go, 2) == 2);
  for (int i = 0; i < 5000 && ::kill(child, SIGINT) == 0; ++i) {
    ::usleep(2000);
    siginfo_t info = {};
    ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT);
    if (info.si_pid == child) break;
  }
  CHECK(end_of(child) == 0);
  int64_t count = 0;
  REQUIRE(::read(pipe[0], &count, sizeof count) == sizeof count);
  check_holds(*open_store(path), 0, count);
}

TEST_CASE("a full disk is an error at every put, loses nothing that was committed, and is over when there is space") {
  SmallDisk disk(3);
  if (!disk.mounted()) {
    std::cout << "skipped: store on a full disk (mounting a small tmpfs needs root)\n";
    return;
  }
  const std::string path = disk.file("s.db");
  auto store = open_store(path);
  REQUIRE(store->put_environment(*sample::environment()).ok());
  REQUIRE(store->put_task(sample::task()).ok());
  Rng rng(5, "full disk");
  const auto large = [&](int64_t number) {
    Rollout rollout = numbered(number);
    std::string& text = rollout.messages.back().text;
    for (int i = 0; i < 20'000; ++i) text += static_cast<char>('!' + rng.below(90));
    return rollout;
  };
  int64_t committed = 0, number = 0;
  Status status;
  for (; number < 2000 && status.ok(); ++number) {
    status = store->put_rollout(large(number));
    if (status.ok() && number % 10 == 9) status = store->flush();
    if (status.ok() && number % 10 == 9) committed = number + 1;
  }
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().boundary == Boundary::kStore);
  CHECK(status.error().hint.find("free some space") != std::string::npos);
  CHECK(committed > 20);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(store->put_rollout(large(number + i)).ok());
  CHECK_FALSE(store->flush().ok());

  check_holds(*open_store(path), 0, committed);

  REQUIRE(disk.resize(30));
  const int64_t before = store->has_rollout(numbered(number).id).value();
  CHECK(before == 0);
  REQUIRE(store->put_rollout(large(number)).ok());
  REQUIRE(store->flush().ok());
  check_holds(*store, 0, number + 1);
  store.reset();
  check_holds(*open_store(path), 0, number + 1);
}

TEST_CASE("a store made on a full disk fails with a clear error") {
  SmallDisk disk(1);
  if (!disk.mounted()) {
    std::cout << "skipped: new store on a full disk (mounting a small tmpfs needs root)\n";
    return;
  }
  const int fd = ::open(disk.file("ballast").c_str(), O_WRONLY | O_CREAT, 0600);
  const std::string page(4096, 'x');
  while (::write(fd, page.data(), page.size()) > 0) {}
  ::close(fd);
  const auto store = Store::open(disk.file("s.db"), StoreMode::kOpenOrCreate, system_clock());
  REQUIRE_FALSE(store.ok());
  CHECK(store.error().boundary == Boundary::kStore);
  CHECK(store.error().text().find("s.db") != std::string::npos);
}

TEST_CASE("a folder or a store that may not be written gives a clear error and is left as it is") {
  Folder folder;
  const std::string path = folder.file("s.db");
  CHECK(end_of(in_child([&] { return add_missing(path, 0, 10, 10, [](int64_t) {}); })) == 0);
  for (const std::string& file : {path, path + ".segments", folder.path()}) {
    std::filesystem::permissions(file, file == path ? std::filesystem::perms(0444) : std::filesystem::perms(0555));
  }
  // Root may write anywhere, so somebody else tries.
  const pid_t child = in_child([&] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 77;
    const auto fresh = Store::open(folder.file("new.db"), StoreMode::kOpenOrCreate, system_clock());
    if (fresh.ok() || fresh.error().boundary != Boundary::kStore || fresh.error().hint.empty()) return 1;
    const auto old = Store::open(path, StoreMode::kMustExist, system_clock());
    if (old.ok() || old.error().boundary != Boundary::kStore || old.error().hint.empty()) return 2;
    return old.error().what.find("write-protected") == std::string::npos ? 3 : 0;
  });
  const int end = end_of(child);
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(path + ".segments", std::filesystem::perms(0755));
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  CHECK(end == 0);
  check_holds(*open_store(path), 0, 10);
}

TEST_CASE("a folder of segments that may not be written is an error at flush, and nothing is forgotten") {
  Folder folder;
  const std::string path = folder.file("s.db");
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0777));
  const pid_t child = in_child([&] {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 77;
    auto store = Store::open(path, StoreMode::kOpenOrCreate, system_clock());
    if (!store.ok()) return 1;
    ::chmod((path + ".segments").c_str(), 0555);
    if (!(*store)->put_task(sample::task()).ok() || (*store)->flush().ok() || (*store)->put_rollout(numbered(1)).ok()) return 2;
    ::chmod((path + ".segments").c_str(), 0755);
    if (!(*store)->put_rollout(numbered(2)).ok() || !(*store)->put_environment(*sample::environment()).ok()) return 3;
    return (*store)->flush().ok() ? 0 : 4;
  });
  CHECK(end_of(child) == 0);
  auto store = open_store(path);
  CHECK(store->task(sample::task().id).ok());
  check_holds(*store, 2, 3);
}

}  // namespace
}  // namespace assay
