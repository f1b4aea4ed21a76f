#include "engine/kernels/gemm.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "engine/kernels/kernels.h"
#include "engine/kernels/quantize_group.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;

constexpr WeightType kTypes[] = {WeightType::kF32, WeightType::kBf16, WeightType::kE4m3};

// Random weights with the values of their type; `row_major` are the numbers they stand for, without scales.
struct Matrix {
  Weight weight;
  std::vector<float> row_major, scales;
};

Matrix make_matrix(Rng& rng, WeightType type, int64_t rows, int64_t columns, Values values = Values::kRandom) {
  Matrix made{{}, make_values(rng, rows * columns, values), {}};
  std::vector<uint16_t> halves;
  std::vector<uint8_t> codes;
  for (float& value : made.row_major) {
    halves.push_back(float_to_bf16(value));
    codes.push_back(float_to_e4m3(value));
    if (type == WeightType::kBf16) value = bf16_to_float(halves.back());
    if (type == WeightType::kE4m3) value = e4m3_to_float(codes.back());
  }
  for (int64_t i = 0; i < scale_groups(rows) * scale_groups(columns); ++i) made.scales.push_back(static_cast<float>(0.5 + rng.unit()));
  const void* data = type == WeightType::kF32 ? static_cast<const void*>(made.row_major.data()) : type == WeightType::kBf16 ? static_cast<const void*>(halves.data()) : codes.data();
  made.weight = pack_weight(type, data, rows, columns, columns, 1, made.scales.data());
  return made;
}

enum class Bias { kNo, kYes };
enum class Rows { kInOrder, kGathered };

struct Shape {
  int64_t rows = 0, outputs = 0, columns = 0;
  Bias bias = Bias::kNo;
  Rows order = Rows::kInOrder;
};

// Every size of tile, a chunk more and less than full, panels, groups of scales; nothing of each.
const std::vector<Shape> kShapes = {
    {1, 1, 1},   {0, 64, 128},   {5, 0, 128},    {3, 70, 0, Bias::kYes}, {3, 70, 0}, {1, 64, 128}, {2, 63, 127, Bias::kYes}, {3, 65, 129, Bias::kNo, Rows::kGathered},
    {4, 130, 7}, {5, 200, 300},  {6, 64, 256},   {7, 100, 260, Bias::kYes, Rows::kGathered}, {8, 16, 130},  {11, 33, 385},  {12, 129, 50},
    {23, 64, 200, Bias::kYes}, {24, 70, 128}, {25, 150, 140, Bias::kNo, Rows::kGathered}, {64, 300, 256, Bias::kYes}, {95, 65, 100}, {96, 257, 129}, {97, 64, 130}, {200, 129, 150},
    {2, 70, 1500}, {40, 130, 2100, Bias::kYes},   // several chunks, on CUDA shared among blocks
};

struct Case {
  Shape shape;
  WeightType type = WeightType::kF32;
  Values values = Values::kRandom;
  Matrix matrix;
  std::vector<float> x, bias;       // x: rows columns + 3 apart
  std::vector<int32_t> x_rows;      // empty: in order
  int64_t y_stride() const { return shape.outputs + 2; }
};

Case make_case(const Shape& shape, WeightType type, Values values, Values weights = Values::kRandom) {
  Rng rng(static_cast<uint64_t>(shape.rows * 1'000'000 + shape.outputs * 1000 + shape.columns), "test/gemm");
  Case made{shape, type, values, make_matrix(rng, type, shape.outputs, shape.columns, weights), {}, {}, {}};
  made.x = make_values(rng, (shape.rows + 1) * (shape.columns + 3), values);
  if (shape.bias == Bias::kYes) made.bias = random_floats(rng, shape.outputs);
  if (shape.order == Rows::kGathered)
    for (int64_t r = 0; r < shape.rows; ++r) made.x_rows.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(shape.rows))));
  return made;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (WeightType type : kTypes) {
      for (const Shape& shape : kShapes) made.push_back(make_case(shape, type, Values::kRandom));
      for (Values values : {Values::kOutliers, Values::kEqual, Values::kZero, Values::kDenormal, Values::kNan, Values::kInfinite})
        for (int64_t rows : {1, 5, 20}) {
          made.push_back(make_case({rows, 70, 200}, type, values));
          if (values != Values::kDenormal) made.push_back(make_case({rows, 70, 200}, type, Values::kRandom, values));
        }
    }
    // Outputs enough to fill a device with the largest tiles; rows of x that are aligned to 16 bytes, and some that are not.
    made.push_back(make_case({70, 66 * 128 - 5, 69, Bias::kYes, Rows::kGathered}, WeightType::kBf16, Values::kRandom));
    for (Values values : {Values::kOutliers, Values::kNan, Values::kInfinite}) made.push_back(make_case({70, 66 * 128, 66}, WeightType::kBf16, values));
    return made;
  }();
  return all;
}

GemmProblem problem_of(const Case& test, RowRange range, float* y) {
  const int64_t stride = test.shape.columns + 3;
  const bool gathered = !test.x_rows.empty();
  return {&test.matrix.weight, test.x.data() + (gathered ? 0 : range.first * stride), stride, gathered ? test.x_rows.data() + range.first : nullptr,
          y, test.y_stride(), range.count, test.bias.empty() ? nullptr : test.bias.data()};
}

std::vector<float> run(const Kernels& kernels, const Case& test, int threads, RowRange range) {
  std::vector<float> y = poisoned(range.count * test.y_stride());
  Workers workers(threads);
  const GemmProblem problem = problem_of(test, range, y.data());
  kernels.gemm({&problem, 1}, workers);
  return y;
}

std::vector<float> run(const Kernels& kernels, const Case& test, int threads = 1) { return run(kernels, test, threads, {0, test.shape.rows}); }

std::string described(const Kernels& kernels, const Case& test) {
  return kernels.name + " type " + std::to_string(static_cast<int>(test.type)) + ": " + std::to_string(test.shape.rows) + " rows, " + std::to_string(test.shape.outputs) +
         " outputs, " + std::to_string(test.shape.columns) + " columns, values " + std::to_string(static_cast<int>(test.values));
}

// Sums of |x||w|: the same problem without signs.
std::vector<float> magnitudes(const Case& test) {
  Case positive = test;
  for (std::vector<float>* values : {&positive.x, &positive.matrix.row_major, &positive.bias})
    for (float& value : *values) value = std::isfinite(value) ? std::abs(value) : 0;
  const Matrix& matrix = positive.matrix;
  std::vector<uint8_t> codes;
  for (float value : matrix.row_major) codes.push_back(float_to_e4m3(value));
  const bool e4m3 = test.type == WeightType::kE4m3;
  positive.matrix.weight = pack_weight(e4m3 ? WeightType::kE4m3 : WeightType::kF32, e4m3 ? static_cast<const void*>(codes.data()) : matrix.row_major.data(),
                                       test.shape.outputs, test.shape.columns, test.shape.columns, 1, matrix.scales.data());
  return run(cpu_kernels().front(), positive);
}

TEST_CASE("matrix products agree with the reference and write nothing beside their rows") {
  for (const Case& test : cases()) {
    const std::vector<float> want = run(cpu_kernels().front(), test), magnitude = magnitudes(test);
    for (const Kernels& kernels : tested_kernels()) {
      INFO(described(kernels, test));
      const std::vector<float> got = run(kernels, test, 2);
      CHECK(disagreement(got, want, 1e-5, [&](size_t i) { return std::abs(magnitude[i]); }) == "");
      for (size_t i = 0; i < got.size(); ++i)
        if (static_cast<int64_t>(i) % test.y_stride() >= test.shape.outputs) REQUIRE(got[i] == kPoison);
    }
  }
}

// The order of summation in gemm.h, in its own words.
float sum_in_order(const Case& test, int64_t row, int64_t output) {
  const int64_t columns = test.shape.columns;
  const float* x = test.x.data() + (test.x_rows.empty() ? row : test.x_rows[static_cast<size_t>(row)]) * (columns + 3);
  const float* w = test.matrix.row_major.data() + output * columns;
  float total = 0;
  if (test.type != WeightType::kE4m3) {
    for (int64_t c = 0; c < columns; ++c) total = std::fma(x[c], w[c], total);
  } else {
    for (int64_t first = 0; first < columns; first += 128) {
      const int64_t count = std::min<int64_t>(128, columns - first);
      uint8_t codes[128];
      const float x_scale = quantize_group(x + first, count, codes);
      float group = 0;
      for (int64_t c = 0; c < count; ++c) group = std::fma(e4m3_to_float(codes[c]), w[first + c], group);
      total = std::fma(group, x_scale * test.matrix.scales[static_cast<size_t>(output / 128 * scale_groups(columns) + first / 128)], total);
    }
  }
  return test.bias.empty() ? total : total + test.bias[static_cast<size_t>(output)];
}

TEST_CASE("every fast matrix product of a processor sums in the promised order, bit for bit") {
  for (const Case& test : cases()) {
    std::vector<float> want = poisoned(test.shape.rows * test.y_stride());
    for (int64_t r = 0; r < test.shape.rows; ++r)
      for (int64_t n = 0; n < test.shape.outputs; ++n) want[static_cast<size_t>(r * test.y_stride() + n)] = sum_in_order(test, r, n);
    for (const Kernels& kernels : std::span(cpu_kernels()).subspan(1)) {
      INFO(described(kernels, test));
      CHECK(same_numbers(run(kernels, test), want));
    }
  }
}

TEST_CASE("a row's products have the same bits in any company and with any threads") {
  for (const Kernels& kernels : std::span(tested_kernels()).subspan(1))
    for (const Case& test : cases()) {
      INFO(described(kernels, test));
      if (test.shape.rows > 0) CHECK(row_dependence(test.shape.rows, [&](int threads, RowRange rows) { return run(kernels, test, threads, rows); }) == "");
    }
}

// On a device with room for it, blocks of threads share a sum while there are few rows, and do not while there are many.
TEST_CASE("a row's wide product has the same bits among few rows and among many") {
  for (WeightType type : kTypes) {
    const Case test = make_case({200, 70 * 64, 2100}, type, Values::kRandom);
    for (const Kernels* kernels : fast_kernels()) {
      INFO(described(*kernels, test));
      const std::vector<float> many = run(*kernels, test, 2);
      for (const int64_t rows : {1, 20}) {
        const std::vector<float> few = run(*kernels, test, 2, {0, rows});
        CHECK(same_bits<float>(few, std::span(many).first(few.size())));
      }
    }
  }
}

// Experts: many problems of a few gathered rows each over one x, some with none; weights of all types in one call.
struct Experts {
  int64_t tokens = 0, width = 0, inner = 0;
  std::vector<Matrix> weights;
  std::vector<float> x;
  std::vector<std::vector<int32_t>> rows;   // of each expert
};

Experts make_experts(int64_t experts, int64_t tokens, int64_t width, int64_t inner, std::span<const WeightType> types) {
  Rng rng(static_cast<uint64_t>(experts * 1000 + tokens), "test/gemm/experts");
  Experts made{tokens, width, inner, {}, random_floats(rng, tokens * width, Outliers::kYes), {}};
  for (int64_t e = 0; e < experts; ++e) {
    made.weights.push_back(make_matrix(rng, types[static_cast<size_t>(e) % types.size()], inner, width));
    std::vector<int32_t>& rows = made.rows.emplace_back();
    for (int64_t t = 0; t < tokens; ++t)
      if (rng.below(static_cast<uint64_t>(experts)) < 2 && e % 5 != 3) rows.push_back(static_cast<int32_t>(t));
  }
  return made;
}

// One output for each expert.
std::vector<std::vector<float>> run(const Kernels& kernels, const Experts& test, int threads, bool together) {
  std::vector<std::vector<float>> y;
  std::vector<GemmProblem> problems;
  for (size_t e = 0; e < test.rows.size(); ++e) {
    const auto count = static_cast<int64_t>(test.rows[e].size());
    y.push_back(poisoned(count * test.inner));
    problems.push_back({&test.weights[e].weight, test.x.data(), test.width, test.rows[e].data(), y.back().data(), test.inner, count, nullptr});
  }
  Workers workers(threads);
  if (together) kernels.gemm(problems, workers);
  else
    for (const GemmProblem& problem : problems) kernels.gemm({&problem, 1}, workers);
  return y;
}

const std::vector<Experts>& experts() {
  static const std::vector<Experts> all = [] {
    std::vector<Experts> made;
    for (const WeightType& type : kTypes) {
      made.push_back(make_experts(16, 8, 130, 96, {&type, 1}));
      made.push_back(make_experts(32, 64, 384, 100, {&type, 1}));
    }
    made.push_back(make_experts(9, 40, 260, 70, kTypes));
    made.push_back(make_experts(1, 3, 20, 10, kTypes));
    return made;
  }();
  return all;
}

TEST_CASE("grouped products are those of each expert alone, with any threads") {
  for (const Experts& test : experts())
    for (const Kernels& kernels : tested_kernels()) {
      INFO(kernels.name << ", " << test.rows.size() << " experts, " << test.tokens << " tokens");
      const auto alone = run(kernels, test, 1, false);
      for (int threads : {1, 2, 3, 5}) CHECK(run(kernels, test, threads, true) == alone);
    }
}

TEST_CASE("grouped products agree with the reference") {
  for (const Experts& test : experts()) {
    const auto want = run(cpu_kernels().front(), test, 1, true);
    for (const Kernels& kernels : std::span(tested_kernels()).subspan(1)) {
      INFO(kernels.name << ", " << test.rows.size() << " experts, " << test.tokens << " tokens");
      const auto got = run(kernels, test, 2, true);
      for (size_t e = 0; e < got.size(); ++e) {
        const Matrix& matrix = test.weights[e];
        CHECK(disagreement(got[e], want[e], 1e-5, [&](size_t i) {
          const float* x = test.x.data() + test.rows[e][i / static_cast<size_t>(test.inner)] * test.width;
          double sum = 0;
          for (int64_t c = 0; c < test.width; ++c)
            sum += std::abs(x[c] * matrix.weight.at(static_cast<int64_t>(i) % test.inner, c));
          return sum;
        }) == "");
      }
    }
  }
}

TEST_CASE("problems whose rows only the device knows are those of the ranges, bit for bit") {
  for (const Experts& test : experts())
    for (const Kernels& kernels : tested_kernels()) {
      INFO(kernels.name << ", " << test.rows.size() << " experts, " << test.tokens << " tokens");
      std::vector<int32_t> starts = {0}, list;
      for (const std::vector<int32_t>& rows : test.rows) {
        list.insert(list.end(), rows.begin(), rows.end());
        starts.push_back(static_cast<int32_t>(list.size()));
      }
      // Room for more rows than there are, as the host sees it; each range is used twice, as by two matrices of an expert.
      list.resize(list.size() + 70, 0);
      const int64_t most = static_cast<int64_t>(list.size());
      std::vector<float> once = poisoned(most * test.inner), again = poisoned(most * test.inner);
      std::vector<GemmProblem> problems;
      for (size_t e = 0; e < test.rows.size(); ++e)
        for (std::vector<float>* y : {&once, &again})
          problems.push_back({&test.weights[e].weight, test.x.data(), test.width, list.data(), y->data(), test.inner, most, nullptr, starts.data() + e});
      Workers workers(2);
      kernels.gemm(problems, workers);
      const auto alone = run(kernels, test, 1, false);
      for (const std::vector<float>* y : {&once, &again}) {
        for (size_t e = 0; e < alone.size(); ++e)
          CHECK(same_bits<float>(alone[e], std::span(*y).subspan(static_cast<size_t>(starts[e] * test.inner), alone[e].size())));
        CHECK(std::all_of(y->begin() + starts.back() * test.inner, y->end(), [](float value) { return value == kPoison; }));
      }
    }
}

TEST_CASE("no problems are no work") {
  Workers workers(2);
  for (const Kernels& kernels : tested_kernels()) kernels.gemm({}, workers);
}

TEST_CASE("a product worked out by hand") {
  Workers workers(1);
  const std::vector<float> w = {1, 2, 3, 4, 5, 6}, x = {1, 10, 100, -1, 0, 2}, bias = {1000, 0};
  const Weight weight = pack_weight(WeightType::kF32, w.data(), 2, 3, 3, 1);
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    std::vector<float> y(4);
    const GemmProblem problem{&weight, x.data(), 3, nullptr, y.data(), 2, 2, bias.data()};
    kernels.gemm({&problem, 1}, workers);
    CHECK(y == std::vector<float>{1321, 654, 1005, 8});
  }
}

}  // namespace
}  // namespace assay
