#include "datasets/shard.h"

#include <charconv>

#include "envs/base/hash.h"

namespace assay {

bool Shard::holds(std::string_view identity) const {
  if (is_whole()) return true;
  uint64_t bits = 0;
  const std::string digits = sha256_hex(identity).substr(0, 16);
  std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  return bits % static_cast<uint64_t>(count) == static_cast<uint64_t>(number - 1);
}

std::string Shard::text() const { return std::to_string(number) + "/" + std::to_string(count); }

Result<Shard> parse_shard(const std::string& text) {
  Shard shard;
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, shard.number);
  const bool slash = number.ec == std::errc() && number.ptr != end && *number.ptr == '/';
  const auto count = slash ? std::from_chars(number.ptr + 1, end, shard.count) : number;
  if (!slash || count.ec != std::errc() || count.ptr != end || shard.number < 1 || shard.count < shard.number || shard.count > kMostShards)
    return input_error("expected I/N with 1 <= I <= N <= " + std::to_string(kMostShards), "--shard " + text, "--shard 1/4");
  return shard;
}

}  // namespace assay
