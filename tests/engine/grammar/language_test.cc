#include "engine/grammar/language.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>

#include "envs/base/rng.h"

namespace assay {
namespace {

// An expression twice: as a language and as what its words mean.
struct Pattern {
  enum class Kind { kByte, kSequence, kAnyOf, kAllOf, kNot, kRepeat, kAnyOrder };

  Kind kind = Kind::kByte;
  char low = 'a', high = 'a';
  std::vector<Pattern> parts;
  uint64_t least = 0, most = 0;

  bool simple() const {
    if (kind == Kind::kAllOf || kind == Kind::kNot) return false;
    return std::all_of(parts.begin(), parts.end(), [](const Pattern& part) { return part.simple(); });
  }
};

bool holds(const Pattern& pattern, std::string_view text);

// Whether `text` is something of parts[at], then of the next, and so on.
bool holds_chain(const std::vector<Pattern>& parts, size_t at, std::string_view text) {
  if (at == parts.size()) return text.empty();
  for (size_t cut = 0; cut <= text.size(); ++cut)
    if (holds(parts[at], text.substr(0, cut)) && holds_chain(parts, at + 1, text.substr(cut))) return true;
  return false;
}

bool holds_some_order(const Pattern& pattern, uint64_t used, std::string_view text) {
  const uint64_t required = pattern.least;
  if (text.empty() && (required & ~used) == 0) return true;
  for (size_t i = 0; i < pattern.parts.size(); ++i) {
    if (used >> i & 1) continue;
    std::string_view rest = text;
    if (used != 0) {   // the separator is a comma
      if (!rest.starts_with(',')) continue;
      rest.remove_prefix(1);
    }
    for (size_t cut = 1; cut <= rest.size(); ++cut)
      if (holds(pattern.parts[i], rest.substr(0, cut)) && holds_some_order(pattern, used | uint64_t{1} << i, rest.substr(cut))) return true;
  }
  return false;
}

bool holds(const Pattern& pattern, std::string_view text) {
  const auto part_holds = [&](const Pattern& part) { return holds(part, text); };
  switch (pattern.kind) {
    case Pattern::Kind::kByte: return text.size() == 1 && pattern.low <= text[0] && text[0] <= pattern.high;
    case Pattern::Kind::kSequence: return holds_chain(pattern.parts, 0, text);
    case Pattern::Kind::kAnyOf: return std::any_of(pattern.parts.begin(), pattern.parts.end(), part_holds);
    case Pattern::Kind::kAllOf: return std::all_of(pattern.parts.begin(), pattern.parts.end(), part_holds);
    case Pattern::Kind::kNot: return !holds(pattern.parts[0], text);
    case Pattern::Kind::kRepeat:
      for (uint64_t times = pattern.least; times <= std::min<uint64_t>(pattern.most, text.size() + pattern.least); ++times)
        if (holds_chain(std::vector<Pattern>(times, pattern.parts[0]), 0, text)) return true;
      return false;
    case Pattern::Kind::kAnyOrder: return holds_some_order(pattern, 0, text);
  }
  return false;
}

Pattern random_pattern(Rng& rng, int depth) {
  using Kind = Pattern::Kind;
  Pattern pattern;
  if (depth == 0 || rng.below(5) == 0) {
    pattern.low = static_cast<char>('a' + rng.below(2));
    pattern.high = static_cast<char>(pattern.low + rng.below(2));
    return pattern;
  }
  pattern.kind = std::array{Kind::kSequence, Kind::kAnyOf, Kind::kAllOf, Kind::kNot, Kind::kRepeat, Kind::kAnyOrder}[rng.below(6)];
  const bool one = pattern.kind == Kind::kNot || pattern.kind == Kind::kRepeat;
  for (uint64_t count = one ? 1 : 2 + rng.below(2); count > 0; --count) pattern.parts.push_back(random_pattern(rng, pattern.kind == Kind::kAnyOrder ? 0 : depth - 1));
  if (pattern.kind == Kind::kRepeat) {
    pattern.least = rng.below(3);
    pattern.most = rng.below(3) == 0 ? Languages::kUnbounded : pattern.least + rng.below(3);
  }
  if (pattern.kind == Kind::kAnyOrder) pattern.least = rng.below(uint64_t{1} << pattern.parts.size());
  return pattern;
}

Language language_of(Languages& l, const Pattern& pattern) {
  std::vector<Language> parts;
  for (const Pattern& part : pattern.parts) parts.push_back(language_of(l, part));
  switch (pattern.kind) {
    case Pattern::Kind::kByte: return l.byte(static_cast<uint8_t>(pattern.low), static_cast<uint8_t>(pattern.high));
    case Pattern::Kind::kSequence: return l.sequence(parts);
    case Pattern::Kind::kAnyOf: return l.any_of(parts);
    case Pattern::Kind::kAllOf: return l.all_of(parts);
    case Pattern::Kind::kNot: return l.complement(parts[0]);
    case Pattern::Kind::kRepeat: return l.repeat(parts[0], pattern.least, pattern.most);
    case Pattern::Kind::kAnyOrder: return l.in_any_order(parts, pattern.least, l.literal(","));
  }
  return Languages::nothing();
}

std::vector<std::string> all_texts(size_t longest) {
  std::vector<std::string> texts = {""};
  for (size_t from = 0, size = 0; size < longest; ++size)
    for (const size_t to = texts.size(); from < to; ++from)
      for (const char byte : {'a', 'b', 'c', ','}) texts.push_back(texts[from] + byte);
  return texts;
}

TEST_CASE("a language holds what its expression means, and its shortest text is as long as said") {
  const std::vector<std::string> texts = all_texts(4);
  Languages languages;
  Rng rng(1, "test/language");
  for (int round = 0; round < 300; ++round) {
    const Pattern pattern = random_pattern(rng, 3);
    const Language language = language_of(languages, pattern);
    int64_t shortest = Languages::kNever;
    INFO("round " << round);
    for (const std::string& text : texts) {
      const bool expected = holds(pattern, text);
      if (languages.holds_empty(languages.after(language, text)) != expected) FAIL("\"" << text << "\" should be " << (expected ? "in" : "out"));
      if (expected) shortest = std::min(shortest, static_cast<int64_t>(text.size()));
    }
    if (shortest < Languages::kNever) CHECK(languages.least_bytes(language) <= shortest);
    if (pattern.simple() && shortest < Languages::kNever) CHECK(languages.least_bytes(language) == shortest);
    if (pattern.simple() && shortest == Languages::kNever) CHECK(languages.least_bytes(language) > 4);
  }
}

TEST_CASE("the same states come again: walking on makes no more of them") {
  Languages l;
  const Language text = l.all_of({l.repeat(l.byte(0, 255), 0, Languages::kUnbounded), l.without({"</end", "<stop>"})});
  Rng rng(2, "test/language/states");
  const std::string letters = "</endstop>";
  const auto walk = [&] {
    Language state = text;
    for (int i = 0; i < 20'000; ++i) {
      const Language next = l.after(state, static_cast<uint8_t>(letters[rng.below(letters.size())]));
      state = next == Languages::nothing() ? text : next;
    }
  };
  walk();
  const int64_t states = l.count();
  walk();
  CHECK(l.count() == states);
  CHECK(states < 500);
  CHECK(l.after(text, "so </en") != Languages::nothing());
  CHECK(l.after(text, "so </end") == Languages::nothing());
}

TEST_CASE("members in any order come once each, the required ones for certain") {
  Languages l;
  const Language list = l.in_any_order({l.literal("one"), l.literal("two"), l.literal("three")}, 0b010, l.literal(", "));
  const auto has = [&](std::string_view text) { return l.holds_empty(l.after(list, text)); };
  for (const char* good : {"two", "one, two", "two, one", "three, two, one", "two, three"}) CHECK(has(good));
  for (const char* bad : {"", "one", "one, three", "two, two", "two,one", "two, ", ", two", "one, two, one"}) CHECK_FALSE(has(bad));
  CHECK(l.least_bytes(list) == 3);
  CHECK(l.least_bytes(l.after(list, "one")) == 5);
}

}  // namespace
}  // namespace assay
