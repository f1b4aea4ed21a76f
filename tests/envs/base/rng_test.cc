#include "envs/base/rng.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

namespace assay {
namespace {

TEST_CASE("draws are a function of seed, stream and index, the same on every machine") {
  CHECK(mix64(0) == 0);
  CHECK(mix64(0x9e3779b97f4a7c15ULL) == 0xe220a8397b1dcdafULL);  // SplitMix64 with seed 0: its published first output
  Rng rng(1, "rows/hotel", 7), same(1, stream_of("rows/hotel"), 7);
  for (int i = 0; i < 100; ++i) CHECK(rng.next() == same.next());
}

TEST_CASE("neighbouring seeds, streams and indexes share no draws") {
  std::set<uint64_t> seen;
  size_t drawn = 0;
  for (uint64_t seed = 0; seed < 10; ++seed)
    for (uint64_t stream = 0; stream < 10; ++stream)
      for (uint64_t index = 0; index < 10; ++index) {
        Rng rng(seed, stream, index);
        for (int i = 0; i < 50; ++i, ++drawn) seen.insert(rng.next());
      }
  CHECK(seen.size() == drawn);
}

TEST_CASE("draws below a bound are uniform") {
  Rng rng(5, "uniform");
  for (uint64_t bound : {1, 2, 3, 10, 97}) {
    std::vector<double> counts(bound);
    const double expected = 2000;
    for (double i = 0; i < expected * static_cast<double>(bound); ++i) ++counts[rng.below(bound)];
    double chi_squared = 0;
    for (double count : counts) chi_squared += (count - expected) * (count - expected) / expected;
    const double freedom = static_cast<double>(bound) - 1;
    CHECK(chi_squared <= freedom + 4 * std::sqrt(2 * freedom) + 1e-9);
  }
}

TEST_CASE("ranges include both ends, up to the whole range") {
  Rng rng(6, "between");
  std::set<int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(rng.between(-2, 3));
  CHECK(seen == std::set<int64_t>{-2, -1, 0, 1, 2, 3});
  CHECK(rng.between(9, 9) == 9);
  CHECK(rng.between(INT64_MAX - 1, INT64_MAX) >= INT64_MAX - 1);
  for (int i = 0; i < 1000; ++i) {
    const double unit = rng.unit();
    CHECK((unit >= 0 && unit < 1));
  }
}

TEST_CASE("a shuffle is a permutation, and every one is as likely") {
  std::vector<int> counts(24);
  for (uint64_t i = 0; i < 24'000; ++i) {
    std::vector<int> items = {0, 1, 2, 3}, sorted;
    Rng(7, "shuffle", i).shuffle(items);
    sorted = items;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted == std::vector<int>{0, 1, 2, 3});
    std::vector<int> identity = {0, 1, 2, 3};
    int rank = 0;
    while (identity != items) std::next_permutation(identity.begin(), identity.end()), ++rank;
    ++counts[static_cast<size_t>(rank)];
  }
  for (int count : counts) CHECK(std::abs(count - 1000) < 160);  // five standard deviations
}

}  // namespace
}  // namespace assay
