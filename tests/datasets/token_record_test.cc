#include "datasets/token_record.h"

#include <catch2/catch.hpp>

#include "datasets/segment.h"
#include "datasets/token_sequence.h"
#include "tests/datasets/random_turns.h"

namespace assay {
namespace {

sample::TurnShape random_shape(Rng& rng) {
  sample::TurnShape shape;
  shape.turns = 1 + static_cast<int>(rng.below(4));
  shape.vocabulary = rng.below(2) ? 50 : INT32_MAX;
  shape.layers = static_cast<int>(rng.below(3));
  shape.experts = 1 << rng.between(1, 16);
  shape.experts_per_token = 1 + static_cast<int>(rng.below(2));
  return shape;
}

Rollout of_turns(std::vector<TokenTurn> turns) {
  Rollout rollout = sample::rollout(sample::task());
  rollout.turns = std::move(turns);
  return rollout;
}

TEST_CASE("a record of tokens gives back its turns, bit for bit") {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "token_record");
    const Rollout rollout = sample::random_turns(rng, random_shape(rng));
    REQUIRE(check_turns(rollout).ok());
    const std::string text = token_record_text(rollout);
    const auto record = token_record_from_text(text, "here");
    if (!record.ok()) FAIL(record.error().text());
    REQUIRE(record->rollout == rollout.id);
    REQUIRE(record->turns == rollout.turns);
  }
}

TEST_CASE("a log-probability of minus zero, the smallest and the rounded keep their bits") {
  Rng rng(1, "token_record");
  Rollout rollout = sample::random_turns(rng, {.turns = 1, .layers = 0, .truncate = false});
  TokenTurn& turn = rollout.turns[0];
  turn.sampled = {1, 2, 3, 4};
  turn.kept_counts = {0, 0, 0, 0};
  turn.log_probabilities = {-0.0f, -1e-45f, 1e-7f, -3.4e38f};
  turn.full_log_probabilities = {0.0f, -0.1f, 1e-7f, -1.0f};
  const auto read = token_record_from_text(token_record_text(rollout), "").value().turns[0];
  for (size_t i = 0; i < 4; ++i) {
    CHECK(std::bit_cast<uint32_t>(read.log_probabilities[i]) == std::bit_cast<uint32_t>(turn.log_probabilities[i]));
    CHECK(std::bit_cast<uint32_t>(read.full_log_probabilities[i]) == std::bit_cast<uint32_t>(turn.full_log_probabilities[i]));
  }
}

// The bytes between the first pair of ``` of SEGMENTS.md; comments begin with #.
std::string documented_example() {
  const std::string page = read_file(std::string(std::getenv("ASSAY_SOURCE")) + "/datasets/SEGMENTS.md").value();
  const size_t from = page.find("```\n") + 4, to = page.find("```", from);
  std::string bytes, digits;
  bool comment = false;
  for (char c : page.substr(from, to - from)) {
    if (c == '#' || c == '\n') comment = c == '#';
    if (comment || c == ' ' || c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return bytes;
}

TEST_CASE("the example of SEGMENTS.md is what is written") {
  TokenTurn turn;
  turn.prompt = {7, 300};
  turn.sampled = {5, 9};
  turn.log_probabilities = {-0.5f, -0.25f};
  turn.full_log_probabilities = {-1.5f, -0.25f};
  turn.kept_counts = {2, 0};
  turn.kept = {5, 8};
  turn.expert_layers = 1;
  turn.experts_per_token = 2;
  turn.experts = {0, 5, 1, 4, 2, 3};
  turn.policy_version = "v1";
  Rollout rollout = of_turns({turn});
  rollout.id = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
  CHECK(token_record_text(rollout) == documented_example());
}

TEST_CASE("every cut and every changed bit of a text is damage, or the text of another record and of no other") {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    INFO("seed " << seed);
    Rng rng(seed, "token_record/damage");
    const Rollout rollout = sample::random_turns(rng, random_shape(rng));
    const std::string text = token_record_text(rollout);
    for (size_t size = 0; size < text.size(); ++size) REQUIRE_FALSE(token_record_from_text(text.substr(0, size), "").ok());
    REQUIRE_FALSE(token_record_from_text(text + '\0', "").ok());
    for (size_t bit = 0; bit < 8 * text.size(); ++bit) {
      std::string changed = text;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
      auto record = token_record_from_text(changed, "segment 7");
      if (!record.ok()) {
        REQUIRE(record.error().boundary == Boundary::kStore);
        REQUIRE(record.error().where == "segment 7");
        continue;
      }
      Rollout other = rollout;
      other.id = record->rollout;
      other.turns = std::move(record->turns);
      if (token_record_text(other) != changed) {
        INFO("bit " << bit);
        FAIL("two texts of one record");
      }
    }
  }
}

TEST_CASE("numbers that promise more than there is are damage before they are memory") {
  const std::string id(32, 'x');
  const std::string huge = "\xff\xff\xff\xff\xff\xff\xff\x7f";  // 2^56 - 1
  const std::string head = "\x01" + id;
  for (const std::string& text : {std::string("\x02"), head + huge, head + std::string(1, '\0') + huge, head + std::string("\0\x01", 2) + huge,
                                  head + std::string("\0\x01\0", 3) + huge, head + std::string("\0\x01\0\0", 4) + huge,
                                  head + "\x01\x01\x01" + std::string("\x01\0\x01\x05\0", 5) + huge,
                                  head + "\x01\x01\x11" + std::string("\x01\0\x01\x05\0\0\0\0\0", 9), head + std::string(10, '\xff')}) {
    const auto record = token_record_from_text(text, "here");
    REQUIRE_FALSE(record.ok());
    CHECK(record.error().what.find("damaged record of tokens") == 0);
  }
}

TEST_CASE("every changed bit of a record of tokens in its segment is found, or none of what is read changes") {
  size_t unnoticed = 0, bits = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    Rng rng(seed, "token_record/segment");
    std::string record;
    const std::string text = token_record_text(sample::random_turns(rng, random_shape(rng)));
    REQUIRE(append_record(RecordKind::kTokens, text, record).ok());
    for (size_t bit = 0; bit < 8 * record.size(); ++bit, ++bits) {
      std::string changed = record;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
      const auto read = record_text(changed, RecordKind::kTokens, "");
      if (!read.ok()) continue;
      ++unnoticed;
      REQUIRE(*read == text);
    }
  }
  CHECK(unnoticed * 500 < bits);  // bits that zstd reserves within its blocks
}

}  // namespace
}  // namespace assay
