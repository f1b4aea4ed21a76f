#include "engine/dialogue/completion_guide.h"

#include "engine/checkpoint/synthetic.h"
#include "envs/base/rng.h"
#include "envs/encodings/deepseek_v32.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

const std::string kEnd(encodings::deepseek_v32::kEnd), kThinkEnd(encodings::deepseek_v32::kThinkEnd);

const Tokenizer& tokenizer() {
  static const Tokenizer made = must(Tokenizer::parse(byte_tokenizer(byte_vocabulary_size()).dump(), "test"));
  return made;
}

std::shared_ptr<CompletionGrammar> grammar(Thinking thinking, CallRule rule) {
  auto tree = std::make_shared<const TokenTree>(tokenizer(), byte_vocabulary_size(), kEnd);
  return must(CompletionGrammar::make(std::move(tree), thinking, rule, fixture::environment()->tools));
}

struct Drawn {
  std::vector<int32_t> tokens;
  std::string text;
  bool stopped = false;
};

// What an engine does with a guide, over a model that finds all tokens equally likely.
Drawn draw(CompletionGuide& guide, int64_t limit, Rng& rng) {
  Drawn drawn;
  while (static_cast<int64_t>(drawn.tokens.size()) < limit && !drawn.stopped) {
    const std::span<const uint64_t> allowed = guide.allowed();
    std::vector<int32_t> tokens;
    for (int32_t token = 0; token < byte_vocabulary_size(); ++token)
      if (allowed.empty() || (allowed[static_cast<size_t>(token) / 64] >> (token % 64) & 1)) tokens.push_back(token);
    if (tokens.empty()) FAIL("nothing is allowed after " << drawn.text);
    drawn.tokens.push_back(rng.pick(tokens));
    drawn.text += tokenizer().bytes_of(drawn.tokens.back());
    drawn.stopped = guide.accept(drawn.tokens.back()) == TokenGuide::Next::kStop;
  }
  return drawn;
}

// Feeds a text byte by byte; how many bytes were taken when the guide ended the turn, or npos.
size_t ends_after(const std::string& text, Thinking thinking) {
  CompletionGuide guide(grammar(thinking, CallRule::kFree), {.limit = 100'000});
  for (size_t i = 0; i < text.size(); ++i)
    if (guide.accept(tokenizer().id_of("a").value() + static_cast<uint8_t>(text[i]) - 'a') == TokenGuide::Next::kStop) return i + 1;
  return std::string::npos;
}

TEST_CASE("under a schema a message is whole before its limit, whatever is drawn") {
  const MessageEncoding& encoding = *must(find_encoding("deepseek_v32"));
  Rng rng(1, "test/completion_guide");
  for (const Thinking thinking : {Thinking::kOff, Thinking::kOn})
    for (const CallRule rule : {CallRule::kSchema, CallRule::kRequired}) {
      const auto shared = grammar(thinking, rule);
      for (int round = 0; round < 12; ++round) {
        const int64_t limit = 300 + static_cast<int64_t>(rng.below(300));
        CompletionGuide guide(shared, {.limit = limit, .thinking_budget = round % 2 ? 40 : -1});
        const Drawn drawn = draw(guide, limit, rng);
        CHECK(drawn.stopped);
        const auto message = encoding.parse(drawn.text, thinking);
        INFO(drawn.text);
        REQUIRE(message.ok());
        if (rule == CallRule::kRequired) CHECK_FALSE(message->tool_calls.empty());
      }
    }
}

TEST_CASE("reasoning ends when its budget is spent, after a whole character") {
  Rng rng(2, "test/completion_guide/budget");
  const int32_t think_end = *tokenizer().id_of(kThinkEnd);
  for (const CallRule rule : {CallRule::kFree, CallRule::kSchema}) {
    const auto shared = grammar(Thinking::kOn, rule);
    for (const int64_t budget : {0, 1, 7, 64}) {
      for (int round = 0; round < 8; ++round) {
        CompletionGuide guide(shared, {.limit = 1000, .thinking_budget = budget});
        const Drawn drawn = draw(guide, 1000, rng);
        const auto end = std::find(drawn.tokens.begin(), drawn.tokens.end(), think_end);
        const int64_t reasoning = end - drawn.tokens.begin();
        CHECK(reasoning <= budget + 3);
        // Without a schema random bytes are soon no UTF-8, which ends the message first.
        if (rule == CallRule::kSchema) CHECK(end != drawn.tokens.end());
      }
    }
  }
  CompletionGuide guide(grammar(Thinking::kOn, CallRule::kFree), {.limit = 1000, .thinking_budget = 2});
  for (const char* byte : {"a", "b"}) {
    CHECK(guide.allowed().empty());
    guide.accept(*tokenizer().id_of(byte));
  }
  const std::span<const uint64_t> forced = guide.allowed();
  for (size_t word = 0; word < forced.size(); ++word) CHECK(forced[word] == (word == 0 ? uint64_t{1} << think_end : 0));
  guide.accept(think_end);
  CHECK(guide.allowed().empty());
}

TEST_CASE("a turn ends with its message: at the end of the sentence, after the calls, or where it is malformed for certain") {
  const std::string calls = "\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">x</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>";
  const std::string text = "So be it.";
  CHECK(ends_after(text + kEnd, Thinking::kOff) == text.size() + kEnd.size());
  CHECK(ends_after(text + calls + kEnd, Thinking::kOff) == text.size() + calls.size());
  CHECK(ends_after(text, Thinking::kOff) == std::string::npos);
  CHECK(ends_after(text + kThinkEnd + text + calls, Thinking::kOn) == text.size() * 2 + kThinkEnd.size() + calls.size());
  CHECK(ends_after(text + kThinkEnd, Thinking::kOff) == text.size() + kThinkEnd.size());
  CHECK(ends_after(text + "<｜User｜>", Thinking::kOff) == text.size() + std::string("<｜User｜>").size());
  CHECK(ends_after("\xC3x", Thinking::kOff) == 2);
  const std::string broken = "\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜param x";
  CHECK(ends_after(broken + text, Thinking::kOff) == broken.size() - 1);
}

}  // namespace
}  // namespace assay
