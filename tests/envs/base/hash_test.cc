#include "envs/base/hash.h"

#include <catch2/catch.hpp>

namespace assay {

TEST_CASE("SHA-256 is that of FIPS 180-4, in one piece or in many") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  for (const char* piece : {"a", "", "bc"}) hash.update(piece);
  CHECK(hash.hex() == sha256_hex("abc"));
}

TEST_CASE("an identity depends on the value alone") {
  CHECK(json_identity(Json::object()) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");  // SHA-256 of {}
  CHECK(json_identity({{"a", 1}, {"b", 2}}) == json_identity({{"b", 2}, {"a", 1}}));
  CHECK(json_identity({{"a", 1}}) != json_identity({{"a", 1.5}}));
}

}  // namespace assay
