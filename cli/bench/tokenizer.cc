// Text of three kinds in equal parts, encoded with a vocabulary as large as those of released models, and decoded again; one thread.
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <numeric>
#include <unordered_map>

#include "cli/bench.h"
#include "cli/text.h"
#include "engine/grammar/completion_language.h"
#include "engine/grammar/token_grammar.h"
#include "engine/tokenizer/byte_level.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/utf8.h"
#include "envs/base/json.h"
#include "envs/base/rng.h"

namespace assay::bench::tokenizer {
namespace {

constexpr size_t kTextBytes = size_t{6} << 20, kSyllables = 1'200, kEnglishWords = 30'000, kChineseCharacters = 3'500, kChineseWords = 36'000;

// The three steps of DeepSeek-V3, and the one of GLM and Llama 3 (see NOTICE).
const std::vector<std::string> kDeepSeek = {
    R"(\p{N}{1,3})", R"([一-龥぀-ゟ゠-ヿ]+)",
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
const std::vector<std::string> kLlama = {
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

using Word = std::vector<std::string>;  // its syllables, or its characters

std::string joined(const Word& word) {
  std::string text;
  for (const std::string& part : word) text += part;
  return text;
}

// Numbers below `count`, the i-th about 1 / i times as often as the first, as words are.
size_t zipf(Rng& rng, size_t count) { return static_cast<size_t>(std::exp(rng.unit() * std::log(static_cast<double>(count)))) - 1; }

std::vector<std::string> make_syllables(Rng& rng) {
  const std::vector<std::string> onsets = {"", "b", "c", "ch", "d", "f", "g", "h", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "th", "tr", "v", "w"};
  const std::vector<std::string> vowels = {"a", "e", "i", "o", "u", "ea", "ou", "io"}, codas = {"", "", "n", "r", "s", "t", "l", "nd", "ng", "nt", "st"};
  std::vector<std::string> syllables;
  for (size_t i = 0; i < kSyllables; ++i) syllables.push_back(rng.pick(onsets) + rng.pick(vowels) + rng.pick(codas));
  return syllables;
}

std::vector<std::string> make_characters() {
  std::vector<std::string> characters(kChineseCharacters);
  for (size_t i = 0; i < kChineseCharacters; ++i) append_utf8(0x4e00 + static_cast<uint32_t>(i * 5), characters[i]);
  return characters;
}

std::vector<Word> make_words(Rng& rng, size_t count, const std::vector<std::string>& parts, size_t longest) {
  std::vector<Word> words(count);
  for (Word& word : words)
    for (size_t left = 1 + rng.below(longest); left > 0; --left) word.push_back(parts[zipf(rng, parts.size())]);
  return words;
}

struct Lexicon {
  std::vector<std::string> syllables, characters;
  std::vector<Word> english, chinese;

  static Lexicon make() {
    Rng rng(0, "bench/tokenizer/lexicon");
    Lexicon made{make_syllables(rng), make_characters(), {}, {}};
    made.english = make_words(rng, kEnglishWords, made.syllables, 4);
    made.chinese = make_words(rng, kChineseWords, made.characters, 3);
    return made;
  }

  // A word as texts have it: one in twelve is none that a vocabulary knows.
  std::string english_word(Rng& rng) const {
    const std::string known = joined(english[zipf(rng, english.size())]);
    return rng.below(12) > 0 ? known : known + syllables[rng.below(syllables.size())] + syllables[rng.below(syllables.size())];
  }
  std::string chinese_word(Rng& rng) const { return rng.below(12) > 0 ? joined(chinese[zipf(rng, chinese.size())]) : characters[rng.below(characters.size())]; }
};

// The vocabulary that BPE learns from the lexicon: parts letter by letter, then words part by part, with and without a space before.
class VocabularyMaker {
 public:
  VocabularyMaker() {
    for (int byte = 0; byte < 256; ++byte) id_of(std::string(1, static_cast<char>(byte)));
  }

  void learn(const Word& parts) {
    std::string left;
    for (const std::string& part : parts) {
      if (!left.empty() && !ids_.contains(left + part)) {
        merges_.push_back({to_byte_characters(left), to_byte_characters(part)});
        id_of(left + part);
      }
      left += part;
    }
  }

  void learn_letters(const std::string& text) {
    Word letters;
    for (const char letter : text) letters.emplace_back(1, letter);
    learn(letters);
  }

  Json document(const std::vector<std::string>& expressions) const {
    Json steps = Json::array(), vocabulary = Json::object();
    for (const std::string& expression : expressions) steps.push_back({{"type", "Split"}, {"pattern", {{"Regex", expression}}}, {"behavior", "Isolated"}, {"invert", false}});
    const Json byte_level{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
    steps.push_back(byte_level);
    for (size_t id = 0; id < tokens_.size(); ++id) vocabulary[tokens_[id]] = id;
    const Json end{{"id", tokens_.size()}, {"content", "<｜end▁of▁sentence｜>"}, {"special", true}, {"normalized", false}};
    return {{"added_tokens", Json::array({end})}, {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}}, {"decoder", byte_level},
            {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", merges_}}}};
  }

 private:
  void id_of(const std::string& token) {
    if (ids_.emplace(token, tokens_.size()).second) tokens_.push_back(to_byte_characters(token));
  }

  std::unordered_map<std::string, size_t> ids_;
  std::vector<std::string> tokens_;
  std::vector<std::array<std::string, 2>> merges_;
};

VocabularyMaker make_vocabulary(const Lexicon& lexicon) {
  VocabularyMaker maker;
  for (const std::string& syllable : lexicon.syllables) maker.learn_letters(syllable), maker.learn_letters(" " + syllable);
  for (const std::string& character : lexicon.characters) maker.learn_letters(character);
  for (const char* common : {"    ", "        ", ", ", "\n\n", " =", " ==", "();", "->", " {\n", "，", "。"}) maker.learn_letters(common);
  for (const Word& word : lexicon.english) {
    maker.learn(word);
    Word spaced = word;
    spaced[0].insert(0, " ");
    maker.learn(spaced);
  }
  for (const Word& word : lexicon.chinese) maker.learn(word);
  return maker;
}

std::string english_text(const Lexicon& lexicon, Rng& rng, size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    for (uint64_t left = rng.between(4, 18); left > 0; --left) {
      std::string word = lexicon.english_word(rng);
      if (text.empty() || text.back() != ' ') word[0] = static_cast<char>(std::toupper(word[0]));
      text += word;
      if (rng.below(20) == 0) text += "'s";
      if (rng.below(12) == 0) text += ",";
      if (rng.below(25) == 0) text += " " + std::to_string(rng.below(3000));
      text += " ";
    }
    text.back() = '.';
    text += rng.below(5) == 0 ? "\n\n" : " ";
  }
  return text;
}

std::string chinese_text(const Lexicon& lexicon, Rng& rng, size_t bytes) {
  std::string text;
  while (text.size() < bytes) {
    for (uint64_t left = rng.between(3, 10); left > 0; --left) text += lexicon.chinese_word(rng);
    text += rng.below(3) == 0 ? "。" : "，";
    if (rng.below(8) == 0) text += std::to_string(rng.below(3000));
    if (rng.below(20) == 0) text += "\n";
  }
  return text;
}

std::string code_text(const Lexicon& lexicon, Rng& rng, size_t bytes) {
  const std::vector<std::string> operators = {" = ", " == ", " + ", ".", "->", "(", ", ", "[", " < ", "::", "_"}, ends = {";\n", ");\n", " {\n", "];\n", ") {\n", ";  // ", "\n\n"};
  std::string text;
  while (text.size() < bytes) {
    text.append(4 * rng.below(5), ' ');
    for (uint64_t left = rng.between(1, 6); left > 0; --left) {
      text += rng.below(6) == 0 ? std::to_string(rng.below(200)) : lexicon.english_word(rng);
      text += rng.pick(operators);
    }
    text += lexicon.english_word(rng) + rng.pick(ends);
  }
  return text;
}

std::string mixed_text(const Lexicon& lexicon) {
  std::string text;
  for (uint64_t i = 0; text.size() < kTextBytes; ++i) {
    Rng rng(0, "bench/tokenizer/text", i);
    for (const auto make : {english_text, chinese_text, code_text}) text += make(lexicon, rng, 4096);
  }
  return text;
}

// By processor time: the goal is one of a core, and no other thread works.
template <typename Work>
double megabytes_per_second(size_t bytes, const Work& work) {
  size_t rounds = 0;
  double seconds = 0;
  for (const std::clock_t start = std::clock(); seconds < 1; ++rounds) {
    work();
    seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  return static_cast<double>(bytes * rounds) / 1e6 / seconds;
}

// Masks of what tools with common schemas take, along completions drawn at random under them.
Result<std::vector<Figure>> mask_figures(const Tokenizer& tokenizer) {
  constexpr int kCompletions = 20, kTokens = 120;
  constexpr const char* kParameters = R"({"type":"object","required":["city","keywords"],"additionalProperties":false,"properties":{"city":{"type":"string"},
    "keywords":{"type":"array","items":{"type":"string","enum":["price","rating","stars"]}},"nights":{"type":"integer"},"strict":{"type":"boolean"}}})";
  std::vector<ToolSpec> tools(12);
  for (size_t i = 0; i < tools.size(); ++i) {
    tools[i].name = "get_infos_" + std::to_string(i);
    ASSAY_ASSIGN(tools[i].parameters, parse_json(kParameters, "bench tokenizer"));
  }
  TokenGrammar grammar(std::make_shared<const TokenTree>(tokenizer, tokenizer.vocabulary_size(), end_of_sentence()));
  ASSAY_ASSIGN(const Language start, completion_language(grammar.languages(), Thinking::kOff, CallRule::kRequired, tools));
  std::vector<double> made, kept;   // seconds
  Rng rng(0, "bench/tokenizer/masks");
  for (int completion = 0; completion < kCompletions; ++completion) {
    Language state = start;
    for (int i = 0; i < kTokens && state != Languages::empty(); ++i) {
      std::shared_ptr<const TokenMask> mask;
      for (std::vector<double>* times : {&made, &kept}) {
        const std::clock_t begin = std::clock();
        mask = grammar.allowed(state);
        times->push_back(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
      }
      std::vector<int32_t> tokens;
      for (size_t token = 0; token < mask->size() * 64; ++token)
        if ((*mask)[token / 64] >> (token % 64) & 1) tokens.push_back(static_cast<int32_t>(token));
      state = grammar.after(state, rng.pick(tokens));
    }
  }
  std::sort(made.begin(), made.end());
  const double all = std::accumulate(made.begin(), made.end(), 0.0), again = std::accumulate(kept.begin(), kept.end(), 0.0);
  const double count = static_cast<double>(made.size());
  return std::vector<Figure>{
      {"tokenizer", "a mask of tools' schemas", all / count * 1e3, "ms", 0, false, count_text(tokenizer.vocabulary_size()) + " tokens, mean along completions; few states are new"},
      {"tokenizer", "the slowest of them", made.back() * 1e3, "ms", 0, false, "a state where nearly all tokens are allowed, met for the first time"},
      {"tokenizer", "a mask met before", again / count * 1e6, "µs", 0, false, count_text(grammar.languages().count()) + " states of the automaton were made"}};
}

Result<std::vector<Figure>> run() {
  const Lexicon lexicon = Lexicon::make();
  const std::string text = mixed_text(lexicon);
  const VocabularyMaker vocabulary = make_vocabulary(lexicon);
  std::vector<Figure> figures;
  for (const auto& [name, expressions] : {std::pair("DeepSeek-V3", kDeepSeek), std::pair("GLM and Llama 3", kLlama)}) {
    ASSAY_ASSIGN(const Tokenizer tokenizer, Tokenizer::parse(vocabulary.document(expressions).dump(), "bench tokenizer"));
    const std::vector<int32_t> ids = tokenizer.encode(text);
    if (tokenizer.decode(ids) != text) return make_error(Boundary::kInternal, "the text does not come back from its ids", "bench tokenizer");
    char note[128];
    std::snprintf(note, sizeof note, "English, Chinese and code, %.1f MB, %.2f bytes a token of %lld", static_cast<double>(text.size()) / 1e6,
                  static_cast<double>(text.size()) / static_cast<double>(ids.size()), static_cast<long long>(tokenizer.vocabulary_size()));
    const std::string words = std::string(", words of ") + name;
    figures.push_back({"tokenizer", "encoding" + words, megabytes_per_second(text.size(), [&] { (void)tokenizer.encode(text); }), "MB/s", 10, true, note});
    figures.push_back({"tokenizer", "decoding" + words, megabytes_per_second(text.size(), [&] { (void)tokenizer.decode(ids); }), "MB/s", 10, true, "the same, back"});
    if (name == std::string("GLM and Llama 3")) continue;
    ASSAY_ASSIGN(const std::vector<Figure> masks, mask_figures(tokenizer));
    figures.insert(figures.end(), masks.begin(), masks.end());
  }
  return figures;
}

}  // namespace

BenchArea make() { return {"tokenizer", "text to token ids and back, and which tokens a schema allows", run}; }

}  // namespace assay::bench::tokenizer
