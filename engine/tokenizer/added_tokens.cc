#include "engine/tokenizer/added_tokens.h"

#include <algorithm>

#include "engine/tokenizer/stand_ins.h"
#include "engine/tokenizer/utf8.h"

namespace assay {
namespace {

// The Unicode property White_Space.
bool is_white_space(uint32_t code) {
  return (code >= 0x9 && code <= 0xd) || code == 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
         code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

size_t white_space_before(std::string_view text) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const std::string_view last = last_character(text.substr(0, text.size() - bytes));
    if (!is_white_space(read_utf8(last).code)) break;
    bytes += last.size();
  }
  return bytes;
}

size_t white_space_after(std::string_view text) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const Utf8Character next = read_utf8(text.substr(bytes));
    if (!is_white_space(next.code)) break;
    bytes += next.length;
  }
  return bytes;
}

}  // namespace

Result<Regex> word_character() {
  // Alphabetic is letters, letter numbers, some marks, and these circled and squared letters.
  return Regex::compile(R"([\p{L}\p{Nl}\x{24b6}-\x{24e9}\x{1f130}-\x{1f149}\x{1f150}-\x{1f169}\x{1f170}-\x{1f189}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}])", "single_word");
}

Result<std::vector<AddedToken>> read_added_tokens(const Json& tokens, const std::string& file, const std::string& path) {
  std::vector<AddedToken> read;
  for (size_t i = 0; i < tokens.size(); ++i) {
    JsonReader reader(tokens[i], file, path + "[" + std::to_string(i) + "]");
    AddedToken& token = read.emplace_back();
    token.id = static_cast<int32_t>(reader.integer("id", {.minimum = 0, .maximum = Vocabulary::kMaxId}));
    token.content = reader.text("content");
    token.special = reader.boolean_or("special", false);
    token.single_word = reader.boolean_or("single_word", false);
    token.lstrip = reader.boolean_or("lstrip", false);
    token.rstrip = reader.boolean_or("rstrip", false);
    token.normalized = reader.boolean_or("normalized", !token.special);
    if (token.content.empty()) reader.fail("content", "an added token has no text");
    ASSAY_TRY(reader.finish());
  }
  return read;
}

AddedTokenFinder::AddedTokenFinder(std::vector<Pattern> patterns, Regex word_character)
    : patterns_(std::move(patterns)), word_character_(std::move(word_character)) {
  std::ranges::sort(patterns_, {}, &Pattern::text);
  for (const Pattern& pattern : patterns_) begins_[static_cast<uint8_t>(pattern.text[0])] = true;
}

// Narrows the sorted patterns byte by byte to those that begin as `text` does.
const AddedTokenFinder::Pattern* AddedTokenFinder::longest_at(std::string_view text) const {
  const Pattern* longest = nullptr;
  std::span<const Pattern> left = patterns_;
  for (size_t length = 0; length < text.size() && !left.empty(); ++length) {
    const auto byte_of = [length](const Pattern& pattern) { return static_cast<uint8_t>(pattern.text[length]); };
    const auto same = std::ranges::equal_range(left, static_cast<uint8_t>(text[length]), {}, byte_of);
    left = std::span<const Pattern>(same.begin(), same.end());
    if (left.empty() || left.front().text.size() > length + 1) continue;
    longest = &left.front();
    left = left.subspan(1);
  }
  return longest;
}

bool AddedTokenFinder::touches_word(std::string_view text, size_t begin, size_t end, Regex::Scratch& scratch) const {
  const auto is_word = [&](std::string_view character) {
    const std::string stand_in = with_stand_ins(character);
    return word_character_.find(stand_in.empty() ? character : stand_in, 0, scratch).has_value();
  };
  return (begin > 0 && is_word(last_character(text.substr(0, begin)))) ||
         (end < text.size() && is_word(text.substr(end, read_utf8(text.substr(end)).length)));
}

void AddedTokenFinder::find(std::string_view text, Regex::Scratch& scratch, const std::function<void(std::string_view, const AddedToken*)>& part) const {
  size_t given = 0;  // bytes passed on
  for (size_t at = 0; at < text.size();) {
    const Pattern* found = begins_[static_cast<uint8_t>(text[at])] ? longest_at(text.substr(at)) : nullptr;
    if (!found) {
      ++at;
      continue;
    }
    const AddedToken& token = *found->token;
    size_t begin = at, end = at + found->text.size();
    at = end;
    if (token.single_word && touches_word(text, begin, end, scratch)) continue;
    if (token.lstrip) begin -= white_space_before(text.substr(0, begin));
    if (token.rstrip) end += white_space_after(text.substr(end));
    if (begin > given) part(text.substr(given, begin - given), nullptr);
    part(found->text, &token);
    given = std::max(given, end);
  }
  if (given < text.size()) part(text.substr(given), nullptr);
}

}  // namespace assay
