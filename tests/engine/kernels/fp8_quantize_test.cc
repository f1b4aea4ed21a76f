#include "engine/kernels/fp8_quantize.h"

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "engine/kernels/quantize_group.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/e4m3.h"
#include "tests/engine/kernels/tables.h"

namespace assay {
namespace {

using namespace testing;

struct Case {
  int64_t rows = 0, width = 0;
  std::vector<float> x;   // rows width + 3 apart
};

// One group for each binary order of magnitude, holding 448 and every value halfway between two neighbours of E4M3, and what
// float32 has next to it on both sides: each rounding decision there is.
Case boundaries(int exponent) {
  Case made{8, 128, {}};
  std::vector<float> halves;
  for (uint8_t code = 0; code < 0x7e; ++code) {
    const float half = (e4m3_to_float(code) + e4m3_to_float(static_cast<uint8_t>(code + 1))) / 2;
    for (float value : {half, std::nextafter(half, 0.0f), std::nextafter(half, 1e9f), e4m3_to_float(code)}) halves.push_back(code % 2 ? value : -value);
  }
  made.x.assign(static_cast<size_t>(made.rows * (made.width + 3)), 0.0f);
  for (int64_t r = 0; r < made.rows; ++r) {
    float* row = made.x.data() + r * (made.width + 3);
    row[0] = std::ldexp(448.0f, exponent);
    for (int64_t i = 1; i < made.width; ++i) {
      const auto at = static_cast<size_t>(r * (made.width - 1) + i - 1);
      if (at < halves.size()) row[i] = std::ldexp(halves[at], exponent);
    }
  }
  return made;
}

// The largest value alone decides a scale: about every power of two times 448, and far below and above.
Case scales() {
  Case made{0, 1, {}};
  const auto add = [&](float value) {
    made.x.insert(made.x.end(), {value, 0, 0, 0});
    ++made.rows;
  };
  for (int exponent = -30; exponent <= 118; ++exponent) {
    const float edge = std::ldexp(448.0f, exponent);
    for (float value : {edge, std::nextafter(edge, 0.0f), -std::nextafter(edge, kInfinity)}) add(value);
  }
  for (float value : {0.0f, -0.0f, 1e-45f, 1e-4f, std::nextafter(1e-4f, 1.0f), std::numeric_limits<float>::max()}) add(value);
  return made;
}

const std::vector<Case>& finite_cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made;
    for (int exponent : {-22, -21, -7, 0, 9, 100}) made.push_back(boundaries(exponent));
    made.push_back(scales());
    for (Values values : {Values::kRandom, Values::kOutliers, Values::kEqual, Values::kZero, Values::kDenormal})
      for (int64_t width : {0, 1, 7, 8, 15, 16, 17, 127, 128, 129, 144, 255, 256, 257, 400}) {
        Rng rng(static_cast<uint64_t>(width), "test/fp8_quantize");
        made.push_back({5, width, make_values(rng, 5 * (width + 3), values)});
      }
    Rng rng(1, "test/fp8_quantize/many");
    made.push_back({64, 1000, make_values(rng, 64 * 1003, Values::kOutliers)});
    made.push_back({0, 128, {}});
    return made;
  }();
  return all;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> made = finite_cases();
    for (Values values : {Values::kNan, Values::kInfinite})
      for (int64_t width : {1, 100, 128, 300, 5000}) {
        Rng rng(static_cast<uint64_t>(width), "test/fp8_quantize/spoilt");
        made.push_back({5, width, make_values(rng, 5 * (width + 3), values)});
      }
    made.push_back({1, 9, {kNan, -kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan}});
    return made;
  }();
  return all;
}

struct Quantized {
  std::vector<uint8_t> codes;
  std::vector<float> scales;
  bool operator==(const Quantized& other) const { return codes == other.codes && same_numbers(scales, other.scales); }
};

Quantized run(const Kernels& kernels, const Case& test, int threads, RowRange range) {
  Quantized out{std::vector<uint8_t>(static_cast<size_t>(range.count * test.width), 0xaa), poisoned(range.count * scale_groups(test.width))};
  Workers workers(threads);
  kernels.fp8_quantize({range.count, test.width, test.x.data() + range.first * (test.width + 3), test.width + 3, out.codes.data(), out.scales.data()}, workers);
  return out;
}

TEST_CASE("FP8 codes and scales are those of the definition") {
  for (size_t i = 0; i < finite_cases().size(); ++i) {
    INFO("case " << i);
    const Case& test = finite_cases()[i];
    const Quantized got = run(cpu_kernels().front(), test, 1, {0, test.rows});
    for (int64_t r = 0; r < test.rows; ++r)
      for (int64_t c = 0; c < test.width; ++c) {
        const float* x = test.x.data() + r * (test.width + 3);
        const int64_t first = c / 128 * 128;
        double amax = 0;
        for (int64_t k = first; k < std::min(test.width, first + 128); ++k) amax = std::max(amax, std::abs(static_cast<double>(x[k])));
        REQUIRE(got.scales[static_cast<size_t>(r * scale_groups(test.width) + c / 128)] == scale_of(amax));
        const uint8_t code = got.codes[static_cast<size_t>(r * test.width + c)];
        REQUIRE(e4m3_to_float(code) == e4m3_to_float(nearest_e4m3(x[c] / scale_of(amax))));
        REQUIRE((code & 0x80) == (std::signbit(x[c]) ? 0x80 : 0));
      }
  }
}

TEST_CASE("every FP8 quantisation gives the same codes and scales, with any threads, alone or among others") {
  for (size_t i = 0; i < cases().size(); ++i) {
    const Case& test = cases()[i];
    const Quantized want = run(cpu_kernels().front(), test, 1, {0, test.rows});
    for (const Kernels& kernels : tested_kernels()) {
      INFO(kernels.name << ", case " << i);
      for (int threads : {1, 2, 3}) CHECK(run(kernels, test, threads, {0, test.rows}) == want);
      for (int64_t r = 0; r < test.rows; ++r) {
        const Quantized alone = run(kernels, test, 1, {r, 1});
        REQUIRE(std::equal(alone.codes.begin(), alone.codes.end(), want.codes.begin() + r * test.width));
        REQUIRE(same_numbers(alone.scales, std::span(want.scales).subspan(static_cast<size_t>(r) * alone.scales.size(), alone.scales.size())));
      }
    }
  }
}

TEST_CASE("in FP8 a NaN stays a NaN and has no say in the scale; infinity makes its group NaN") {
  std::vector<float> x(256, 448.0f);
  x[3] = kNan, x[200] = -kInfinity;
  for (const Kernels& kernels : tested_kernels()) {
    INFO(kernels.name);
    const Quantized got = run(kernels, {1, 256, x}, 1, {0, 1});
    CHECK(got.scales[0] == 1);
    for (size_t i = 0; i < 256; ++i) {
      const float value = e4m3_to_float(got.codes[i]) * got.scales[i / 128];
      if (i == 3 || i >= 128) REQUIRE(std::isnan(value));
      else REQUIRE(value == 448);
    }
  }
}

TEST_CASE("one group quantised in plain arithmetic, as caches do it, has the kernel's codes and scale") {
  for (size_t i = 0; i < cases().size(); ++i) {
    INFO("case " << i);
    const Case& test = cases()[i];
    for (const Kernels& kernels : tested_kernels()) {
      const Quantized want = run(kernels, test, 1, {0, test.rows});
      for (int64_t r = 0; r < test.rows; ++r)
        for (int64_t first = 0; first < test.width; first += 128) {
          const auto count = static_cast<size_t>(std::min<int64_t>(128, test.width - first));
          std::vector<uint8_t> codes(count);
          const float scale = quantize_group(test.x.data() + r * (test.width + 3) + first, static_cast<int64_t>(count), codes.data());
          const float wanted = want.scales[static_cast<size_t>(r * scale_groups(test.width) + first / 128)];
          REQUIRE(same_numbers({&scale, 1}, {&wanted, 1}));
          REQUIRE(std::equal(codes.begin(), codes.end(), want.codes.begin() + r * test.width + first));
        }
    }
  }
}

}  // namespace
}  // namespace assay
