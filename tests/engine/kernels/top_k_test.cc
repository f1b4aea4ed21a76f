#include "engine/kernels/top_k.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "envs/base/rng.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using testing::kInfinity;
using testing::kNan;
using testing::tested_kernels;


enum class Values { kRandom, kTied, kFewLevels, kMasked, kNan, kInfinite, kOutliers, kAscending, kDescending, kSignedZeros, kClose };

float draw(Rng& rng, Values values, int64_t i) {
  const float random = static_cast<float>(rng.unit() * 2 - 1);
  switch (values) {
    case Values::kRandom: return random;
    case Values::kTied: return 0.25f;
    case Values::kFewLevels: return std::max(0.0f, static_cast<float>(rng.below(5)) - 2);   // mostly zero, like a ReLU
    case Values::kMasked: return rng.below(4) ? -kInfinity : random;
    case Values::kNan: return rng.below(3) ? random : rng.below(2) ? kNan : -kNan;
    case Values::kInfinite: return rng.below(50) ? random : rng.below(2) ? kInfinity : -kInfinity;
    case Values::kOutliers: return rng.below(40) ? random * 1e-30f : random * 1e30f;
    case Values::kAscending: return static_cast<float>(i);
    case Values::kDescending: return static_cast<float>(-i);
    case Values::kSignedZeros: return rng.below(8) ? (rng.below(2) ? 0.0f : -0.0f) : random;
    case Values::kClose: return 1.0f + static_cast<float>(rng.below(64)) * 0x1p-23f;
  }
  return 0;
}

struct Rows {
  int64_t k = 0, stride = 0;
  std::vector<int64_t> lengths;
  std::vector<float> values;
};

// What lies beyond a length is larger than anything in the row.
Rows make_rows(uint64_t seed, Values values, int64_t k, std::vector<int64_t> lengths) {
  Rng rng(seed, "test/top_k");
  Rows rows{k, 3 + *std::max_element(lengths.begin(), lengths.end()), std::move(lengths), {}};
  rows.values.assign(rows.lengths.size() * static_cast<size_t>(rows.stride), kInfinity);
  for (size_t r = 0; r < rows.lengths.size(); ++r)
    for (int64_t i = 0; i < rows.lengths[r]; ++i) rows.values[r * static_cast<size_t>(rows.stride) + static_cast<size_t>(i)] = draw(rng, values, i);
  return rows;
}

struct Taken {
  std::vector<int32_t> indices;
  std::vector<int64_t> counts;
  bool operator==(const Taken&) const = default;
};

Taken take(const Kernels& kernels, const Rows& rows, int threads, size_t first = 0, size_t count = SIZE_MAX) {
  count = std::min(count, rows.lengths.size() - first);
  Taken taken{std::vector<int32_t>(count * static_cast<size_t>(rows.k), -77), std::vector<int64_t>(count, -77)};
  Workers workers(threads);
  kernels.top_k({static_cast<int64_t>(count), rows.k, rows.values.data() + first * static_cast<size_t>(rows.stride), rows.stride,
                 rows.lengths.data() + first, taken.indices.data(), taken.counts.data()}, workers);
  return taken;
}

const std::vector<Rows>& cases() {
  static const std::vector<Rows> all = [] {
    std::vector<Rows> made;
    uint64_t seed = 1;
    for (int value = 0; value <= static_cast<int>(Values::kClose); ++value) {
      made.push_back(make_rows(seed++, static_cast<Values>(value), 5, {0, 1, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 100}));
      made.push_back(make_rows(seed++, static_cast<Values>(value), 1, {1, 2, 3000}));
      made.push_back(make_rows(seed++, static_cast<Values>(value), 64, {1000, 63, 64, 65, 2048, 2049, 5000, 20'011}));
      made.push_back(make_rows(seed++, static_cast<Values>(value), 2048, {2047, 2048, 2049, 4096, 9999, 40'000}));
    }
    made.push_back(make_rows(seed++, Values::kRandom, 0, {0, 7}));
    made.push_back(make_rows(seed++, Values::kRandom, 512, {100'000, 32'768}));
    return made;
  }();
  return all;
}

TEST_CASE("top-k takes the largest, the lowest index among equals, NaN as minus infinity") {
  Workers workers(1);
  const std::vector<float> values = {1, 3, -0.0f, 3, kNan, 0, -kInfinity, 2};
  const int64_t length = 8;
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    std::vector<int32_t> indices(10, -77);
    int64_t count = 0;
    kernels.top_k({1, 1, values.data(), 8, &length, indices.data(), &count}, workers);
    CHECK(indices[0] == 1);
    kernels.top_k({1, 5, values.data(), 8, &length, indices.data(), &count}, workers);
    CHECK(std::vector<int32_t>(indices.begin(), indices.begin() + 6) == std::vector<int32_t>{0, 1, 2, 3, 7, -77});
    kernels.top_k({1, 7, values.data(), 8, &length, indices.data(), &count}, workers);
    CHECK(std::vector<int32_t>(indices.begin(), indices.begin() + 7) == std::vector<int32_t>{0, 1, 2, 3, 4, 5, 7});
    kernels.top_k({1, 10, values.data(), 8, &length, indices.data(), &count}, workers);
    CHECK(indices == std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, -1, -1});
    CHECK(count == 8);
  }
}

TEST_CASE("every top-k chooses as the reference does, with any number of threads") {
  for (size_t i = 0; i < cases().size(); ++i)
    DYNAMIC_SECTION("case " << i) {   // test-gpu.sh picks some
      const Taken want = take(cpu_kernels().front(), cases()[i], 1);
      for (const Kernels& kernels : tested_kernels())
        for (int threads : {1, 2, 3}) {
          INFO(kernels.name << ", " << threads << " threads");
          CHECK(take(kernels, cases()[i], threads) == want);
        }
    }
}

TEST_CASE("a row's top-k is the same alone as among others") {
  for (const Kernels& kernels : tested_kernels())
    for (const Rows& rows : cases()) {
      const Taken together = take(kernels, rows, 2);
      for (size_t r = 0; r < rows.lengths.size(); ++r) {
        const Taken alone = take(kernels, rows, 1, r, 1);
        CHECK(alone.counts[0] == together.counts[r]);
        CHECK(std::equal(alone.indices.begin(), alone.indices.end(), together.indices.begin() + static_cast<std::ptrdiff_t>(r) * rows.k));
      }
    }
}

}  // namespace
}  // namespace assay
