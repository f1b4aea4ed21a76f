#include "engine/kernels/split.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

namespace assay {
namespace {

TEST_CASE("rows are cut into ranges that cover each of them once") {
  for (int threads : {1, 2, 3, 7}) {
    Workers workers(threads);
    for (int64_t rows : {0, 1, 2, 3, 7, 64, 1000})
      for (int64_t cost : {0, 1, 100, 1'000'000}) {
        INFO(threads << " threads, " << rows << " rows of " << cost);
        std::vector<std::atomic<int>> seen(static_cast<size_t>(rows));
        for_rows(workers, rows, cost, [&](int64_t first, int64_t last) {
          for (int64_t r = first; r < last; ++r) ++seen.at(static_cast<size_t>(r));
        });
        for (const std::atomic<int>& times : seen) REQUIRE(times == 1);
      }
  }
}

}  // namespace
}  // namespace assay
