#include "engine/dialogue/token_history.h"

#include "engine/checkpoint/synthetic.h"
#include "envs/base/rng.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;
using Tokens = std::vector<int32_t>;

// Bytes and the format's tokens, and "ab", which encoding never misses and a model need not take.
const Tokenizer& tokenizer() {
  static const Tokenizer made = [] {
    OrderedJson json = byte_tokenizer(byte_vocabulary_size());
    const int64_t id = byte_vocabulary_size();
    json["model"]["vocab"]["ab"] = id;
    json["added_tokens"].push_back({{"id", id}, {"content", "ab"}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false}, {"special", false}});
    return must(Tokenizer::parse(json.dump(), "test"));
  }();
  return made;
}

Tokens in_bytes(std::string_view text) {
  Tokens tokens;
  for (const char byte : text) tokens.push_back(*tokenizer().id_of("a") + static_cast<uint8_t>(byte) - 'a');
  return tokens;
}

// The sequence that an engine keeps.
struct Sequence {
  TokenHistory history;
  Tokens tokens;

  TokenHistory::Turn turn(std::string_view text) {
    TokenHistory::Turn turn = history.turn(text, tokenizer());
    REQUIRE(turn.shared <= static_cast<int64_t>(tokens.size()));
    tokens.resize(static_cast<size_t>(turn.shared));
    tokens.insert(tokens.end(), turn.prompt.begin(), turn.prompt.end());
    CHECK(history.size() == static_cast<int64_t>(tokens.size()));
    return turn;
  }
  void sample(const Tokens& sampled, std::string text) {
    history.add_sampled(sampled, std::move(text));
    tokens.insert(tokens.end(), sampled.begin(), sampled.end());
  }
};

const std::string kPrompt = "<｜begin▁of▁sentence｜><｜User｜>abc<｜Assistant｜></think>";

TEST_CASE("what was sampled is never made into tokens again") {
  Sequence sequence;
  CHECK(sequence.turn(kPrompt).shared == 0);
  CHECK(sequence.tokens == tokenizer().encode(kPrompt));
  // The model spells "ab" in two tokens, and JSON in a way of its own.
  sequence.sample(in_bytes("ab{\"a\":1}"), "ab{\"a\": 1}");
  const Tokens before = sequence.tokens;
  const TokenHistory::Turn next = sequence.turn(kPrompt + "ab{\"a\": 1}<｜end▁of▁sentence｜>ab");
  CHECK(next.shared == static_cast<int64_t>(before.size()));
  CHECK(next.prompt == tokenizer().encode("<｜end▁of▁sentence｜>ab"));
  CHECK(Tokens(sequence.tokens.begin(), sequence.tokens.begin() + static_cast<std::ptrdiff_t>(before.size())) == before);
}

TEST_CASE("where history has changed the equal tokens before it are shared, and no others") {
  Sequence sequence;
  sequence.turn(kPrompt);
  sequence.sample(in_bytes("reasoning</think>answer"), "reasoning</think>answer");
  const std::string changed = kPrompt + "answer<｜end▁of▁sentence｜>";
  const TokenHistory::Turn next = sequence.turn(changed);
  CHECK(next.shared == static_cast<int64_t>(tokenizer().encode(kPrompt).size()));
  CHECK(sequence.tokens == tokenizer().encode(changed));
  // The same text again: all but the last token, which the logits need.
  const TokenHistory::Turn again = sequence.turn(changed.substr(0, changed.size() - 1 - std::string("<｜end▁of▁sentence｜").size()));
  CHECK(again.prompt.size() == 1);
}

TEST_CASE("at random: the sequence always says the text, and its tokens are the prompt's own where nothing was sampled") {
  Rng rng(1, "test/token_history");
  const std::vector<std::string> pieces = {"a", "ab", "b", "<｜User｜>", "</think>", "<｜end▁of▁sentence｜>", "é"};
  for (int round = 0; round < 200; ++round) {
    Sequence sequence;
    std::string text = "<｜begin▁of▁sentence｜>";
    const bool samples = round % 2;
    for (int step = 0; step < 8; ++step) {
      if (rng.below(4) == 0) {   // something of the history is dropped
        const auto special = text.find("<｜User｜>", rng.below(text.size()));
        if (special != std::string::npos) text.erase(special, std::string("<｜User｜>").size());
      }
      text += "<｜User｜>";
      for (uint64_t more = rng.below(4); more > 0; --more) text += rng.pick(pieces);
      text += "<｜Assistant｜>";
      sequence.turn(text);
      CHECK(tokenizer().decode(sequence.tokens) == text);
      if (!samples) CHECK(sequence.tokens == tokenizer().encode(text));
      if (samples) {
        sequence.sample(in_bytes("abba"), "abba");
        text += "abba";
      }
    }
  }
}

}  // namespace
}  // namespace assay
