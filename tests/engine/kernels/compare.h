// How a fast kernel is held against its reference: where the one has NaN or infinity the other has the same, and only then
// is a difference measured. And what every kernel test needs besides: inputs from a seed, poisoned outputs, equality of bits.
#pragma once

#include <algorithm>
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

// The same bits, but that any NaN equals any NaN: whose payload an operation on two of them passes on is the compiler's choice.
inline bool same_numbers(std::span<const float> a, std::span<const float> b) {
  const auto same = [](float x, float y) { return (std::isnan(x) && std::isnan(y)) || std::memcmp(&x, &y, sizeof x) == 0; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
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

// What the inputs of a case are made of.
enum class Values { kRandom, kOutliers, kEqual, kZero, kDenormal, kNan, kInfinite };
inline constexpr Values kAllValues[] = {Values::kRandom, Values::kOutliers, Values::kEqual,   Values::kZero,
                                        Values::kDenormal, Values::kNan,    Values::kInfinite};
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// NaN and infinities are one value in 97.
inline std::vector<float> make_values(Rng& rng, int64_t size, Values kind) {
  std::vector<float> values = random_floats(rng, size, kind == Values::kOutliers ? Outliers::kYes : Outliers::kNo);
  for (float& value : values) switch (kind) {
      case Values::kRandom:
      case Values::kOutliers: break;
      case Values::kEqual: value = 0.7f; break;
      case Values::kZero: value = rng.below(2) ? 0.0f : -0.0f; break;
      case Values::kDenormal: value *= 1e-39f; break;
      case Values::kNan: if (rng.below(97) == 0) value = kNan; break;
      case Values::kInfinite: if (rng.below(97) == 0) value = rng.below(2) ? kInfinity : -kInfinity; break;
    }
  return values;
}

// Rows [first, first + count) of a case.
struct RowRange {
  int64_t first = 0, count = 0;
};

// Empty if run(threads, rows), the outputs of these rows, has the same numbers for any number of threads and for every row
// whether it is computed alone, with all others, or in one of two parts.
inline std::string row_dependence(int64_t rows, const std::function<std::vector<float>(int threads, RowRange rows)>& run) {
  const std::vector<float> together = run(1, {0, rows});
  const auto part_agrees = [&](RowRange part) {
    const size_t width = together.size() / static_cast<size_t>(rows);
    return same_numbers(run(1, part), std::span(together).subspan(static_cast<size_t>(part.first) * width, static_cast<size_t>(part.count) * width));
  };
  for (int threads : {2, 3, 5})
    if (!same_numbers(run(threads, {0, rows}), together)) return "other numbers with " + std::to_string(threads) + " threads";
  for (int64_t r = 0; r < rows; ++r)
    if (!part_agrees({r, 1})) return "other numbers for row " + std::to_string(r) + " alone";
  for (int64_t cut = 1; cut < rows; cut += 1 + cut / 2)
    if (!part_agrees({0, cut}) || !part_agrees({cut, rows - cut})) return "other numbers when cut at row " + std::to_string(cut);
  return "";
}

}  // namespace assay::testing
