// The vocabulary of vectors (vector.inc), for every instruction set this processor has.
#ifndef ASSAY_SIMD_BODY

#include <catch2/catch.hpp>

#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/compare.h"
#include "tests/engine/kernels/e4m3.h"

#define ASSAY_SIMD_BODY "tests/engine/kernels/vector_test.cc"
#include "engine/kernels/simd.h"

namespace assay {
namespace {

using namespace testing;

struct Vocabulary {
  std::string name;
  int64_t lanes;
  void (*exp_of)(const float* x, int64_t count, float* y);
  void (*e4m3_of)(const float* x, int64_t count, uint8_t* codes);
  void (*float_of)(const uint8_t* codes, int64_t count, float* x);
  float (*sum_of)(const float* x);
  float (*largest)(const float* x, int64_t count);
};

std::vector<Vocabulary> vocabularies() {
  std::vector<Vocabulary> all;
  for (const Kernels& kernels : cpu_kernels()) {
    if (kernels.name == "avx2") all.push_back({"avx2", avx2::lanes(), avx2::exp_of, avx2::e4m3_of, avx2::float_of, avx2::sum_of, avx2::largest});
    if (kernels.name == "avx512") all.push_back({"avx512", avx512::lanes(), avx512::exp_of, avx512::e4m3_of, avx512::float_of, avx512::sum_of, avx512::largest});
  }
  return all;
}

// Every 509th float32, and the special ones.
std::vector<float> floats() {
  std::vector<float> values = {0.0f, -0.0f, kInfinity, -kInfinity, kNan, -kNan, 448, 464, 480, 2e-3f, 0x1p-9f, 0x1p-10f, 0x3p-10f, 0x1p-6f};
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 509) values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  values.resize(values.size() / 16 * 16);
  return values;
}

TEST_CASE("exp in vectors is within two units in the last place everywhere") {
  const std::vector<float> x = floats();
  std::vector<float> y(x.size());
  for (const Vocabulary& vocabulary : vocabularies()) {
    INFO(vocabulary.name);
    vocabulary.exp_of(x.data(), static_cast<int64_t>(x.size()), y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(static_cast<double>(x[i]));
      const auto rounded = static_cast<float>(exact);
      if (std::isnan(x[i]) ? std::isnan(y[i]) : std::isinf(rounded) ? y[i] == rounded : std::abs(y[i] - exact) <= 2 * (std::nextafter(rounded, kInfinity) - static_cast<double>(rounded))) continue;
      FAIL("exp(" << x[i] << ") gave " << y[i] << ", not " << exact);
    }
  }
}

TEST_CASE("E4M3 in vectors is E4M3 in plain arithmetic, both ways") {
  const std::vector<float> x = floats();
  std::vector<uint8_t> codes(x.size());
  for (const Vocabulary& vocabulary : vocabularies()) {
    INFO(vocabulary.name);
    vocabulary.e4m3_of(x.data(), static_cast<int64_t>(x.size()), codes.data());
    for (size_t i = 0; i < x.size(); ++i)
      if (codes[i] != float_to_e4m3(x[i])) FAIL(x[i] << " became " << int{codes[i]});
    std::vector<uint8_t> every(256);
    std::vector<float> values(256);
    for (size_t i = 0; i < 256; ++i) every[i] = static_cast<uint8_t>(i);
    vocabulary.float_of(every.data(), 256, values.data());
    for (size_t i = 0; i < 256; ++i) {
      const float want = e4m3_to_float(every[i]);
      REQUIRE(same_numbers({&values[i], 1}, {&want, 1}));
    }
  }
}

TEST_CASE("a vector is summed by halving, and its largest magnitude leaves NaN out") {
  for (const Vocabulary& vocabulary : vocabularies()) {
    INFO(vocabulary.name);
    Rng rng(1, "test/vector");
    std::vector<float> x = random_floats(rng, 16), halves = x;
    for (auto width = static_cast<size_t>(vocabulary.lanes) / 2; width > 0; width /= 2)
      for (size_t i = 0; i < width; ++i) halves[i] += halves[i + width];
    CHECK(vocabulary.sum_of(x.data()) == halves[0]);
    for (int64_t count = 0; count <= 40; ++count) {
      std::vector<float> values = random_floats(rng, count);
      float want = 0;
      for (float value : values) want = std::max(want, std::abs(value));
      CHECK(vocabulary.largest(values.data(), count) == want);
      if (count == 0) continue;
      values[rng.below(static_cast<uint64_t>(count))] = kNan;
      want = 0;
      for (float value : values) want = std::isnan(value) ? want : std::max(want, std::abs(value));
      CHECK(vocabulary.largest(values.data(), count) == want);
    }
  }
}

}  // namespace
}  // namespace assay

#else

int64_t lanes() { return kLanes; }
void exp_of(const float* x, int64_t count, float* y) {
  for (int64_t i = 0; i < count; i += kLanes) store(y + i, exp(load(x + i)));
}
void e4m3_of(const float* x, int64_t count, uint8_t* codes) {
  for (int64_t i = 0; i < count; i += kLanes) store_e4m3(codes + i, round_to_e4m3(load(x + i)));
}
void float_of(const uint8_t* codes, int64_t count, float* x) {
  for (int64_t i = 0; i < count; i += 2 * kLanes) {
    const VectorPair pair = load_e4m3(codes + i);
    store(x + i, pair.low);
    store(x + i + kLanes, pair.high);
  }
}
float sum_of(const float* x) { return reduce_sum(load(x)); }
float largest(const float* x, int64_t count) { return largest_magnitude(x, count); }

#endif
