// The number formats of checkpoints and caches, converted bit by bit: BF16 and IEEE binary16 (F16), and E4M3 as in "FP8 Formats
// for Deep Learning" (arXiv 2209.05433): 4 exponent bits of bias 7, 3 mantissa bits, no infinities, one NaN pattern for each
// sign, largest value 448.
//
// Towards float every conversion is exact. From float all round to nearest, ties to even, and none depends on the rounding mode.
#pragma once

#include <bit>
#include <cstdint>

namespace assay {

// Neighbours that share one scale in FP8: 1 x 128 of activations, 128 x 128 of weights.
inline constexpr int64_t kScaleBlock = 128;


inline constexpr float kE4m3Max = 448.0f;
inline constexpr uint8_t kE4m3Nan = 0x7f;

constexpr float bf16_to_float(uint16_t code) { return std::bit_cast<float>(static_cast<uint32_t>(code) << 16); }

// Overflow rounds to infinity; a NaN stays a NaN of the same sign, quiet.
constexpr uint16_t float_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

constexpr float f16_to_float(uint16_t code) {
  const uint32_t sign = static_cast<uint32_t>(code & 0x8000u) << 16;
  const uint32_t exponent = code >> 10 & 0x1fu;
  const uint32_t mantissa = code & 0x3ffu;
  if (exponent == 0x1fu) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 0x1.0p-24f;
  return sign ? -magnitude : magnitude;
}

constexpr float e4m3_to_float(uint8_t code) {
  const uint32_t sign = static_cast<uint32_t>(code & 0x80u) << 24;
  const uint32_t exponent = code >> 3 & 0xfu;
  const uint32_t mantissa = code & 0x7u;
  if (exponent == 0xfu && mantissa == 7) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 120) << 23 | mantissa << 20);
  const float magnitude = static_cast<float>(mantissa) * 0x1.0p-9f;
  return sign ? -magnitude : magnitude;
}

// Saturates: what is beyond 448, infinity too, becomes 448 of the same sign. A NaN becomes kE4m3Nan.
constexpr uint8_t float_to_e4m3(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 24 & 0x80u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return kE4m3Nan;
  if (magnitude >= 0x43e00000u) return static_cast<uint8_t>(sign | 0x7eu);  // 448
  if (magnitude >= 0x3c800000u) {  // 2^-6, the smallest normal number: drop 20 mantissa bits and re-bias
    const uint32_t rounded = magnitude + 0x7ffffu + (magnitude >> 20 & 1u);
    return static_cast<uint8_t>(sign | ((rounded >> 20) - (120u << 3)));
  }
  // Subnormal: a multiple of 2^-9.
  const uint32_t exponent = magnitude >> 23;
  if (exponent < 117) return static_cast<uint8_t>(sign);  // below 2^-10, half of the smallest
  const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t shift = 141 - exponent;  // mantissa · 2^(exponent - 150) = units · 2^-9
  const uint32_t units = mantissa >> shift;
  const uint32_t rest = mantissa & ((1u << shift) - 1);
  const uint32_t half = 1u << (shift - 1);
  return static_cast<uint8_t>(sign | (units + (rest > half || (rest == half && (units & 1u)) ? 1u : 0u)));
}

// The scale of a quantised group whose largest magnitude is `amax` >= 0: 2^ceil(log2(max(amax, 1e-4) / 448)), the smallest
// power of two by which amax fits into E4M3, taken from the bits instead of a logarithm. An infinite or NaN amax is returned
// as it is, so that its group shows as NaN.
constexpr float power_of_two_scale(float amax) {
  const float floored = amax < 1e-4f ? 1e-4f : amax;
  const uint32_t bits = std::bit_cast<uint32_t>(floored);
  if (bits >= 0x7f800000u) return floored;
  const bool beyond = (bits & 0x7fffffu) > 0x600000u;  // 448 = 1.75 · 2^8
  return std::bit_cast<float>(((bits >> 23) - 8 + (beyond ? 1u : 0u)) << 23);
}

}  // namespace assay
