#include "cli/jobs.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace assay {
namespace {

// Unequal work, so that threads overtake each other.
int64_t slow_square(int64_t index) {
  std::this_thread::sleep_for(std::chrono::microseconds((index * 7919) % 300));
  return index * index;
}

std::vector<int64_t> run(int jobs, int64_t first, int64_t last) {
  std::vector<int64_t> out;
  Result<int64_t> reached = ordered_map<int64_t>(
      first, last, {.jobs = jobs}, [](int64_t index, int) -> Result<int64_t> { return slow_square(index); },
      [&](int64_t, int64_t item) -> Status {
        out.push_back(item);
        return {};
      });
  REQUIRE(reached.ok());
  CHECK(*reached == last);
  return out;
}

TEST_CASE("a heartbeat beats until it is gone") {
  std::atomic<int> beats{0};
  {
    const Heartbeat heartbeat(1, [&] { ++beats; });
    while (beats < 3) std::this_thread::yield();
  }
  const int then = beats;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(beats == then);
}

TEST_CASE("a heartbeat that is not due holds nobody up") {
  const Heartbeat heartbeat(int64_t{1} << 40, [] {});
}

}  // namespace

TEST_CASE("items reach the sink in index order, whatever the number of threads") {
  std::vector<int64_t> expected;
  for (int64_t i = 5; i < 205; ++i) expected.push_back(i * i);
  for (int jobs : {1, 2, 3, 8}) CHECK(run(jobs, 5, 205) == expected);
  CHECK(run(2, 7, 7).empty());
}

TEST_CASE("no more items than the look-ahead are under way or waiting") {
  std::atomic<int64_t> started{0};
  int64_t sunk = 0, most = 0;
  Result<int64_t> reached = ordered_map<int64_t>(
      0, 200, {.jobs = 4, .look_ahead = 6},
      [&](int64_t index, int) -> Result<int64_t> {
        ++started;
        return index;
      },
      [&](int64_t, int64_t) -> Status {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        most = std::max(most, started.load() - sunk);
        ++sunk;
        return {};
      });
  REQUIRE(reached.ok());
  CHECK(most <= 6);
  CHECK(most > 1);
}

TEST_CASE("the error of the smallest failing index ends the map, and all before it were sunk") {
  for (int jobs : {1, 2, 4}) {
    std::vector<int64_t> sunk;
    Result<int64_t> reached = ordered_map<int64_t>(
        0, 1000, {.jobs = jobs},
        [](int64_t index, int) -> Result<int64_t> {
          if (index == 40 || index == 43) return input_error("index " + std::to_string(index));
          return slow_square(index);
        },
        [&](int64_t index, int64_t) -> Status {
          sunk.push_back(index);
          return {};
        });
    REQUIRE_FALSE(reached.ok());
    CHECK(reached.error().what == "index 40");
    REQUIRE(sunk.size() == 40);
    CHECK(sunk.back() == 39);
  }
}

TEST_CASE("an error of the sink ends the map") {
  for (int jobs : {1, 3}) {
    std::atomic<int64_t> made{0};
    Result<int64_t> reached = ordered_map<int64_t>(
        0, 100'000, {.jobs = jobs},
        [&](int64_t index, int) -> Result<int64_t> {
          ++made;
          return index;
        },
        [](int64_t index, int64_t) -> Status {
          if (index == 9) return make_error(Boundary::kStore, "full");
          return {};
        });
    REQUIRE_FALSE(reached.ok());
    CHECK(reached.error().boundary == Boundary::kStore);
    CHECK(made < 1000);
  }
}

TEST_CASE("cancellation starts nothing new and loses nothing that was started") {
  for (int jobs : {1, 2, 4}) {
    std::atomic<bool> cancelled{false};
    std::mutex mutex;
    std::set<int64_t> made;
    std::vector<int64_t> sunk;
    Result<int64_t> reached = ordered_map<int64_t>(
        0, 100'000, {.jobs = jobs, .cancelled = &cancelled},
        [&](int64_t index, int) -> Result<int64_t> {
          std::lock_guard lock(mutex);
          made.insert(index);
          return index;
        },
        [&](int64_t index, int64_t) -> Status {
          sunk.push_back(index);
          if (index == 50) cancelled = true;
          return {};
        });
    REQUIRE(reached.ok());
    CHECK(*reached == static_cast<int64_t>(sunk.size()));
    CHECK(*reached < 1000);
    CHECK(std::equal(made.begin(), made.end(), sunk.begin(), sunk.end()));
  }
}

TEST_CASE("a worker's items are made by one thread") {
  std::mutex mutex;
  std::map<int, std::set<std::thread::id>> threads;
  Result<int64_t> reached = ordered_map<int64_t>(
      0, 300, {.jobs = 3},
      [&](int64_t index, int worker) -> Result<int64_t> {
        std::lock_guard lock(mutex);
        threads[worker].insert(std::this_thread::get_id());
        return index;
      },
      [](int64_t, int64_t) -> Status { return {}; });
  REQUIRE(reached.ok());
  for (const auto& [worker, ids] : threads) {
    CHECK(worker >= 0);
    CHECK(worker < 3);
    CHECK(ids.size() == 1);
  }
}

}  // namespace assay
