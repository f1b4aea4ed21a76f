#include "engine/numeric.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "envs/base/rng.h"

namespace assay {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

// The value of a code from the definition of the format, by powers of two instead of bits.
double value_of(uint32_t code, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(code >> mantissa_bits & ((1u << exponent_bits) - 1));
  const double mantissa = code & ((1u << mantissa_bits) - 1);
  const double sign = code >> (exponent_bits + mantissa_bits) & 1 ? -1 : 1;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(std::ldexp(1.0, mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
}

bool same(float a, double b) { return static_cast<double>(a) == b && std::signbit(a) == std::signbit(b); }

// The nearest finite E4M3 code, ties to the even code: by looking at all of them.
uint8_t nearest_e4m3(double value) {
  int best = 0;
  for (int code = 1; code < 0x7f; ++code) {
    const double distance = std::fabs(std::fabs(value) - value_of(code, 4, 3));
    const double least = std::fabs(std::fabs(value) - value_of(best, 4, 3));
    if (distance < least || (distance == least && code % 2 == 0)) best = code;
  }
  return static_cast<uint8_t>(best | (std::signbit(value) ? 0x80 : 0));
}

}  // namespace

TEST_CASE("every code has the value its format defines") {
  for (uint32_t code = 0; code < 0x100; ++code) {
    const float value = e4m3_to_float(static_cast<uint8_t>(code));
    if ((code & 0x7f) == 0x7f) {
      REQUIRE(std::isnan(value));
    } else {
      REQUIRE(same(value, value_of(code, 4, 3)));
    }
  }
  for (uint32_t code = 0; code < 0x10000; ++code) {
    const float half = f16_to_float(static_cast<uint16_t>(code));
    const float brain = bf16_to_float(static_cast<uint16_t>(code));
    if ((code & 0x7c00) != 0x7c00) {
      REQUIRE(same(half, value_of(code, 5, 10)));
    } else {
      REQUIRE((code & 0x3ff ? std::isnan(half) : same(half, code & 0x8000 ? -kInfinity : kInfinity)));
    }
    if ((code & 0x7f80) != 0x7f80) {
      REQUIRE(same(brain, value_of(code, 8, 7)));
    } else {
      REQUIRE((code & 0x7f ? std::isnan(brain) : same(brain, code & 0x8000 ? -kInfinity : kInfinity)));
    }
  }
}

TEST_CASE("every number of a format comes back as the code it came from") {
  for (uint32_t code = 0; code < 0x10000; ++code) {
    const float value = bf16_to_float(static_cast<uint16_t>(code));
    if (std::isnan(value)) {
      REQUIRE(std::isnan(bf16_to_float(float_to_bf16(value))));
    } else {
      REQUIRE(float_to_bf16(value) == code);
    }
  }
  for (uint32_t code = 0; code < 0x100; ++code) {
    const uint8_t expected = (code & 0x7f) == 0x7f ? kE4m3Nan : static_cast<uint8_t>(code);
    REQUIRE(float_to_e4m3(e4m3_to_float(static_cast<uint8_t>(code))) == expected);
  }
}

TEST_CASE("ties go to the even code and their neighbours to the nearer one") {
  for (uint32_t code = 0; code < 0x7e; ++code) {
    const float middle = static_cast<float>((value_of(code, 4, 3) + value_of(code + 1, 4, 3)) / 2);
    REQUIRE(float_to_e4m3(middle) == code + code % 2);
    REQUIRE(float_to_e4m3(-middle) == (code + code % 2 | 0x80));
    REQUIRE(float_to_e4m3(std::nextafter(middle, 0.0f)) == code);
    REQUIRE(float_to_e4m3(std::nextafter(middle, kInfinity)) == code + 1);
  }
  for (uint32_t code = 0; code < 0x7f7f; ++code) {
    const float middle = std::bit_cast<float>(code << 16 | 0x8000u);
    REQUIRE(float_to_bf16(middle) == code + code % 2);
    REQUIRE(float_to_bf16(std::nextafter(middle, 0.0f)) == code);
    REQUIRE(float_to_bf16(std::nextafter(middle, kInfinity)) == code + 1);
  }
}

TEST_CASE("any float becomes the nearest e4m3 number") {
  const uint64_t seed = 20251124;
  CAPTURE(seed);
  Rng rng(seed, "numeric");
  for (int i = 0; i < 20'000; ++i) {
    const double magnitude = std::ldexp(1.0 + rng.unit(), static_cast<int>(rng.between(-14, 9)));
    const float value = static_cast<float>(rng.below(2) ? magnitude : -magnitude);
    CAPTURE(value);
    REQUIRE(float_to_e4m3(value) == nearest_e4m3(value));
  }
}

TEST_CASE("what does not fit saturates in e4m3 and becomes infinite in bf16; NaN stays NaN") {
  CHECK(float_to_e4m3(449.0f) == 0x7e);
  CHECK(float_to_e4m3(-1e30f) == 0xfe);
  CHECK(float_to_e4m3(kInfinity) == 0x7e);
  CHECK(float_to_e4m3(-kInfinity) == 0xfe);
  CHECK(float_to_e4m3(kNan) == kE4m3Nan);
  CHECK(float_to_e4m3(-kNan) == kE4m3Nan);
  CHECK(float_to_e4m3(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(float_to_e4m3(-0.0f) == 0x80);
  CHECK(float_to_bf16(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001u)))));
  CHECK(float_to_bf16(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("a scale is the smallest power of two by which the largest magnitude fits") {
  CHECK(power_of_two_scale(448.0f) == 1.0f);
  CHECK(power_of_two_scale(std::nextafter(448.0f, kInfinity)) == 2.0f);
  CHECK(power_of_two_scale(std::nextafter(448.0f, 0.0f)) == 1.0f);
  CHECK(power_of_two_scale(0.0f) == power_of_two_scale(1e-4f));
  CHECK(std::isinf(power_of_two_scale(kInfinity)));
  CHECK(std::isnan(power_of_two_scale(kNan)));
  Rng rng(7, "scale");
  for (int i = 0; i < 20'000; ++i) {
    const float amax = static_cast<float>(std::ldexp(1.0 + rng.unit(), static_cast<int>(rng.between(-13, 126))));
    const float scale = power_of_two_scale(amax);
    CAPTURE(amax);
    int exponent = 0;
    REQUIRE(std::frexp(scale, &exponent) == 0.5f);
    REQUIRE(amax <= 448.0 * scale);
    REQUIRE(amax > 448.0 * (scale / 2.0));
  }
}

}  // namespace assay
