// Ids, texts and words as Hugging Face tokenizers has them (make_golden.py).
#include "tests/engine/tokenizer/golden.h"

#include "engine/tokenizer/added_tokens.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/utf8.h"
#include "envs/base/rng.h"

namespace assay {
namespace {

using Ids = std::vector<int32_t>;

const std::vector<std::string> kKinds = {"gpt2", "llama3", "deepseek", "qwen", "o200k", "sentencepiece"};

Tokenizer tokenizer_of(const Json& document) {
  Result<Tokenizer> tokenizer = Tokenizer::parse(document.dump(), "a golden tokenizer");
  if (!tokenizer.ok()) FAIL(tokenizer.error().text());
  return std::move(tokenizer).value();
}

Tokenizer golden_tokenizer(const std::string& kind) {
  Result<Tokenizer> tokenizer = Tokenizer::load(golden_path(kind + ".tokenizer.json"));
  if (!tokenizer.ok()) FAIL(tokenizer.error().text());
  return std::move(tokenizer).value();
}

std::vector<std::string> hard_texts() { return golden_json("texts.json").get<std::vector<std::string>>(); }

std::string streamed(const Tokenizer& tokenizer, const Ids& ids, SpecialTokens special) {
  StreamDecoder decoder(tokenizer, special);
  std::string text;
  for (const int32_t id : ids) {
    const std::string part = decoder.push(id);
    INFO(part);
    CHECK(utf8_prefix(part) == part.size());
    text += part;
  }
  return text + decoder.finish();
}

size_t different_ids(const Json& document, const std::vector<std::string>& texts, const Json& ids) {
  const Tokenizer tokenizer = tokenizer_of(document);
  size_t different = 0;
  for (size_t i = 0; i < texts.size(); ++i) different += tokenizer.encode(texts[i]) != ids[i].get<Ids>();
  return different;
}

std::vector<std::string> words_of(const Json& pre_tokenizer, const std::string& text) {
  const auto made = PreTokenizer::read(pre_tokenizer, "golden", "$");
  if (!made.ok()) FAIL(made.error().text());
  Regex::Scratch scratch;
  std::vector<std::string> words;
  made->cut(text, scratch, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

// Texts that are cut at other places than `lengths` (bytes of words) says. They are normal already.
size_t different_words(const Json& pre_tokenizer, const std::vector<std::string>& texts, const Json& lengths) {
  size_t different = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::vector<size_t> found;
    for (const std::string& word : words_of(pre_tokenizer, texts[i])) found.push_back(word.size());
    different += found != lengths[i].get<std::vector<size_t>>();
  }
  return different;
}

// `json` with the first `from` in any of its strings replaced.
Json with(const Json& json, const std::string& from, const std::string& to) {
  const auto inside = [](const std::string& text) { return Json(text).dump().substr(1, Json(text).dump().size() - 2); };
  std::string text = json.dump();
  const size_t at = text.find(inside(from));
  REQUIRE(at != std::string::npos);
  return Json::parse(text.replace(at, inside(from).size(), inside(to)));
}

}  // namespace

TEST_CASE("texts have the ids that Hugging Face tokenizers gives them, and come back") {
  const std::vector<std::string> texts = hard_texts();
  for (const std::string& kind : kKinds) {
    const Tokenizer tokenizer = golden_tokenizer(kind);
    const Json golden = golden_json(kind + ".golden.json");
    REQUIRE(golden["ids"].size() == texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      INFO(kind << " " << i << " " << canonical_json(texts[i]));
      const Ids ids = golden["ids"][i].get<Ids>();
      CHECK(tokenizer.encode(texts[i]) == ids);
      const std::string decoded = golden["decoded"].value(std::to_string(i), texts[i]);
      CHECK(tokenizer.decode(ids) == decoded);
      CHECK(streamed(tokenizer, ids, SpecialTokens::kKeep) == decoded);
    }
    CHECK(tokenizer.encode("the engine", {EncodeOptions::Template::kApply}) == golden["templated"].get<Ids>());
  }
}

TEST_CASE("any ids decode as Hugging Face tokenizers decodes them, whole and one by one") {
  for (const std::string& kind : kKinds) {
    const Tokenizer tokenizer = golden_tokenizer(kind);
    for (const Json& random : golden_json(kind + ".golden.json")["random"]) {
      const Ids ids = random[0].get<Ids>();
      INFO(kind << " " << random[0]);
      CHECK(tokenizer.decode(ids) == random[1].get<std::string>());
      CHECK(tokenizer.decode(ids, SpecialTokens::kLeaveOut) == random[2].get<std::string>());
      CHECK(streamed(tokenizer, ids, SpecialTokens::kKeep) == random[1].get<std::string>());
      CHECK(streamed(tokenizer, ids, SpecialTokens::kLeaveOut) == random[2].get<std::string>());
    }
  }
}

TEST_CASE("the models' expressions cut the same words, and the corpus sees each part of them") {
  const std::vector<std::string> texts = hard_texts();
  for (const std::string kind : {"gpt2", "llama3", "deepseek", "o200k"}) {
    INFO(kind);
    CHECK(different_words(golden_json(kind + ".tokenizer.json")["pre_tokenizer"], texts, golden_json(kind + ".golden.json")["words"]) == 0);
  }
  const Json deepseek = golden_json("deepseek.tokenizer.json")["pre_tokenizer"], lengths = golden_json("deepseek.golden.json")["words"];
  for (const auto& [from, to] : {std::pair("{1,3}", "{1,2}"), {"{1,3}", "{1,4}"}, {"\u9fa5", "\u9fff"}, {"\u30ff", "\u30fa"}, {"(?!\\S)", "(?=\\S)"}, {"[\\p{L}\\p{M}]+", "\\p{L}+"},
                                 {"[\\r\\n]*", ""}, {"\\s*[\\r\\n]+|", ""}, {"\\]^_`", "\\]_`"}, {"[A-Za-z]+", "[A-Z]+"}, {" ?[\\p{P}", "[\\p{P}"}}) {
    INFO(from << " as " << to);
    CHECK(different_words(with(deepseek, from, to), texts, lengths) > 0);
  }
}

TEST_CASE("the corpus sees merges out of order") {
  const std::vector<std::string> texts = hard_texts();
  for (const std::string& kind : kKinds) {
    Json document = golden_json(kind + ".tokenizer.json");
    const Json ids = golden_json(kind + ".golden.json")["ids"];
    std::reverse(document["model"]["merges"].begin(), document["model"]["merges"].end());
    INFO(kind);
    CHECK(different_ids(document, texts, ids) > 0);
  }
}

TEST_CASE("pre-tokenizers of every kind cut texts into the same words") {
  for (const Json& golden : golden_json("words.json")) {
    INFO(golden);
    CHECK(words_of(golden[0], golden[1].get<std::string>()) == golden[2].get<std::vector<std::string>>());
  }
}

TEST_CASE("added tokens are found at the same places") {
  const Json golden = golden_json("added.json");
  const Tokenizer tokenizer = tokenizer_of(golden["tokenizer"]);
  for (const Json& one : golden["cases"]) {
    INFO(one);
    CHECK(tokenizer.encode(one[0].get<std::string>()) == one[1].get<Ids>());
  }
}

TEST_CASE("characters that a vocabulary lacks are unk_token, one by one or fused") {
  for (const Json& golden : golden_json("unknown.json")) {
    const Tokenizer tokenizer = tokenizer_of(golden[0]);
    for (const Json& one : golden[1]) {
      INFO(one);
      CHECK(tokenizer.encode(one[0].get<std::string>()) == one[1].get<Ids>());
    }
  }
}

}  // namespace assay
