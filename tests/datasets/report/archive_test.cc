#include "datasets/report/archive.h"

#include <zlib.h>

#include <catch2/catch.hpp>

#include "envs/base/rng.h"

using namespace assay;

namespace {

std::string inflated(const std::string& bytes) {
  std::string out(1 << 22, '\0');
  uLongf size = out.size();
  REQUIRE(uncompress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) == Z_OK);
  out.resize(size);
  return out;
}

std::string noise(uint64_t number, size_t bytes) {
  Rng rng(5, "noise", number);
  std::string out;
  while (out.size() < bytes) out += static_cast<char>('!' + rng.below(90));
  return out;
}

}  // namespace

TEST_CASE("Base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\xff\x00\xfb", 3)) == "/wD7");
}

TEST_CASE("An archive keeps equal texts once, and every entry under its number") {
  Archive archive;
  std::vector<std::string> texts;
  std::vector<int64_t> numbers;
  for (uint64_t i = 0; i < 60; ++i) {
    texts.push_back(noise(i % 40, 20'000));
    numbers.push_back(archive.add_text(texts.back()));
  }
  for (size_t i = 40; i < 60; ++i) CHECK(numbers[i] == numbers[i - 40]);
  const int64_t record = archive.add_record({{"text", numbers[3]}});
  CHECK(archive.finish(INT64_MAX) == 41);
  REQUIRE(archive.blocks().size() > 2);
  Json all = Json::array();
  for (const Archive::Block& block : archive.blocks()) {
    CHECK(block.first == static_cast<int64_t>(all.size()));
    for (const Json& entry : Json::parse(inflated(block.deflated))) all.push_back(entry);
  }
  for (size_t i = 0; i < texts.size(); ++i) CHECK(all[static_cast<size_t>(numbers[i])] == texts[i]);
  CHECK(all[static_cast<size_t>(record)]["text"] == numbers[3]);
}

TEST_CASE("An archive that does not fit loses whole blocks from its end") {
  Archive archive;
  for (uint64_t i = 0; i < 40; ++i) archive.add_text(noise(i, 20'000));
  const int64_t most = archive.deflated_bytes() / 2;
  const int64_t entries = archive.finish(most);
  CHECK(archive.deflated_bytes() <= most);
  CHECK(entries > 0);
  CHECK(entries < 40);
  int64_t counted = 0;
  for (const Archive::Block& block : archive.blocks()) counted += static_cast<int64_t>(Json::parse(inflated(block.deflated)).size());
  CHECK(counted == entries);
}

TEST_CASE("Bytes that are not UTF-8 become JSON all the same") {
  Archive archive;
  archive.add_text("a\xff\xed\xa0\x80 b");   // a stray byte, and a lone surrogate
  archive.finish(INT64_MAX);
  CHECK(Json::parse(inflated(archive.blocks()[0].deflated))[0] == "a\uFFFD\uFFFD\uFFFD\uFFFD b");
}
