#include "datasets/held_out.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "envs/base/rng.h"
#include "tests/datasets/sample.h"

namespace assay {
namespace {

const std::string kQuestion = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.";   // 19 words

void put(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

TEST_CASE("a run of words that is held out is found whatever its case, punctuation and place") {
  HeldOut held_out(13);
  held_out.add(kQuestion, "q");
  const auto match = held_out.find("Solve: \"natalia SOLD clips — to 48 of her friends in april; and then she sold\" nothing.");
  REQUIRE(match);
  CHECK(match->where == "q");
  CHECK(match->words == "natalia sold clips to 48 of her friends in april and then she sold");
  CHECK_FALSE(held_out.find("Natalia sold clips to 48 of her friends in April, and then."));   // 12 words
  CHECK_FALSE(held_out.find("Natalia sold clips to 48 of her foes in April, and then she sold half as many"));
  CHECK_FALSE(held_out.find(""));
}

TEST_CASE("held-out texts with fewer words than a run are passed over and counted") {
  HeldOut held_out(13);
  held_out.add("What is the capital of France?", "a");
  held_out.add(kQuestion, "b");
  CHECK(held_out.texts() == 1);
  CHECK(held_out.too_short() == 1);
  CHECK_FALSE(held_out.find("What is the capital of France?"));
  HeldOut shorter(6);
  shorter.add("What is the capital of France?", "a");
  CHECK(shorter.find("I ask: what is the capital of France"));
}

TEST_CASE("files are JSON lines, every string of them, or paragraphs of plain text, each with its place") {
  sample::Folder folder;
  HeldOut held_out(5);
  put(folder.file("a.jsonl"), "{\"id\": 1, \"turns\": [{\"text\": \"one two three four five\"}]}\r\n\n\"six seven eight nine ten\"\n");
  put(folder.file("b.txt"), "red orange yellow\ngreen blue\n\n  \nblack white grey brown pink\n");
  REQUIRE(held_out.add_file(folder.file("a.jsonl")).ok());
  REQUIRE(held_out.add_file(folder.file("b.txt")).ok());
  CHECK(held_out.texts() == 4);
  CHECK(held_out.find("0 one two three four five 6")->where == folder.file("a.jsonl") + ":1");
  CHECK(held_out.find("six seven eight nine ten")->where == folder.file("a.jsonl") + ":3");
  CHECK(held_out.find("orange yellow green blue") == std::nullopt);
  CHECK(held_out.find("red orange yellow green blue")->where == folder.file("b.txt") + ":1");
  CHECK(held_out.find("black white grey brown pink")->where == folder.file("b.txt") + ":5");
  CHECK_FALSE(held_out.find("green blue black white grey"));   // no run goes over the end of a text

  put(folder.file("bad.jsonl"), "\"fine\"\n{\"broken\": \n");
  const Status status = held_out.add_file(folder.file("bad.jsonl"));
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().text().find("bad.jsonl:2") != std::string::npos);
  CHECK(held_out.add_file(folder.file("missing.txt")).error().text().find("missing.txt") != std::string::npos);
}

TEST_CASE("the index agrees with comparing every run with every run") {
  Rng rng(11, "held out");
  const auto text = [&](uint64_t words) {
    std::string out;
    for (uint64_t i = 0; i < words; ++i) out += std::string(1, static_cast<char>('a' + rng.below(2))) + (rng.below(3) ? " " : ", ");
    return out;
  };
  int found = 0;
  for (int round = 0; round < 300; ++round) {
    HeldOut held_out(6);
    std::vector<std::string> texts;
    for (int i = 0; i < 2; ++i) {
      texts.push_back(text(4 + rng.below(8)));
      held_out.add(texts.back(), std::to_string(i));
    }
    const WordText candidate(text(6 + rng.below(6)));
    bool expected = false;
    for (const std::string& each : texts) {
      const WordText other(each);
      for (size_t i = 0; i + 6 <= candidate.size(); ++i)
        for (size_t k = 0; k + 6 <= other.size(); ++k) expected = expected || candidate.words(i, 6) == other.words(k, 6);
    }
    const auto match = held_out.find(candidate.joined());
    CHECK(match.has_value() == expected);
    found += expected;
    if (match) CHECK((" " + candidate.joined() + " ").find(" " + match->words + " ") != std::string::npos);
  }
  CHECK(found > 30);
  CHECK(found < 270);
}

}  // namespace
}  // namespace assay
