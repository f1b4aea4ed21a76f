// Counter-based random numbers: a draw is a pure function of (seed, stream, index), so item i is reachable without making
// the items before it and any number of threads gives the same bytes. The mixing function is SplitMix64's finaliser
// (Steele, Lea, Flood 2014) applied to a Weyl sequence started at a hash of seed and stream. No std:: distributions: their
// results differ between standard libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace assay {

// Bijective 64-bit mixer.
inline constexpr uint64_t mix64(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  x ^= x >> 31;
  return x;
}

// A 64-bit stream number for a name (FNV-1a, mixed), e.g. stream_of("rows/hotel").
constexpr uint64_t stream_of(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix64(hash);
}

class Rng {
 public:
  Rng(uint64_t seed, uint64_t stream, uint64_t index = 0)
      : base_(mix64(mix64(seed + 0x9e3779b97f4a7c15ULL) ^ mix64(stream + 0xd1b54a32d192ed03ULL)) ^
              mix64(index + 0x8cb92ba72f3d8dd7ULL)) {}
  Rng(uint64_t seed, std::string_view stream, uint64_t index = 0) : Rng(seed, stream_of(stream), index) {}

  uint64_t next() { return mix64(base_ + 0x9e3779b97f4a7c15ULL * ++counter_); }

  // Uniform in [0, bound); bound > 0. Multiply-shift; the bias is below bound / 2^64.
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // Uniform in [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low) + 1));
  }
  // Uniform in [0, 1) with 53 bits.
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  template <typename T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  // Fisher-Yates.
  template <typename T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  uint64_t base_;
  uint64_t counter_ = 0;
};

}  // namespace assay
