#include "envs/text_pool.h"

#include <catch2/catch.hpp>
#include <map>

#include "envs/base/rng.h"

namespace assay {
namespace {

TEST_CASE("a text pool agrees with a map, through growth") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed, "text_pool");
    TextPool pool;
    std::map<std::string, int32_t> model;
    for (int i = 0; i < 3000; ++i) {
      std::string text(rng.below(4), 'a');
      for (char& c : text) c = static_cast<char>(rng.below(8) * 31);  // zero bytes and bytes above 127 among them
      if (rng.below(2) == 0) {
        const auto found = model.find(text);
        REQUIRE(pool.find(text) == (found == model.end() ? -1 : found->second));
      } else {
        const int32_t next = static_cast<int32_t>(model.size());
        REQUIRE(pool.intern(text) == model.try_emplace(text, next).first->second);
      }
    }
    REQUIRE(pool.size() == static_cast<int32_t>(model.size()));
    for (const auto& [text, id] : model) REQUIRE(pool.text(id) == text);
  }
}

TEST_CASE("an empty pool finds nothing, and the empty text is a text") {
  TextPool pool;
  CHECK(pool.find("") == -1);
  CHECK(pool.intern("") == 0);
  CHECK(pool.find("") == 0);
  CHECK(pool.text(0).empty());
}

TEST_CASE("interning a text that lives in the pool is safe while the pool grows") {
  TextPool pool;
  pool.intern("a somewhat long text that does not fit in place");
  for (int i = 0; i < 1000; ++i) pool.intern(std::string(pool.text(pool.size() - 1)) + "x");
  CHECK(pool.find(pool.text(500)) == 500);
}

}  // namespace
}  // namespace assay
