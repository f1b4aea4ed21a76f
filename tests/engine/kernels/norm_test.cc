#include "engine/kernels/norm.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;

enum class Norm { kRms, kLayer };

struct Case {
  Norm norm = Norm::kRms;
  int64_t rows = 0, width = 0;
  float epsilon = 1e-6f, shift = 0;
  Values values = Values::kRandom;
  std::vector<float> x, weight, bias;   // x: rows width + 5 apart
};

Case make_case(Norm norm, int64_t rows, int64_t width, Values values, float shift = 0, float epsilon = 1e-6f) {
  Rng rng(static_cast<uint64_t>(rows * 10'000 + width), "test/norm");
  Case made{norm, rows, width, epsilon, shift, values, make_values(rng, rows * (width + 5), values), random_floats(rng, width), random_floats(rng, width)};
  for (float& value : made.x) value += shift;
  return made;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (Norm norm : {Norm::kRms, Norm::kLayer}) {
      for (Values values : kAllValues)
        for (int64_t width : {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 200}) made.push_back(make_case(norm, 3, width, values));
      for (int64_t width : {384, 1001, 7168}) {
        made.push_back(make_case(norm, 64, width, Values::kOutliers));
        made.push_back(make_case(norm, 9, width, Values::kRandom, 1000));   // a mean far larger than the deviation
        made.push_back(make_case(norm, 2, width, Values::kEqual, 1000));
      }
      made.push_back(make_case(norm, 64, 128, Values::kNan));
      made.push_back(make_case(norm, 0, 128, Values::kRandom));
      made.push_back(make_case(norm, 4, 0, Values::kRandom));
      made.push_back(make_case(norm, 4, 40, Values::kZero, 0, 0));   // 0 / 0 without an epsilon
      made.push_back(make_case(norm, 4, 40, Values::kRandom, 0, 1.0f));
    }
    return made;
  }();
  return all;
}

std::vector<float> run(const Kernels& kernels, const Case& test, int threads, RowRange range) {
  std::vector<float> y = poisoned(range.count * (test.width + 2));
  Workers workers(threads);
  NormKernel* kernel = test.norm == Norm::kRms ? kernels.rms_norm : kernels.layer_norm;
  kernel({range.count, test.width, test.epsilon, test.x.data() + range.first * (test.width + 5), test.width + 5, test.weight.data(),
          test.norm == Norm::kRms ? nullptr : test.bias.data(), y.data(), test.width + 2}, workers);
  return y;
}

std::vector<float> run(const Kernels& kernels, const Case& test, int threads = 1) { return run(kernels, test, threads, {0, test.rows}); }

std::string described(const Kernels& kernels, const Case& test) {
  return kernels.name + (test.norm == Norm::kRms ? " RMS " : " layer ") + std::to_string(test.rows) + " x " + std::to_string(test.width) + " values " +
         std::to_string(static_cast<int>(test.values)) + " shift " + std::to_string(test.shift);
}

// The largest finite |y| of each row.
std::vector<double> largest_of_rows(const Case& test, const std::vector<float>& y) {
  std::vector<double> largest(static_cast<size_t>(test.rows), 0.0);
  for (int64_t r = 0; r < test.rows; ++r)
    for (int64_t i = 0; i < test.width; ++i) {
      const double value = std::abs(static_cast<double>(y[static_cast<size_t>(r * (test.width + 2) + i)]));
      if (std::isfinite(value)) largest[static_cast<size_t>(r)] = std::max(largest[static_cast<size_t>(r)], value);
    }
  return largest;
}

TEST_CASE("norms agree with the reference and write nothing beside their rows") {
  for (const Case& test : cases()) {
    const std::vector<float> want = run(cpu_kernels().front(), test);
    const std::vector<double> largest = largest_of_rows(test, want);
    for (const Kernels& kernels : tested_kernels()) {
      INFO(described(kernels, test));
      const std::vector<float> got = run(kernels, test, 2);
      CHECK(disagreement(got, want, 1e-6, [&](size_t i) { return largest[i / static_cast<size_t>(test.width + 2)]; }) == "");
      for (int64_t r = 0; r < test.rows; ++r)
        for (int64_t i = test.width; i < test.width + 2; ++i) REQUIRE(got[static_cast<size_t>(r * (test.width + 2) + i)] == kPoison);
    }
  }
}

TEST_CASE("a row's norm has the same bits in any company and with any threads") {
  for (const Kernels& kernels : tested_kernels())
    for (const Case& test : cases()) {
      INFO(described(kernels, test));
      if (test.rows > 0) CHECK(row_dependence(test.rows, [&](int threads, RowRange rows) { return run(kernels, test, threads, rows); }) == "");
    }
}

TEST_CASE("norms may work in place") {
  for (const Kernels& kernels : tested_kernels())
    for (const Case& test : cases()) {
      INFO(described(kernels, test));
      const std::vector<float> apart = run(kernels, test);
      Case inside = test;
      Workers workers(2);
      NormKernel* kernel = test.norm == Norm::kRms ? kernels.rms_norm : kernels.layer_norm;
      kernel({test.rows, test.width, test.epsilon, inside.x.data(), test.width + 5, test.weight.data(), test.bias.data(), inside.x.data(), test.width + 5}, workers);
      for (int64_t r = 0; r < test.rows; ++r) {
        const auto width = static_cast<size_t>(test.width);
        REQUIRE(same_numbers(std::span(inside.x).subspan(static_cast<size_t>(r) * (width + 5), width), std::span(apart).subspan(static_cast<size_t>(r) * (width + 2), width)));
      }
    }
}

TEST_CASE("norms of rows worked out by hand") {
  Workers workers(1);
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    const std::vector<float> x = {3, -4, 0, 0}, weight = {1, 2, 3, 4}, bias = {0, 0, 10, 0};
    std::vector<float> y(4);
    kernels.rms_norm({1, 4, 0, x.data(), 4, weight.data(), nullptr, y.data(), 4}, workers);   // the mean of squares is 6.25
    CHECK(disagreement(y, std::vector<float>{1.2f, -3.2f, 0, 0}, 1e-6) == "");
    const std::vector<float> steps = {1, 3, 1, 3};
    kernels.layer_norm({1, 4, 3, steps.data(), 4, weight.data(), bias.data(), y.data(), 4}, workers);   // variance 1, and 3 is added
    CHECK(disagreement(y, std::vector<float>{-0.5f, 1, 8.5f, 2}, 1e-6) == "");
  }
}

}  // namespace
}  // namespace assay
