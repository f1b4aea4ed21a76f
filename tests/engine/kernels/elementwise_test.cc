#include "engine/kernels/elementwise.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;

enum class Operation { kAdd, kSiluMul, kHadamard, kCombine };

struct Case {
  Operation operation = Operation::kAdd;
  int64_t rows = 0, width = 0, slots = 0;
  Values values = Values::kRandom;
  int64_t x_stride = 0, y_stride = 0;   // of a Hadamard transform both are the width
  std::vector<float> x, up, y;          // y: what is there before
  std::vector<int32_t> source;
  std::vector<float> weight;
};

Case make_case(Operation operation, int64_t rows, int64_t width, Values values, int64_t slots = 0) {
  Rng rng(static_cast<uint64_t>(rows * 10'000 + width * 10 + slots), "test/elementwise");
  Case made{operation, rows, width, slots, values};
  const bool contiguous = operation == Operation::kHadamard || operation == Operation::kCombine;
  made.x_stride = contiguous ? width : width + 3;
  made.y_stride = operation == Operation::kHadamard ? width : width + 5;
  made.x = make_values(rng, rows * made.x_stride, values);
  made.up = make_values(rng, rows * made.x_stride, values == Values::kDenormal ? Values::kRandom : values);
  made.y = make_values(rng, rows * made.y_stride, values);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = width; i < made.y_stride; ++i) made.y[static_cast<size_t>(r * made.y_stride + i)] = kPoison;
  for (int64_t i = 0; i < rows * slots; ++i) {
    made.source.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(rows))));
    made.weight.push_back(static_cast<float>(rng.unit()));
  }
  return made;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (Values values : kAllValues) {
      for (int64_t width : {0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100})
        for (Operation operation : {Operation::kAdd, Operation::kSiluMul}) made.push_back(make_case(operation, 3, width, values));
      for (int64_t width : {1, 2, 4, 8, 16, 32, 64, 128, 512}) made.push_back(make_case(Operation::kHadamard, 3, width, values));
      for (int64_t width : {0, 1, 8, 15, 16, 17, 40})
        for (int64_t slots : {0, 1, 2, 8}) made.push_back(make_case(Operation::kCombine, 4, width, values, slots));
    }
    for (Operation operation : {Operation::kAdd, Operation::kSiluMul, Operation::kHadamard, Operation::kCombine}) {
      made.push_back(make_case(operation, 64, 512, Values::kOutliers, 8));   // enough for several workers
      made.push_back(make_case(operation, 0, 16, Values::kRandom, 2));
    }
    return made;
  }();
  return all;
}

std::vector<float> run(const Kernels& kernels, const Case& test, int threads, RowRange range) {
  Workers workers(threads);
  const float* x = test.x.data() + range.first * test.x_stride;
  const auto first = test.y.begin() + range.first * test.y_stride;
  std::vector<float> y(first, first + range.count * test.y_stride);
  switch (test.operation) {
    case Operation::kAdd: kernels.add({range.count, test.width, x, test.x_stride, y.data(), test.y_stride}, workers); break;
    case Operation::kSiluMul:
      kernels.silu_mul({range.count, test.width, x, test.up.data() + range.first * test.x_stride, test.x_stride, y.data(), test.y_stride}, workers);
      break;
    case Operation::kHadamard:
      y.assign(x, x + range.count * test.width);
      kernels.hadamard({range.count, test.width, y.data()}, workers);
      break;
    case Operation::kCombine:
      kernels.combine({range.count, test.width, test.slots, test.x.data(), test.source.data() + range.first * test.slots,
                       test.weight.data() + range.first * test.slots, y.data(), test.y_stride}, workers);
      break;
  }
  return y;
}

std::vector<float> run(const Kernels& kernels, const Case& test, int threads = 1) { return run(kernels, test, threads, {0, test.rows}); }

std::string described(const Kernels& kernels, const Case& test) {
  constexpr const char* kNames[] = {" add ", " silu_mul ", " hadamard ", " combine "};
  return kernels.name + kNames[static_cast<int>(test.operation)] + std::to_string(test.rows) + " x " + std::to_string(test.width) + " slots " +
         std::to_string(test.slots) + " values " + std::to_string(static_cast<int>(test.values));
}

// What the header's tolerances are relative to; NaN and infinities do not count.
double magnitude(const Case& test, const std::vector<float>& want, size_t i) {
  const auto finite = [](double value) { return std::isfinite(value) ? std::abs(value) : 0.0; };
  const int64_t row = static_cast<int64_t>(i) / test.y_stride, column = static_cast<int64_t>(i) % test.y_stride;
  if (column >= test.width) return 0;
  double sum = 0;
  switch (test.operation) {
    case Operation::kAdd: return finite(test.y[i]) + finite(test.x[static_cast<size_t>(row * test.x_stride + column)]);
    case Operation::kSiluMul: return finite(want[i]);
    case Operation::kHadamard:
      for (int64_t k = 0; k < test.width; ++k) sum += finite(test.x[static_cast<size_t>(row * test.width + k)]);
      return sum / std::sqrt(static_cast<double>(test.width));
    case Operation::kCombine:
      sum = finite(test.y[i]);
      for (int64_t j = row * test.slots; j < (row + 1) * test.slots; ++j)
        sum += finite(test.weight[static_cast<size_t>(j)] * test.x[static_cast<size_t>(test.source[static_cast<size_t>(j)] * test.width + column)]);
      return sum;
  }
  return 0;
}

TEST_CASE("elementwise kernels agree with the reference and write nothing beside their rows") {
  for (const Case& test : cases()) {
    const std::vector<float> want = run(cpu_kernels().front(), test);
    for (const Kernels& kernels : tested_kernels()) {
      INFO(described(kernels, test));
      const std::vector<float> got = run(kernels, test, 2);
      CHECK(disagreement(got, want, 1e-6, [&](size_t i) { return magnitude(test, want, i); }) == "");
      for (size_t i = 0; i < got.size(); ++i)
        if (static_cast<int64_t>(i) % test.y_stride >= test.width) REQUIRE(got[i] == kPoison);
    }
  }
}

TEST_CASE("a row's elementwise results have the same bits in any company and with any threads") {
  for (const Kernels& kernels : tested_kernels())
    for (const Case& test : cases()) {
      INFO(described(kernels, test));
      if (test.rows > 0 && test.y_stride > 0) CHECK(row_dependence(test.rows, [&](int threads, RowRange rows) { return run(kernels, test, threads, rows); }) == "");
    }
}

TEST_CASE("silu_mul may write over its gate") {
  for (const Kernels& kernels : tested_kernels())
    for (const Case& test : cases()) {
      if (test.operation != Operation::kSiluMul) continue;
      INFO(described(kernels, test));
      const std::vector<float> apart = run(kernels, test);
      std::vector<float> gate = test.x;
      Workers workers(2);
      kernels.silu_mul({test.rows, test.width, gate.data(), test.up.data(), test.x_stride, gate.data(), test.x_stride}, workers);
      const auto width = static_cast<size_t>(test.width);
      for (size_t r = 0; r < static_cast<size_t>(test.rows); ++r)
        REQUIRE(same_numbers(std::span(gate).subspan(r * (width + 3), width), std::span(apart).subspan(r * (width + 5), width)));
    }
}

// From where exp(-a) overflows to where it vanishes.
TEST_CASE("silu_mul holds its tolerance over the whole range of gates") {
  std::vector<float> gate;
  for (double a = -87; a <= 1000; a += a < 100 ? 0.0137 : 7) gate.push_back(static_cast<float>(a));
  for (float a : {-kInfinity, -3e38f, -200.0f, -104.0f, -88.8f, -1e-30f, -0.0f, 0.0f, 1e-45f, 3e38f, kInfinity, kNan}) gate.push_back(a);
  const std::vector<float> up(gate.size(), -1.5f);
  const auto size = static_cast<int64_t>(gate.size());
  Workers workers(1);
  std::vector<float> want(gate.size()), got(gate.size());
  cpu_kernels().front().silu_mul({1, size, gate.data(), up.data(), size, want.data(), size}, workers);
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    kernels.silu_mul({1, size, gate.data(), up.data(), size, got.data(), size}, workers);
    CHECK(disagreement(got, want, 1e-6) == "");
  }
}

TEST_CASE("elementwise results worked out by hand") {
  Workers workers(1);
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    std::vector<float> x = {1, 2, 3, 4}, gathered(6);
    const std::vector<int32_t> rows = {1, 0, 1};
    kernels.gather({3, 2, x.data(), rows.data(), gathered.data()}, workers);
    CHECK(gathered == std::vector<float>{3, 4, 1, 2, 3, 4});
    kernels.scale({5, gathered.data(), 0.5f}, workers);
    CHECK(gathered == std::vector<float>{1.5f, 2, 0.5f, 1, 1.5f, 4});
    kernels.hadamard({1, 4, x.data()}, workers);
    CHECK(x == std::vector<float>{5, -1, -2, 0});
    const std::vector<float> gate = {0, static_cast<float>(std::log(3.0))}, up = {5, 8};
    std::vector<float> y(2);
    kernels.silu_mul({1, 2, gate.data(), up.data(), 2, y.data(), 2}, workers);   // the sigmoid of ln 3 is 3/4
    CHECK(disagreement(y, std::vector<float>{0, 6 * static_cast<float>(std::log(3.0))}, 1e-6) == "");
    const std::vector<float> experts = {1, 10, 2, 20, 4, 40}, weight = {0.5f, 2};
    const std::vector<int32_t> source = {2, 0};
    std::vector<float> sum = {100, 200};
    kernels.combine({1, 2, 2, experts.data(), source.data(), weight.data(), sum.data(), 2}, workers);
    CHECK(sum == std::vector<float>{104, 240});
    kernels.add({1, 2, experts.data(), 2, sum.data(), 2}, workers);
    CHECK(sum == std::vector<float>{105, 250});
  }
}

}  // namespace
}  // namespace assay
