#include "envs/plural.h"

#include <catch2/catch.hpp>

namespace assay {
namespace {

TEST_CASE("nouns get the plural that people write, and phrases that of their noun") {
  CHECK(plural_of("hotel") == "hotels");
  CHECK(plural_of("batch") == "batches");
  CHECK(plural_of("box") == "boxes");
  CHECK(plural_of("bus") == "buses");
  CHECK(plural_of("delivery") == "deliveries");
  CHECK(plural_of("day") == "days");
  CHECK(plural_of("way of dispatch") == "ways of dispatch");
  CHECK(plural_of("time at which the slot starts") == "times at which the slot starts");
  CHECK(plural_of("piece before the interval") == "pieces before the interval");
}

}  // namespace
}  // namespace assay
