// How a fast kernel is held against its reference: where the one has NaN or infinity the other has the same, and only then
// is a difference measured. And what every kernel test needs besides: inputs from a seed, poisoned outputs, equality of bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "envs/base/rng.h"

namespace assay::testing {

// What an error at element i may be relative to.
using Magnitude = std::function<double(size_t i)>;

inline std::string describe_difference(size_t i, double got, double want, double allowed) {
  return "element " + std::to_string(i) + ": got " + std::to_string(got) + ", want " + std::to_string(want) + ", off by " +
         std::to_string(std::abs(got - want) / allowed) + " of what is allowed";
}

// Empty if they agree: the same NaN and infinities, and |got - want| <= tolerance * magnitude(i) + the smallest normal number.
// Otherwise the first difference of masks, or else the worst element.
inline std::string disagreement(std::span<const float> got, std::span<const float> want, double tolerance, const Magnitude& magnitude) {
  if (got.size() != want.size()) return "sizes differ";
  size_t worst = 0;
  double worst_share = 0;
  const auto allowed = [&](size_t i) { return tolerance * magnitude(i) + static_cast<double>(std::numeric_limits<float>::min()); };
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i]) && std::isnan(got[i])) continue;
    if (std::isinf(want[i]) && got[i] == want[i]) continue;
    if (!std::isfinite(want[i]) || !std::isfinite(got[i])) return describe_difference(i, got[i], want[i], allowed(i));
    const double share = std::abs(static_cast<double>(got[i]) - want[i]) / allowed(i);
    if (share > worst_share) worst = i, worst_share = share;
  }
  return worst_share <= 1 ? "" : describe_difference(worst, got[worst], want[worst], allowed(worst));
}

// Relative to |want| itself.
inline std::string disagreement(std::span<const float> got, std::span<const float> want, double tolerance) {
  return disagreement(got, want, tolerance, [&](size_t i) { return std::abs(static_cast<double>(want[i])); });
}

// The same bits, sign of zero and payload of NaN included.
template <typename T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}
template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return same_bits(std::span<const T>(a), std::span<const T>(b));
}

// An output before a kernel has written it: a value no kernel computes, so what was not written shows.
inline constexpr float kPoison = -7.7e33f;
inline std::vector<float> poisoned(int64_t size) { return std::vector<float>(static_cast<size_t>(size), kPoison); }

enum class Outliers { kNo, kYes };

// Sums of uniform draws, nearly normal with deviation 1; with outliers one value in 61 is a hundred times as large.
inline std::vector<float> random_floats(Rng& rng, int64_t size, Outliers outliers = Outliers::kNo) {
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += rng.unit();
    if (outliers == Outliers::kYes && rng.below(61) == 0) sum *= 100;
    value = static_cast<float>(sum);
  }
  return values;
}

}  // namespace assay::testing
