#include "engine/tokenizer/regex.h"

#include <fstream>
#include <map>

#include "engine/tokenizer/stand_ins.h"
#include "engine/tokenizer/utf8.h"
#include "tests/engine/tokenizer/golden.h"

namespace assay {
namespace {

Regex regex_of(const std::string& pattern) {
  Result<Regex> regex = Regex::compile(pattern, "test");
  if (!regex.ok()) FAIL(regex.error().text());
  return std::move(regex).value();
}

// Every character, by the general category that Hugging Face tokenizers sees in it; unassigned ones under Cn.
std::map<std::string, std::string> characters_by_category() {
  std::map<std::string, std::string> texts;
  std::ifstream file(golden_path("categories.txt"));
  uint32_t first = 0, last = 0, next = 0;
  std::string category;
  const auto add = [&](uint32_t end, const std::string& name) {
    for (; next < end; ++next)
      if (next < 0xd800 || next > 0xdfff) append_utf8(next, texts[name]);
  };
  while (file >> std::hex >> first >> last >> category) {
    add(first, "Cn");
    add(last + 1, category);
  }
  add(0x110000, "Cn");
  return texts;
}

}  // namespace

TEST_CASE("expressions see in every character the general category that Hugging Face tokenizers sees") {
  const auto texts = characters_by_category();
  CHECK(texts.size() == 29);
  Regex::Scratch scratch;
  for (const auto& [category, text] : texts) {
    INFO(category);
    const std::string stand_ins = with_stand_ins(text), &seen = stand_ins.empty() ? text : stand_ins;
    REQUIRE(seen.size() == text.size());
    const auto match = regex_of("\\p{" + category + "}+").find(seen, 0, scratch);
    REQUIRE(match);
    CHECK(match->begin == 0);
    CHECK(match->end == text.size());
    CHECK(!regex_of("[^\\p{" + category.substr(0, 1) + "}]").find(seen, 0, scratch));
  }
}

TEST_CASE("white space is the property White_Space, without U+180E") {
  const Regex space = regex_of(R"(\s)"), other = regex_of(R"(\S)");
  Regex::Scratch scratch;
  size_t spaces = 0;
  for (uint32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    std::string text;
    append_utf8(code, text);
    const bool is_space = space.find(text, 0, scratch).has_value();
    if (is_space == other.find(text, 0, scratch).has_value()) FAIL(code);
    spaces += is_space;
  }
  CHECK(spaces == 25);
  CHECK(!space.find("\u180e", 0, scratch));
}

TEST_CASE("what is rewritten means the same inside classes") {
  Regex::Scratch scratch;
  CHECK(regex_of(R"([^\s\d]+)").find(" 1ab\u30002", 0, scratch)->end == 4);
  CHECK(regex_of(R"(\u4e00\x{4e01}\x41)").find("一丁A", 0, scratch));
  CHECK(regex_of(R"(\p{Han}+)").find("中文、", 0, scratch)->end == 6);  // 、 is of the script's extensions
  CHECK(regex_of(R"(.+)").find("a\rb\nc", 0, scratch)->end == 3);
}

TEST_CASE("a long text takes no stack, and the longest patterns no more than there is") {
  Regex::Scratch scratch;
  const std::string spaces(size_t{1} << 22, ' ');
  CHECK(regex_of(R"(\s+(?!\S)|\s+)").find(spaces + "x", 0, scratch)->end == spaces.size() - 1);
  std::string optional, nested;
  while (optional.size() + 4 < Regex::kMaxPatternBytes) optional += "\\s*?";
  CHECK(regex_of(optional.substr(0, optional.size() - 4) + "x").find("x", 0, scratch));
  for (int i = 0; i < 120; ++i) nested += "(a*b?";
  CHECK(regex_of(nested + "x" + std::string(120, ')')).find(std::string(500, 'a') + "bx", 0, scratch));
}

}  // namespace assay
