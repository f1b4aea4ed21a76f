#include "datasets/shard.h"

#include <catch2/catch.hpp>

namespace assay {
namespace {

TEST_CASE("every item belongs to exactly one of n shards, and shards are of about one size") {
  for (const int64_t count : {1, 2, 3, 7, 64}) {
    std::vector<int64_t> sizes(static_cast<size_t>(count));
    for (int item = 0; item < 6400; ++item) {
      int holders = 0;
      for (int64_t number = 1; number <= count; ++number) {
        const bool held = Shard{number, count}.holds("item " + std::to_string(item));
        holders += held;
        sizes[static_cast<size_t>(number - 1)] += held;
      }
      REQUIRE(holders == 1);
    }
    for (const int64_t size : sizes) CHECK(std::abs(size - 6400 / count) < 5 * std::sqrt(6400.0 / static_cast<double>(count)));
  }
}

// Stores that were cut by one version are gone on with by the next.
TEST_CASE("the shard of an identity never changes") {
  CHECK(Shard{2, 7}.holds(""));       // SHA-256 e3b0c44298fc1c14…, which is 1 modulo 7
  CHECK(Shard{5, 10}.holds("abc"));   // SHA-256 ba7816bf8f01cfea…, which is 4 modulo 10
}

TEST_CASE("a shard is given as I/N and nothing else") {
  CHECK(parse_shard("2/8").value().number == 2);
  CHECK(parse_shard("2/8").value().count == 8);
  CHECK(parse_shard("1/1").value().is_whole());
  for (const char* wrong : {"", "1", "/", "1/", "/2", "0/2", "3/2", "-1/2", "1/2/3", "1/2 ", " 1/2", "1/0", "a/b", "1/100001", "1/99999999999999999999"})
    CHECK_FALSE(parse_shard(wrong).ok());
}

}  // namespace
}  // namespace assay
