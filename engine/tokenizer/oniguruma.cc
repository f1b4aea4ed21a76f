#include "engine/tokenizer/oniguruma.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "engine/tokenizer/utf8.h"

namespace assay {
namespace {

constexpr std::array<std::string_view, 37> kCategories = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl",
                                                         "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk",
                                                         "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Cs", "Co", "Cn"};
constexpr std::array<std::string_view, 7> kGroups = {"?:", "?i:", "?=", "?!", "?<=", "?<!", "?>"};

// One pass from left to right; text that both languages read alike is copied.
class Translator {
 public:
  Translator(std::string_view pattern, const std::string& where) : pattern_(pattern), where_(where) {}

  Result<std::string> run() {
    while (at_ < pattern_.size() && problem_.empty()) step();
    if (problem_.empty()) return out_;
    return input_error("the regular expression " + std::string(pattern_) + " has " + problem_ + " at byte " + std::to_string(at_), where_,
                       "engine/tokenizer/oniguruma.h says what is read");
  }

 private:
  enum class Before { kNothing, kItem, kGroup };  // what a quantifier would repeat

  std::string_view rest() const { return pattern_.substr(at_); }
  char next() const { return at_ < pattern_.size() ? pattern_[at_] : '\0'; }

  void refuse(std::string what) {
    if (problem_.empty()) problem_ = std::move(what);
  }
  void copy(size_t bytes) {
    out_ += pattern_.substr(at_, bytes);
    at_ += bytes;
  }
  void replace(size_t bytes, std::string_view by) {
    out_ += by;
    at_ += bytes;
  }

  void step() {
    switch (next()) {
      case '\\': escape(); before_ = Before::kItem; return;
      case '[': class_of_characters(); before_ = Before::kItem; return;
      case '(': group(); before_ = Before::kNothing; return;
      case ')': copy(1); before_ = Before::kGroup; return;
      case '|': copy(1); before_ = Before::kNothing; return;
      case '*': case '+': case '?': case '{': quantifier(); before_ = Before::kNothing; return;
      case '^': case '$': return refuse("an anchor");
      default: copy(read_utf8(rest()).length); before_ = Before::kItem;
    }
  }

  void group() {
    copy(1);
    if (next() != '?') return;
    for (const std::string_view known : kGroups)
      if (rest().starts_with(known)) return copy(known.size());
    refuse("a kind of group that is not read");
  }

  void quantifier() {
    if (before_ == Before::kNothing) return refuse("a quantifier of nothing, or of a quantifier");
    if (before_ == Before::kGroup && next() != '?') return refuse("a group that repeats");
    const bool counted = next() == '{';
    if (counted) {
      const size_t end = rest().find('}');
      const std::string_view inside = rest().substr(1, end == std::string_view::npos ? end : end - 1);
      const size_t comma = std::min(inside.find(','), inside.size());
      const auto digits = [](std::string_view text) { return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }); };
      if (end == std::string_view::npos || comma == 0 || !digits(inside.substr(0, comma)) || !digits(inside.substr(std::min(comma + 1, inside.size()))))
        return refuse("a brace that is not {n}, {n,} or {n,m}");
      copy(end + 1);
    } else {
      copy(1);
    }
    if (next() != '?' && next() != '+') return;
    // Oniguruma reads {n}? as an optional {n} and {n,m}+ as a repeated {n,m}.
    if (counted) return refuse("a suffix of a counted quantifier");
    copy(1);
  }

  void class_of_characters() {
    copy(1);
    if (next() == '^') copy(1);
    if (next() == ']') return refuse("an empty class");
    while (at_ < pattern_.size() && next() != ']' && problem_.empty()) {
      if (next() == '[') return refuse("a class within a class (for the character, write \\[)");
      if (rest().starts_with("&&")) return refuse("an intersection of classes");
      if (next() == '\\') escape();
      else copy(read_utf8(rest()).length);
    }
    if (next() != ']') return refuse("a class without an end");
    copy(1);
  }

  void escape() {
    const char letter = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0';
    // PCRE2's own \s also has U+180E.
    if (letter == 's') return replace(2, "\\p{White_Space}");
    if (letter == 'S') return replace(2, "\\P{White_Space}");
    if (letter == 'p' || letter == 'P') return property();
    if (letter == 'x') return hexadecimal(rest().substr(2).starts_with('{') ? 0 : 2);
    if (letter == 'u') return hexadecimal(4);
    const bool punctuation = letter > ' ' && letter < 0x7f && !std::isalnum(static_cast<unsigned char>(letter));
    if (punctuation || (letter != '\0' && std::strchr("dDrntf", letter))) return copy(2);
    refuse("an escape that is not read");
  }

  void property() {
    const size_t end = rest().find('}');
    if (end == std::string_view::npos || rest().substr(2, 1) != "{") return refuse("a property without braces");
    const std::string_view name = rest().substr(3, end - 3);
    if (std::ranges::find(kCategories, name) != kCategories.end()) return copy(end + 1);
    if (name != "Han") return refuse("the property " + std::string(name) + ", which is neither a general category nor Han");
    out_ += rest().substr(0, 3);
    replace(end + 1, "sc:Han}");  // PCRE2's own Han is the script's extensions
  }

  // \xHH, \uHHHH, or with `digits` 0 \x{H…}.
  void hexadecimal(size_t digits) {
    const size_t begin = digits ? 2 : 3;
    const size_t end = digits ? begin + digits : rest().find('}');
    const std::string_view number = end > rest().size() ? "" : rest().substr(begin, end - begin);
    if (number.empty() || number.size() > 6 || !std::ranges::all_of(number, [](unsigned char c) { return std::isxdigit(c); }))
      return refuse("a character number that is not \\xHH, \\x{H…} or \\uHHHH");
    out_ += "\\x{";
    out_ += number;
    replace(end + (digits ? 0 : 1), "}");
  }

  std::string_view pattern_;
  const std::string& where_;
  size_t at_ = 0;
  Before before_ = Before::kNothing;
  std::string out_, problem_;
};

}  // namespace

Result<std::string> translate_oniguruma(std::string_view pattern, const std::string& where) { return Translator(pattern, where).run(); }

}  // namespace assay
