#include "engine/kernels/rope.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;

struct Case {
  int64_t rows = 0, heads = 0, width = 0;
  RopeLayout layout = RopeLayout::kInterleaved;
  Values values = Values::kRandom;
  int64_t head_stride = 0, row_stride = 0;
  std::vector<float> x, cosines, sines;
};

Case make_case(int64_t rows, int64_t heads, int64_t width, RopeLayout layout, Values values) {
  Rng rng(static_cast<uint64_t>(rows * 10'000 + heads * 100 + width), "test/rope");
  Case made{rows, heads, width, layout, values, width + 3, heads * (width + 3) + 2, {}, {}, {}};
  made.x = make_values(rng, rows * made.row_stride, values);
  for (int64_t i = 0; i < rows * width / 2; ++i) {
    const double angle = rng.unit() * 1e4;
    made.cosines.push_back(static_cast<float>(std::cos(angle)));
    made.sines.push_back(static_cast<float>(std::sin(angle)));
  }
  return made;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (RopeLayout layout : {RopeLayout::kInterleaved, RopeLayout::kHalfSplit}) {
      for (Values values : kAllValues)
        for (int64_t width : {2, 4, 6, 8, 10, 14, 16, 18, 30, 32, 34, 62, 64, 66, 128}) made.push_back(make_case(3, 2, width, layout, values));
      made.push_back(make_case(64, 12, 32, layout, Values::kOutliers));   // enough for several workers
      made.push_back(make_case(0, 2, 16, layout, Values::kRandom));
      made.push_back(make_case(2, 0, 16, layout, Values::kRandom));
      made.push_back(make_case(2, 2, 0, layout, Values::kRandom));
    }
    return made;
  }();
  return all;
}

std::vector<float> run(const Kernels& kernels, const Case& test, int threads, RowRange range) {
  const auto begin = test.x.begin() + range.first * test.row_stride;
  std::vector<float> x(begin, begin + range.count * test.row_stride);
  Workers workers(threads);
  kernels.rope({range.count, test.heads, test.width, x.data(), test.row_stride, test.head_stride, test.cosines.data() + range.first * test.width / 2,
                test.sines.data() + range.first * test.width / 2, test.layout}, workers);
  return x;
}

std::string described(const Kernels& kernels, const Case& test) {
  return kernels.name + (test.layout == RopeLayout::kInterleaved ? " interleaved " : " half-split ") + std::to_string(test.rows) + " rows of " +
         std::to_string(test.heads) + " x " + std::to_string(test.width) + " values " + std::to_string(static_cast<int>(test.values));
}

TEST_CASE("pairs are turned as both layouts name them, and what is not rotary stays") {
  Workers workers(1);
  const std::vector<float> cosines = {0, 0.5f}, sines = {1, 2};   // (a, b) becomes (-b, a), and (a / 2 - 2 b, b / 2 + 2 a)
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    std::vector<float> x = {1, 2, 3, 4, 99};
    kernels.rope({1, 1, 4, x.data(), 5, 5, cosines.data(), sines.data(), RopeLayout::kInterleaved}, workers);
    CHECK(x == std::vector<float>{-2, 1, -6.5f, 8, 99});
    x = {1, 2, 3, 4, 99};
    kernels.rope({1, 1, 4, x.data(), 5, 5, cosines.data(), sines.data(), RopeLayout::kHalfSplit}, workers);
    CHECK(x == std::vector<float>{-3, -7, 1, 6, 99});
  }
}

TEST_CASE("every rotary embedding has the reference's numbers, bit for bit") {
  for (const Case& test : cases()) {
    const std::vector<float> want = run(cpu_kernels().front(), test, 1, {0, test.rows});
    for (const Kernels& kernels : tested_kernels()) {
      INFO(described(kernels, test));
      CHECK(same_numbers(run(kernels, test, 2, {0, test.rows}), want));
    }
  }
}

TEST_CASE("a row's rotary embedding has the same bits in any company and with any threads") {
  for (const Kernels& kernels : tested_kernels())
    for (const Case& test : cases()) {
      INFO(described(kernels, test));
      if (test.rows > 0) CHECK(row_dependence(test.rows, [&](int threads, RowRange rows) { return run(kernels, test, threads, rows); }) == "");
    }
}

// In double, on inputs of no special kind: the reference itself is held against the formula.
TEST_CASE("angles are float32 products, their cosines and sines rounded once") {
  const std::vector<int64_t> positions = {0, 1, 77, 4095, 163'839};
  std::vector<float> frequencies;
  for (int i = 0; i < 32; ++i) frequencies.push_back(static_cast<float>(std::pow(10000.0, -i / 32.0)));
  Workers workers(2);
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    std::vector<float> cosines(positions.size() * 32), sines(cosines.size());
    kernels.rope_angles({static_cast<int64_t>(positions.size()), 32, positions.data(), frequencies.data(), 1.25f, cosines.data(), sines.data()}, workers);
    for (size_t i = 0; i < cosines.size(); ++i) {
      const float angle = static_cast<float>(positions[i / 32]) * frequencies[i % 32];
      CHECK(std::abs(cosines[i] - 1.25 * std::cos(static_cast<double>(angle))) <= 1.25e-7);
      CHECK(std::abs(sines[i] - 1.25 * std::sin(static_cast<double>(angle))) <= 1.25e-7);
    }
  }
}

TEST_CASE("the rotary reference is a rotation") {
  const Case test = make_case(5, 3, 64, RopeLayout::kHalfSplit, Values::kRandom);
  const std::vector<float> got = run(cpu_kernels().front(), test, 1, {0, test.rows});
  std::vector<float> want = test.x, magnitude(test.x.size(), 1.0f);
  for (int64_t r = 0; r < test.rows; ++r)
    for (int64_t h = 0; h < test.heads; ++h)
      for (int64_t i = 0; i < 32; ++i) {
        const auto first = static_cast<size_t>(r * test.row_stride + h * test.head_stride + i), pair = static_cast<size_t>(r * 32 + i);
        const double a = test.x[first], b = test.x[first + 32], cosine = test.cosines[pair], sine = test.sines[pair];
        want[first] = static_cast<float>(a * cosine - b * sine);
        want[first + 32] = static_cast<float>(b * cosine + a * sine);
        magnitude[first] = magnitude[first + 32] = static_cast<float>(std::abs(a) + std::abs(b));
      }
  CHECK(disagreement(got, want, 3e-7, [&](size_t i) { return magnitude[i]; }) == "");
}

}  // namespace
}  // namespace assay
