// Who works on what: leases between processes, with holders that die, hang or give back.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <thread>

#include "datasets/store.h"
#include "envs/base/rng.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

using sample::Folder;
using Items = std::vector<std::string>;

std::unique_ptr<Store> open_store(const std::string& path, Clock& clock = system_clock()) {
  auto store = Store::open(path, StoreMode::kOpenOrCreate, clock);
  if (!store.ok()) FAIL(store.error().text());
  return std::move(store).value();
}

TEST_CASE("an item of some work has one holder, who may ask again") {
  Folder folder;
  auto a = open_store(folder.file("s.db")), b = open_store(folder.file("s.db"));
  CHECK(a->lease("play", {"1", "2"}, 60'000).value() == Items{"1", "2"});
  CHECK(b->lease("play", {"1", "2", "3"}, 60'000).value() == Items{"3"});
  CHECK(a->lease("play", {"1", "3"}, 60'000).value() == Items{"1"});
  CHECK(b->lease("other work", {"1"}, 60'000).value() == Items{"1"});
}

TEST_CASE("a lease is given back together with what was put before it") {
  Folder folder;
  auto a = open_store(folder.file("s.db")), b = open_store(folder.file("s.db"));
  const Rollout rollout = sample::rollout(sample::task());
  REQUIRE(a->lease("play", {"1"}, 60'000).value() == Items{"1"});
  REQUIRE(a->put_rollout(rollout).ok());
  REQUIRE(a->give_back("play", {"1"}).ok());
  if (b->lease("play", {"1"}, 60'000).value().empty()) {   // not flushed yet
    REQUIRE(a->flush().ok());
    REQUIRE(b->lease("play", {"1"}, 60'000).value() == Items{"1"});
  }
  CHECK(b->has_rollout(rollout.id).value());
}

TEST_CASE("nobody gives back what has become another's") {
  Folder folder;
  ManualClock clock;
  auto a = open_store(folder.file("s.db"), clock), b = open_store(folder.file("s.db"), clock), c = open_store(folder.file("s.db"), clock);
  REQUIRE(a->lease("play", {"1"}, 1000).value() == Items{"1"});
  clock.advance_ms(1001);
  REQUIRE(b->lease("play", {"1"}, 1000).value() == Items{"1"});
  REQUIRE(a->give_back("play", {"1"}).ok());
  REQUIRE(a->renew_leases(100'000).ok());
  REQUIRE(a->flush().ok());
  CHECK(c->lease("play", {"1"}, 1000).value().empty());
  clock.advance_ms(1001);
  CHECK(c->lease("play", {"1"}, 1000).value() == Items{"1"});
}

TEST_CASE("a lease lasts as long as it is renewed") {
  Folder folder;
  ManualClock clock;
  auto a = open_store(folder.file("s.db"), clock), b = open_store(folder.file("s.db"), clock);
  REQUIRE(a->lease("play", {"1"}, 1000).value() == Items{"1"});
  for (int i = 0; i < 5; ++i) {
    clock.advance_ms(900);
    REQUIRE(a->renew_leases(1000).ok());
    CHECK(b->lease("play", {"1"}, 1000).value().empty());
  }
  clock.advance_ms(1000);
  CHECK(b->lease("play", {"1"}, 1000).value() == Items{"1"});
}

TEST_CASE("the leases of a holder that is gone are free at once") {
  Folder folder;
  ManualClock clock;
  auto a = open_store(folder.file("s.db"), clock), b = open_store(folder.file("s.db"), clock);
  REQUIRE(a->lease("play", {"1"}, int64_t{1} << 40).value() == Items{"1"});
  CHECK(b->lease("play", {"1"}, 1000).value().empty());
  a.reset();
  CHECK(b->lease("play", {"1"}, 1000).value() == Items{"1"});
}

// What `assay rollout` does, in small: leases some, plays what is missing, gives back, until all is there.
int work(const std::string& path, int64_t tasks, uint64_t seed, int done) {
  auto store = Store::open(path, StoreMode::kMustExist, system_clock());
  if (!store.ok()) return 10;
  Rng rng(seed, "worker");
  for (int64_t left = tasks; left > 0;) {
    left = tasks;
    for (int64_t first = 0; first < tasks; first += 4) {
      Items items;
      std::map<std::string, int64_t> index;
      for (int64_t i = first; i < std::min(first + 4, tasks); ++i) {
        const auto there = (*store)->has_rollout(sample::rollout(sample::task(), i).id);
        if (!there.ok()) return 11;
        if (*there) --left;
        else items.push_back(std::to_string(i)), index[items.back()] = i;
      }
      const auto mine = (*store)->lease("play", items, int64_t{1} << 40);   // they never run out
      if (!mine.ok()) return 12;
      for (const std::string& item : *mine) {
        const Rollout rollout = sample::rollout(sample::task(), index[item]);
        const auto there = (*store)->has_rollout(rollout.id);
        if (!there.ok()) return 13;
        if (*there) continue;
        std::this_thread::sleep_for(std::chrono::microseconds(rng.below(300)));
        if (!(*store)->put_rollout(rollout).ok()) return 14;
        const int64_t played = index[item];
        (void)!::write(done, &played, sizeof played);
      }
      if (!(*store)->give_back("play", *mine).ok()) return 15;
      if (rng.below(3) == 0 && !(*store)->flush().ok()) return 16;
    }
  }
  return 0;
}

TEST_CASE("processes that share work, killed at random and replaced, lose nothing; without kills nothing is done twice") {
  constexpr int64_t kTasks = 400;
  const bool kill = GENERATE(false, true);
  Folder folder;
  const std::string path = folder.file("s.db");
  {
    auto store = open_store(path);
    REQUIRE(store->put_environment(*sample::environment()).ok());
    REQUIRE(store->put_task(sample::task()).ok());
  }
  const uint64_t seed = std::random_device()();
  INFO("seed " << seed);
  Rng rng(seed, "kills");
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  std::map<pid_t, int> running;
  uint64_t started = 0;
  const auto start = [&] {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(work(path, kTasks, seed + ++started, pipe[1]));
    ++started;
    running[child] = 1;
  };
  for (int i = 0; i < 3; ++i) start();
  for (int kills = 0; kill && kills < 10; ++kills) {
    ::usleep(static_cast<useconds_t>(rng.below(40'000)));
    const pid_t victim = std::next(running.begin(), static_cast<long>(rng.below(running.size())))->first;
    ::kill(victim, SIGKILL);
    REQUIRE(::waitpid(victim, nullptr, 0) == victim);
    running.erase(victim);
    start();
  }
  for (const auto& [child, one] : running) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  }
  ::close(pipe[1]);
  std::map<int64_t, int> played;
  for (int64_t index = 0; ::read(pipe[0], &index, sizeof index) == sizeof index;) ++played[index];
  ::close(pipe[0]);
  auto store = open_store(path);
  CHECK(store->statistics().value()["rollouts"] == kTasks);
  CHECK(store->check().value() == std::vector<std::string>());
  CHECK(played.size() == kTasks);
  if (!kill) CHECK(std::all_of(played.begin(), played.end(), [](const auto& each) { return each.second == 1; }));
}

}  // namespace
}  // namespace assay
