#include "engine/runtime/workers.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace assay {
namespace {

TEST_CASE("every item of a loop is done once, and all are done when it returns") {
  for (int threads : {1, 2, 3, 8}) {
    Workers workers(threads);
    CHECK(workers.count() == threads);
    // Short loops in quick succession: a worker may come when its loop is over and the next one open.
    for (int64_t round = 0; round < 3'000; ++round) {
      const int64_t items = round % 7;
      std::vector<int64_t> done(static_cast<size_t>(items), 0);
      std::atomic<int64_t> calls = 0;
      workers.run(items, [&](int64_t item, int worker) {
        if (worker >= 0 && worker < threads) done[static_cast<size_t>(item)] += item + 1;
        ++calls;
      });
      REQUIRE(calls == items);
      for (int64_t item = 0; item < items; ++item) REQUIRE(done[static_cast<size_t>(item)] == item + 1);
    }
  }
}

TEST_CASE("workers that fell asleep are woken, and a caller sleeps until the last of them is done") {
  Workers workers(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::mutex mutex;
    std::set<int> seen;
    std::atomic<int> waiting = 0;
    workers.run(3, [&](int64_t, int worker) {
      ++waiting;
      while (waiting < 3) std::this_thread::yield();   // nobody leaves before three have come, so three different ones have
      if (worker != 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
      std::lock_guard lock(mutex);
      seen.insert(worker);
    });
    CHECK(seen == std::set<int>{0, 1, 2});
  }
}

TEST_CASE("scratch is a worker's own, aligned, and kept until it asks again") {
  Workers workers(2);
  std::byte* first = workers.scratch(0, 100);
  std::byte* second = workers.scratch(1, 100);
  CHECK(first != second);
  for (size_t bytes : {size_t{1}, size_t{100}, size_t{100'000}}) CHECK(reinterpret_cast<uintptr_t>(workers.scratch(0, bytes)) % 64 == 0);
  std::byte* grown = workers.scratch(0, 100'000);
  grown[99'999] = std::byte{7};
  CHECK(workers.scratch(0, 10) == grown);
  CHECK(workers.scratch(1, 100) == second);
}

TEST_CASE("workers that never worked end") {
  for (int threads : {1, 2, 16}) Workers workers(threads);
}

}  // namespace
}  // namespace assay
