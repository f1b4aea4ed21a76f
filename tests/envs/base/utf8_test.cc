#include "envs/base/utf8.h"

#include <catch2/catch.hpp>

#include <string>

namespace assay {
namespace {

TEST_CASE("malformed UTF-8 is found where it begins, at every alignment") {
  const std::string whole = "é杭🏨\u0080\u07ff\u0800\uffff\U00010000\U0010ffff";
  for (size_t padding = 0; padding < 17; ++padding) {
    const std::string before = std::string(padding, 'a') + whole;
    CHECK(well_formed_bytes(before + "tail") == before.size() + 4);
    for (const std::string bad : {"\x80", "\xff", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe6\x9d", "\xf0\x9f\x8f", "\xc3"})
      for (const std::string tail : {"", "x", "0123456789"}) CHECK(well_formed_bytes(before + bad + tail) == before.size());
  }
  CHECK(well_formed_bytes("") == 0);
}

}  // namespace
}  // namespace assay
