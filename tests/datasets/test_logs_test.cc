#include "datasets/test_logs.h"

#include <zstd.h>

#include <catch2/catch.hpp>

#include "tests/datasets/sample.h"

using namespace assay;

namespace {

void keep(const std::string& base, const std::string& name, const std::string& text, size_t lost_bytes = 0) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  out.resize(out.size() - lost_bytes);
  REQUIRE(write_file(base + "." + name + ".zst", out).ok());
}

}  // namespace

TEST_CASE("logs of a judgement are found by the first digits of its identity") {
  sample::Folder folder;
  const std::string store = folder.file("s.db"), id = judgement_id("task", "patch");
  CHECK(id != judgement_id("task", "other"));
  const std::string base = log_base(store, id).value();
  keep(base, "0.out", "printed");
  keep(base, "0.err", std::string(100'000, 'x'));
  for (const std::string& name : {id, id.substr(0, 6)}) {
    const auto logs = read_logs(store, name, 1000).value();
    REQUIRE(logs.size() == 2);
    CHECK(logs[0].name == "0.err");
    CHECK(logs[0].text == std::string(1000, 'x') + "\n[The log was cut here.]\n");
    CHECK(logs[1].name == "0.out");
    CHECK(logs[1].text == "printed");
  }
  for (const std::string& name : {id.substr(0, 5), std::string("../../etc/passwd"), judgement_id("a", "b")}) CHECK_FALSE(read_logs(store, name, 1000).ok());
}

TEST_CASE("two judgements of the same first digits are told apart, and half a log is read as far as it goes") {
  sample::Folder folder;
  const std::string store = folder.file("s.db"), one = std::string(60, 'a') + "0000", two = std::string(60, 'a') + "1111";
  std::string noise;
  for (uint32_t i = 0, x = 1; i < 400'000; ++i) noise += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  keep(log_base(store, one).value(), "0.out", noise, 1000);
  keep(log_base(store, two).value(), "0.out", "two");
  CHECK_FALSE(read_logs(store, one.substr(0, 20), 1000).ok());
  CHECK(read_logs(store, two, 1000).value()[0].text == "two");
  const std::string cut = read_logs(store, one, 1 << 20).value()[0].text;
  CHECK(cut.size() > 100'000);
  CHECK(noise.starts_with(cut));
}
