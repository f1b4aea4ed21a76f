#include "engine/tokenizer/tokenizer.h"

#include <array>
#include <functional>
#include <thread>

#include "engine/checkpoint/synthetic.h"
#include "engine/tokenizer/utf8.h"
#include "envs/base/rng.h"
#include "tests/engine/tokenizer/golden.h"

namespace assay {
namespace {

using Ids = std::vector<int32_t>;

// A byte-level tokenizer of a few tokens, to be spoiled.
Json small() {
  Json document = Json::parse(byte_tokenizer(0).dump());
  for (const char* token : {"he", "ll", "hell"}) document["model"]["vocab"][token] = document["model"]["vocab"].size();
  document["model"]["merges"] = Json::parse(R"([["h", "e"], ["l", "l"], ["he", "ll"]])");
  return document;
}

Result<Tokenizer> parse(const Json& document) { return Tokenizer::parse(document.dump(), "t.json"); }

Tokenizer good(const Json& document) {
  Result<Tokenizer> tokenizer = parse(document);
  if (!tokenizer.ok()) FAIL(tokenizer.error().text());
  return std::move(tokenizer).value();
}

// What is wrong with small() after `spoil`.
std::string error_of(const std::function<void(Json&)>& spoil) {
  Json document = small();
  spoil(document);
  const Result<Tokenizer> tokenizer = parse(document);
  return tokenizer.ok() ? "no error" : tokenizer.error().text();
}

Json split(const std::string& regex) { return {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}}; }

std::string error_of_regex(const std::string& regex) {
  return error_of([&](Json& t) { t["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split(regex), {{"type", "ByteLevel"}}}}}; });
}

void check(const std::string& error, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    INFO(error);
    CHECK(error.find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("a tokenizer of a synthetic checkpoint reads and writes any text") {
  const Tokenizer tokenizer = good(Json::parse(byte_tokenizer(300).dump()));
  CHECK(tokenizer.vocabulary_size() == 300);
  const std::string text = "<｜User｜>é\n😀<｜Assistant｜><think>";
  const Ids ids = tokenizer.encode(text);
  CHECK(ids.size() == 3 + 2 + 1 + 4);
  CHECK(ids.front() == 2);
  CHECK(tokenizer.decode(ids) == text);
  CHECK(tokenizer.decode(ids, SpecialTokens::kLeaveOut) == "é\n😀<think>");
}

TEST_CASE("tokens are found by text and by id") {
  const Tokenizer tokenizer = good(small());
  CHECK(tokenizer.vocabulary_size() == byte_vocabulary_size() + 3);
  CHECK(tokenizer.id_of("<think>") == 4);
  CHECK(tokenizer.id_of("hell") == tokenizer.vocabulary_size() - 1);
  CHECK(!tokenizer.id_of("no such token"));
  CHECK(*tokenizer.token_of(4) == "<think>");
  CHECK(tokenizer.token_of(-1) == nullptr);
  CHECK(tokenizer.token_of(tokenizer.vocabulary_size()) == nullptr);
  CHECK(tokenizer.is_special(0));
  CHECK(!tokenizer.is_special(4));
  CHECK(!tokenizer.is_special(tokenizer.vocabulary_size()));
  CHECK(tokenizer.decode(Ids{-1, *tokenizer.id_of("hell"), INT32_MAX}) == "hell");
}

TEST_CASE("merges are made by rank, not by length or place") {
  Json document = small();
  const auto encode = [&](const std::string& text) {
    std::string shown;
    const Tokenizer tokenizer = good(document);
    for (const int32_t id : tokenizer.encode(text)) shown += (shown.empty() ? "" : " ") + *tokenizer.token_of(id);
    return shown;
  };
  CHECK(encode("hello") == "hell o");
  CHECK(encode("llll lll") == "ll ll Ġ ll l");
  document["model"]["merges"] = Json::parse(R"([["he", "ll"], ["l", "l"]])");
  CHECK(encode("hello") == "h e ll o");
  document["model"]["merges"] = Json::array({"h e", "l l", "he ll"});
  CHECK(encode("hellhello") == "hell hell o");
}

TEST_CASE("bytes that are not UTF-8 are encoded as U+FFFD") {
  const Tokenizer tokenizer = good(small());
  for (const auto& [bytes, text] : {std::pair<std::string, std::string>("a\xff" "b", "a\ufffdb"), {"\xe4\xbd", "\ufffd"}, {"\xe4\xbd\xe4\xbd\xa0", "\ufffd你"}, {"\xc0\x80", "\ufffd\ufffd"},
                                    {"\xed\xa0\x80", "\ufffd\ufffd\ufffd"}, {"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"}, {"\xf0\x9f\x98", "\ufffd"}}) {
    CHECK(tokenizer.encode(bytes) == tokenizer.encode(text));
    CHECK(tokenizer.decode(tokenizer.encode(bytes)) == text);
  }
}

TEST_CASE("a word of a million letters is encoded") {
  const Tokenizer tokenizer = good(small());
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "hello";
  const Ids ids = tokenizer.encode(text);
  CHECK(ids.size() == 400'000);
  CHECK(tokenizer.decode(ids) == text);
}

TEST_CASE("streamed text is whole characters, and together the decoded text") {
  for (const std::string kind : {"deepseek", "qwen", "sentencepiece"}) {
    const Result<Tokenizer> tokenizer = Tokenizer::load(golden_path(kind + ".tokenizer.json"));
    REQUIRE(tokenizer.ok());
    for (uint64_t i = 0; i < 400; ++i) {
      Rng rng(7, kind, i);
      Ids ids;
      // Many single bytes, which characters seldom come from, and now and then an id that has no token.
      for (uint64_t left = rng.below(30); left > 0; --left) ids.push_back(static_cast<int32_t>(rng.below(rng.below(4) ? 262 : tokenizer->vocabulary_size() + 5)));
      INFO(kind << " " << i);
      for (const SpecialTokens special : {SpecialTokens::kKeep, SpecialTokens::kLeaveOut}) {
        StreamDecoder decoder(*tokenizer, special);
        std::string text;
        for (const int32_t id : ids) {
          const std::string part = decoder.push(id);
          CHECK(utf8_prefix(part) == part.size());
          text += part;
        }
        text += decoder.finish();
        CHECK(text == tokenizer->decode(ids, special));
        CHECK(utf8_prefix(text) == text.size());
      }
    }
  }
}

TEST_CASE("text is streamed as soon as it is certain") {
  const Tokenizer tokenizer = good(small());
  StreamDecoder decoder(tokenizer);
  const Ids ids = tokenizer.encode("a😀b");
  CHECK(decoder.push(ids[0]) == "a");
  for (size_t i = 1; i < 4; ++i) CHECK(decoder.push(ids[i]).empty());
  CHECK(decoder.push(ids[4]) == "😀");
  CHECK(decoder.push(ids[1]).empty());
  CHECK(decoder.push(ids[5]) == "\ufffdb");
  CHECK(decoder.push(ids[1]).empty());
  CHECK(decoder.finish() == "\ufffd");
}

TEST_CASE("threads share a tokenizer") {
  const Result<Tokenizer> tokenizer = Tokenizer::load(golden_path("deepseek.tokenizer.json"));
  REQUIRE(tokenizer.ok());
  const std::vector<std::string> texts = golden_json("texts.json").get<std::vector<std::string>>();
  const Json golden = golden_json("deepseek.golden.json")["ids"];
  std::array<size_t, 4> wrong{};
  std::vector<std::thread> threads;
  for (size_t& count : wrong)
    threads.emplace_back([&] {
      for (size_t i = 0; i < texts.size(); ++i) count += tokenizer->encode(texts[i]) != golden[i].get<Ids>();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::array<size_t, 4>{});
}

TEST_CASE("a file that is none, or no tokenizer, is refused") {
  const std::string text = small().dump();
  check(Tokenizer::load("/nonexistent").error().text(), {"/nonexistent", "cannot open"});
  check(Tokenizer::load(golden_path("..")).error().text(), {"/tokenizer.json", "cannot open"});
  for (size_t size = 0; size < text.size(); size += 97) check(Tokenizer::parse(text.substr(0, size), "t.json").error().text(), {"t.json: not JSON at byte"});
  check(Tokenizer::parse("[]", "t.json").error().text(), {"t.json: $: expected an object"});
  check(Tokenizer::parse(std::string(100, '[') + std::string(100, ']'), "t.json").error().text(), {"nested deeper than 16"});
  check(Tokenizer::parse(std::string((size_t{256} << 20) + 1, ' '), "t.json").error().text(), {"larger than the limit of 268435456 bytes"});
}

TEST_CASE("members that are not supported are named") {
  const std::vector<std::pair<std::function<void(Json&)>, std::vector<std::string>>> faults = {
      {[](Json& t) { t["version"] = "2.0"; }, {"$.version", "2.0"}},
      {[](Json& t) { t["truncation"] = {{"max_length", 5}}; }, {"$.truncation", "try: null"}},
      {[](Json& t) { t["padding"] = {{"pad_id", 5}}; }, {"$.padding"}},
      {[](Json& t) { t["postprocessor"] = nullptr; }, {"$.postprocessor: unknown member", "post_processor"}},
      {[](Json& t) { t["model"]["type"] = "Unigram"; }, {"$.model.type", "Unigram", "BPE"}},
      {[](Json& t) { t["model"]["dropout"] = 0.1; }, {"$.model.dropout"}},
      {[](Json& t) { t["model"]["end_of_word_suffix"] = "</w>"; }, {"$.model.end_of_word_suffix"}},
      {[](Json& t) { t["model"]["continuing_subword_prefix"] = "##"; }, {"$.model.continuing_subword_prefix"}},
      {[](Json& t) { t["model"]["scores"] = 1; }, {"$.model.scores: unknown member"}},
      {[](Json& t) { t["normalizer"] = {{"type", "Lowercase"}}; }, {"$.normalizer.type", "Lowercase", "NFC"}},
      {[](Json& t) { t["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFKC"}}}}}; }, {"$.normalizer.normalizers[0].type", "NFKC"}},
      {[](Json& t) { t["normalizer"] = {{"type", "Replace"}, {"pattern", {{"Regex", "a"}}}, {"content", ""}}; }, {"$.normalizer.pattern.Regex"}},
      {[](Json& t) { t["pre_tokenizer"] = {{"type", "Metaspace"}}; }, {"$.pre_tokenizer.type", "Metaspace", "ByteLevel"}},
      {[](Json& t) { t["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {{{"type", "ByteLevel"}}, split("a")}}}; }, {"$.pre_tokenizer.pretokenizers[1].type", "after ByteLevel"}},
      {[](Json& t) { t["pre_tokenizer"] = split("a"), t["pre_tokenizer"]["behavior"] = "Kept"; }, {"$.pre_tokenizer.behavior", "Kept", "MergedWithNext"}},
      {[](Json& t) { t["pre_tokenizer"] = split("a"), t["pre_tokenizer"]["pattern"] = {{"Glob", "a"}}; }, {"$.pre_tokenizer.pattern"}},
      {[](Json& t) { t["post_processor"] = {{"type", "RobertaProcessing"}}; }, {"$.post_processor.type", "RobertaProcessing"}},
      {[](Json& t) { t["decoder"] = nullptr; }, {"$.decoder", "ByteLevel"}},
      {[](Json& t) { t["decoder"] = {{"type", "WordPiece"}}; }, {"$.decoder.type", "WordPiece"}},
      {[](Json& t) { t["decoder"] = {{"type", "Sequence"}, {"decoders", {{{"type", "Fuse"}}, {{"type", "ByteFallback"}}}}}; }, {"$.decoder.decoders[1].type", "the order"}},
      {[](Json& t) { t["added_tokens"][0]["rank"] = 1; }, {"$.added_tokens[0].rank: unknown member"}},
  };
  for (const auto& [spoil, parts] : faults) check(error_of(spoil), parts);
}

TEST_CASE("tokens, ids and merges that contradict each other are refused") {
  const std::vector<std::pair<std::function<void(Json&)>, std::vector<std::string>>> faults = {
      {[](Json& t) { t["model"].erase("merges"); }, {"$.model.merges: missing"}},
      {[](Json& t) { t["model"].erase("vocab"); }, {"$.model.vocab: missing"}},
      {[](Json& t) { t["model"]["merges"][1][1] = "x y"; }, {"$.model.merges[1]", "needs the token \"x y\""}},
      {[](Json& t) { t["model"]["merges"][1][1] = "o"; }, {"$.model.merges[1]", "needs the token \"lo\""}},
      {[](Json& t) { t["model"]["merges"][2] = "he l l"; }, {"$.model.merges[2]", "a merge is \"a b\""}},
      {[](Json& t) { t["model"]["merges"][0] = 7; }, {"$.model.merges[0]"}},
      {[](Json& t) { t["model"]["vocab"]["he"] = 9; }, {"$.model.vocab", "the id 9 is given to", "\"he\""}},
      {[](Json& t) { t["model"]["vocab"]["he"] = -1; }, {"$.model.vocab", "-1"}},
      {[](Json& t) { t["model"]["vocab"]["he"] = 1.5; }, {"$.model.vocab", "1.5"}},
      {[](Json& t) { t["model"]["vocab"]["he"] = 4'000'000'000; }, {"$.model.vocab", "4000000000", "2097151"}},
      {[](Json& t) { t["model"]["vocab"]["he"] = UINT64_MAX; }, {"$.model.vocab", "18446744073709551615"}},
      {[](Json& t) { t["model"]["vocab"].erase("Ġ"); }, {"the vocabulary lacks \"Ġ\", the token of the byte 32"}},
      {[](Json& t) { t["model"]["unk_token"] = "<unk>"; }, {"lacks the unk_token \"<unk>\""}},
      {[](Json& t) { t["pre_tokenizer"] = nullptr; }, {"neither byte_fallback nor an unk_token"}},
      {[](Json& t) { t["pre_tokenizer"] = nullptr, t["model"]["byte_fallback"] = true; }, {"<0x00>"}},
      {[](Json& t) { t["added_tokens"][0]["id"] = 5; }, {"$.added_tokens", "has the id 5", "gives it 0"}},
      {[](Json& t) { t["added_tokens"].push_back({{"id", 5000}, {"content", "<x>"}}); }, {"$.added_tokens", "has the id 5000", "gives it 266"}},
      {[](Json& t) { t["added_tokens"].push_back(t["added_tokens"][0]); }, {"$.added_tokens", "is given to"}},
      {[](Json& t) { t["added_tokens"][0]["content"] = ""; }, {"$.added_tokens[0].content"}},
      {[](Json& t) {
         t["post_processor"] = {{"type", "TemplateProcessing"}, {"single", {{{"Sequence", {{"id", "A"}}}}, {{"SpecialToken", {{"id", "<s>"}}}}}}, {"special_tokens", Json::object()}};
       },
       {"$.post_processor.single[1].SpecialToken.id", "special_tokens lacks \"<s>\""}},
      {[](Json& t) {
         t["post_processor"] = {{"type", "TemplateProcessing"}, {"single", {{{"Sequence", {{"id", "A"}}}}, {{"SpecialToken", {{"id", "s"}}}}}},
                                {"special_tokens", {{"s", {{"id", "s"}, {"ids", {999}}, {"tokens", {"s"}}}}}}};
       },
       {"$.post_processor", "the id 999, which has no token"}},
  };
  for (const auto& [spoil, parts] : faults) check(error_of(spoil), parts);
}

TEST_CASE("expressions that the two languages read differently are refused") {
  for (const auto& [regex, part] : std::vector<std::pair<std::string, std::string>>{
           {R"(\w+)", "an escape that is not read at byte 0"}, {R"(a\b)", "at byte 1"}, {R"(\h)", "escape"}, {R"([\w])", "escape"}, {R"(\1)", "escape"}, {R"(^a)", "an anchor"}, {R"(a$)", "an anchor"},
           {R"([a[bc]])", "a class within a class"}, {R"([[:alpha:]])", "a class within a class"}, {R"([a&&b])", "an intersection"}, {R"([])", "an empty class"}, {R"([a)", "a class without an end"},
           {R"((ab)+)", "a group that repeats"}, {R"((?:ab){2})", "a group that repeats"}, {R"(a**)", "a quantifier of nothing"}, {R"(+a)", "a quantifier of nothing"}, {R"(a{1,3}+)", "a suffix of a counted"},
           {R"(a{2}?)", "a suffix of a counted"}, {R"(a{,3})", "a brace"}, {R"(a{x})", "a brace"}, {R"(a{1)", "a brace"}, {R"((?i)a)", "a kind of group"}, {R"((?<n>a))", "a kind of group"},
           {R"((?~a))", "a kind of group"}, {R"(\p{Greek})", "neither a general category nor Han"}, {R"(\pL)", "a property without braces"}, {R"(\p{L)", "a property without braces"}, {R"(\x4)", "a character number"},
           {R"(\x{110000})", "PCRE2 cannot read"}, {R"((a)", "PCRE2 cannot read"}, {R"(a))", "PCRE2 cannot read"}, {R"(a*)", "can match the empty text"}, {R"(a|)", "can match the empty text"},
           {R"((?=a))", "can match the empty text"}, {R"(a\)", "escape"}, {"", "can match the empty text"}, {std::string(2000, 'a'), "has 2000 bytes; at most 1024"}})
    check(error_of_regex(regex), {part, "$.pre_tokenizer.pretokenizers[0].pattern"});
}

}  // namespace assay
