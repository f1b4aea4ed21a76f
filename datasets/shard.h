// A part of some work: the i-th of n. Which part an item belongs to depends on its identity and n alone, so each item belongs to
// exactly one, whoever asks, in whatever order and beside whatever else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "envs/base/status.h"

namespace assay {

struct Shard {
  int64_t number = 1, count = 1;   // 1 <= number <= count

  bool is_whole() const { return count == 1; }
  // By the first 64 bits of the identity's SHA-256, modulo `count`.
  bool holds(std::string_view identity) const;
  std::string text() const;        // "2/8"
};

inline constexpr int64_t kMostShards = 100'000;

// "2/8" as it is given on a command line.
Result<Shard> parse_shard(const std::string& text);

}  // namespace assay
