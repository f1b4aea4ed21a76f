#include "engine/grammar/completion_language.h"

#include "engine/checkpoint/synthetic.h"
#include "engine/grammar/token_grammar.h"
#include "envs/base/rng.h"
#include "envs/encodings/deepseek_v32.h"
#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

const MessageEncoding& v32() { return *must(find_encoding("deepseek_v32")); }

// Bytes, the format's tokens, and tokens that begin and end in the middle of what grammars are made of.
std::shared_ptr<const TokenTree> token_tree() {
  OrderedJson json = byte_tokenizer(byte_vocabulary_size());
  for (const char* text : {"\">\n", "</", "<｜", ">\n</", "true", "[\"", "\", \"", "name=\"", "get_", " string=\"", "éa", "\n\n", "<｜DSML｜", "function_calls>\n", "city", "}]", "1e"}) {
    const int64_t id = static_cast<int64_t>(json["model"]["vocab"].size());
    json["model"]["vocab"][text] = id;
    json["added_tokens"].push_back({{"id", id}, {"content", text}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false}, {"special", false}});
  }
  Tokenizer tokenizer = must(Tokenizer::parse(json.dump(), "test"));
  const int64_t size = tokenizer.vocabulary_size();
  return std::make_shared<const TokenTree>(std::move(tokenizer), size + 70, encodings::deepseek_v32::kEnd);
}

std::vector<int32_t> tokens_in(const TokenMask& mask) {
  std::vector<int32_t> tokens;
  for (size_t token = 0; token < mask.size() * 64; ++token)
    if (mask[token / 64] >> (token % 64) & 1) tokens.push_back(static_cast<int32_t>(token));
  return tokens;
}

// Tokens drawn at random under the masks, so that the text ends within `limit` of them.
std::string random_completion(TokenGrammar& grammar, Language state, Rng& rng, int64_t limit) {
  std::string text;
  for (int64_t left = limit; state != Languages::empty(); --left) {
    const std::vector<int32_t> tokens = tokens_in(*grammar.allowed(state, left - 1));
    if (tokens.empty()) FAIL("a dead end after " << text);
    const int32_t token = rng.pick(tokens);
    text += grammar.tokens().bytes_of(token);
    state = grammar.after(state, token);
  }
  return text;
}

std::vector<ToolSpec> tools_of(const Json& properties, const Json& required) {
  ToolSpec tool;
  tool.name = "try_it";
  tool.parameters = {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}, {"required", required}};
  return {tool};
}

// Completions among `rounds` that the parser or a schema of `checked` refuses, where `drawn` says what is drawn; calls are counted.
struct Violations {
  int64_t found = 0, calls = 0;
};

Violations violations(const std::vector<ToolSpec>& drawn, const std::vector<ToolSpec>& checked, Thinking thinking, CallRule rule, int rounds, uint64_t seed) {
  TokenGrammar grammar(token_tree());
  const Language start = must(completion_language(grammar.languages(), thinking, rule, drawn));
  Rng rng(seed, "test/completion_language");
  Violations seen;
  for (int round = 0; round < rounds; ++round) {
    const std::string text = random_completion(grammar, start, rng, grammar.languages().least_bytes(start) + 1 + static_cast<int64_t>(rng.below(600)));
    const auto message = v32().parse(text, thinking);
    if (!message.ok()) {
      ++seen.found;
      continue;
    }
    for (const ToolCall& call : message->tool_calls) {
      const auto tool = std::find_if(checked.begin(), checked.end(), [&](const ToolSpec& each) { return each.name == call.name; });
      seen.found += tool == checked.end() || argument_problem(tool->parameters, must(parse_json(call.arguments, "arguments"))) != "";
      ++seen.calls;
    }
  }
  return seen;
}

TEST_CASE("whatever is drawn under the mask is a message whose calls the tools' schemas accept") {
  const std::vector<ToolSpec> tools = fixture::environment()->tools;
  for (const Thinking thinking : {Thinking::kOff, Thinking::kOn})
    for (const CallRule rule : {CallRule::kSchema, CallRule::kRequired}) {
      const Violations seen = violations(tools, tools, thinking, rule, 30, 7);
      CHECK(seen.found == 0);
      if (rule == CallRule::kRequired) CHECK(seen.calls >= 30);
    }
}

TEST_CASE("a hole in the grammar is found by drawing from it") {
  struct Hole {
    Json drawn, checked, required_drawn, required_checked;
  };
  const Json city{{"type", "string"}}, none = Json::array(), a{"a"};
  const std::vector<Hole> holes = {
      {{{"a", city}}, {{"a", {{"type", "string"}, {"enum", {"x"}}}}}, a, a},
      {{{"a", {{"type", "number"}}}}, {{"a", {{"type", "integer"}}}}, a, a},
      {{{"a", city}}, {{"a", city}}, none, a},
      {{{"a", city}, {"b", city}}, {{"a", city}}, a, a},
      {{{"a", {{"type", "array"}}}}, {{"a", {{"type", "array"}, {"items", {{"type", "boolean"}}}}}}, a, a}};
  for (const Hole& hole : holes) {
    const auto drawn = tools_of(hole.drawn, hole.required_drawn), checked = tools_of(hole.checked, hole.required_checked);
    INFO(hole.drawn.dump() << " for " << hole.checked.dump());
    CHECK(violations(drawn, checked, Thinking::kOff, CallRule::kRequired, 25, 8).found > 0);
    CHECK(violations(checked, checked, Thinking::kOff, CallRule::kRequired, 25, 8).found == 0);
  }
}

TEST_CASE("a mask has the tokens after which a text can go on, and no others") {
  TokenGrammar grammar(token_tree());
  const std::vector<ToolSpec> tools = fixture::environment()->tools;
  Rng rng(9, "test/completion_language/masks");
  for (const CallRule rule : {CallRule::kFree, CallRule::kRequired}) {
    const Language start = must(completion_language(grammar.languages(), Thinking::kOff, rule, tools));
    Language state = start;
    for (int step = 0; step < 300; ++step) {
      const int64_t within = static_cast<int64_t>(rng.below(200));
      const std::vector<int32_t> allowed = tokens_in(*grammar.allowed(state)), close = tokens_in(*grammar.allowed(state, within));
      std::vector<int32_t> expected, expected_close;
      for (int32_t token = 0; token < grammar.tokens().vocab_size(); ++token) {
        const std::string_view text = grammar.tokens().bytes_of(token);
        const bool turn_token = text.starts_with("<｜") && text.ends_with("｜>") && text != encodings::deepseek_v32::kEnd;
        const Language next = text.empty() || turn_token ? Languages::nothing() : grammar.after(state, token);
        if (next == Languages::nothing()) continue;
        expected.push_back(token);
        if (grammar.languages().least_bytes(next) <= std::max(within, grammar.languages().least_bytes(state) - 1)) expected_close.push_back(token);
      }
      REQUIRE(allowed == expected);
      REQUIRE(close == expected_close);
      state = grammar.after(state, rng.pick(allowed));
      if (state == Languages::empty()) state = start;
    }
  }
}

std::string damaged(std::string text, Rng& rng) {
  static const std::vector<std::string> kPieces = {"<", "\"", ">\n", "\n", "｜DSML｜", "</think>", "<｜User｜>", "<｜end▁of▁sentence｜>", "\xC3", "x", "</｜DSML｜parameter>", " string=\"true\""};
  for (uint64_t times = 1 + rng.below(2); times > 0; --times) {
    const size_t at = rng.below(text.size() + 1);
    if (rng.below(2)) text.insert(at, rng.pick(kPieces));
    else text.erase(at, 1 + rng.below(3));
  }
  return text;
}

TEST_CASE("a completion that has left the free language is malformed, and what the parser takes is in it") {
  const std::vector<ToolSpec> tools = fixture::environment()->tools;
  int64_t taken = 0, left = 0;
  for (const Thinking thinking : {Thinking::kOff, Thinking::kOn}) {
    TokenGrammar grammar(token_tree());
    Languages& l = grammar.languages();
    const Language free = must(completion_language(l, thinking, CallRule::kFree, {})), drawn = must(completion_language(l, thinking, CallRule::kSchema, tools)),
                   calls = must(completion_language(l, thinking, CallRule::kRequired, tools));
    Rng rng(10, "test/completion_language/free");
    for (int round = 0; round < 120; ++round) {
      std::string text = random_completion(grammar, round % 4 ? calls : drawn, rng, 300 + static_cast<int64_t>(rng.below(200)));
      CHECK(l.after(free, text) == Languages::empty());
      text = damaged(text, rng);
      const Language state = l.after(free, text);
      const auto message = v32().parse(text, thinking);
      INFO(text << (message.ok() ? "" : message.error().text()));
      // A sentence may end after the calls, and the language ends before that.
      const bool ended = text.ends_with(encodings::deepseek_v32::kEnd) && message.ok() && !message->tool_calls.empty();
      if (message.ok() && !ended) CHECK(state == Languages::empty());
      if (state == Languages::nothing() && !ended) CHECK_FALSE(message.ok());
      taken += message.ok();
      left += state == Languages::nothing();
    }
  }
  CHECK(taken > 5);
  CHECK(left > 30);
}

TEST_CASE("a JSON value ends where the sentence does and nowhere before") {
  TokenGrammar grammar(token_tree());
  Languages& l = grammar.languages();
  const Json schema{{"type", "array"}, {"items", {{"type", "string"}}}};
  const Language start = must(json_completion_language(l, schema, "schema"));
  const std::string end(encodings::deepseek_v32::kEnd);
  CHECK(l.after(start, R"(["a","<｜en"])" + end) == Languages::empty());
  CHECK(l.after(start, "[\"a" + end) == Languages::nothing());
  Rng rng(11, "test/completion_language/json");
  for (int round = 0; round < 30; ++round) {
    const std::string text = random_completion(grammar, start, rng, 40 + static_cast<int64_t>(rng.below(60)));
    REQUIRE(text.find(end) == text.size() - end.size());
    CHECK(must(parse_json(text.substr(0, text.size() - end.size()), "drawn")).is_array());
  }
  CHECK_FALSE(json_completion_language(l, {{"const", end}}, "schema").ok());
}

TEST_CASE("what no call can say is refused before anything is drawn") {
  Languages languages;
  const auto refused = [&](const std::vector<ToolSpec>& tools) {
    const auto made = completion_language(languages, Thinking::kOff, CallRule::kSchema, tools);
    return made.ok() ? "taken" : made.error().text();
  };
  CHECK_THAT(refused(tools_of({{"a", {{"type", "string"}, {"enum", {"x<｜User｜>"}}}}}, Json::array())), Catch::Contains("<｜User｜>") && Catch::Contains("try_it"));
  CHECK_THAT(refused(tools_of({{"a", {{"type", "string"}, {"format", "date"}}}}, Json::array())), Catch::Contains("\"format\"") && Catch::Contains("try_it.a"));
  std::vector<ToolSpec> nameless = tools_of(Json::object(), Json::array());
  nameless[0].name = "";
  CHECK_THAT(refused(nameless), Catch::Contains("a name"));
}

}  // namespace
}  // namespace assay
