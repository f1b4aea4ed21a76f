#include "synth/mine/rust_tests.h"

#include <algorithm>

namespace assay {
namespace {

bool is_word(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_'; }

// Walks over the code of a file, passing over comments, strings and characters.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<LineRange> test_items() {
    int64_t begin = 0;         // line of the first attribute of the item under way; 0: none
    bool is_test = false;
    while (at_ < text_.size()) {
      if (skip_what_is_no_code()) continue;
      const char c = text_[at_];
      if (depth_ == 0 && c == '#' && text_.substr(at_, 2) == "#[") {
        if (begin == 0) begin = line_;
        is_test |= read_attribute();
        continue;
      }
      if (depth_ == 0 && begin == 0 && c > ' ') begin = line_;
      if (c == '{' || c == '(' || c == '[') ++depth_;
      if ((c == '}' || c == ')' || c == ']') && depth_ > 0) --depth_;
      const bool ends = depth_ == 0 && (c == '}' || c == ';');
      if (ends && is_test) items_.push_back({begin, line_});
      if (ends) begin = 0, is_test = false;
      step();
    }
    return std::move(items_);
  }

 private:
  void step() {
    if (text_[at_++] == '\n') ++line_;
  }
  void step(size_t count) {
    for (; count > 0 && at_ < text_.size(); --count) step();
  }
  void step_past(std::string_view end, size_t from) {
    const size_t found = text_.find(end, std::min(from, text_.size()));
    step((found == text_.npos ? text_.size() : found + end.size()) - at_);
  }

  bool skip_what_is_no_code() {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("//")) return step_past("\n", at_), true;
    if (rest.starts_with("/*")) return skip_comment(), true;
    if (rest[0] == '"') return skip_string(), true;
    if (rest[0] == '\'') return skip_character();
    const bool begins_word = at_ == 0 || !is_word(text_[at_ - 1]);
    if (begins_word && (rest[0] == 'r' || rest.starts_with("br"))) return skip_raw_string();
    return false;
  }

  void skip_comment() {
    int nested = 0;
    do {
      const std::string_view rest = text_.substr(at_, 2);
      nested += rest == "/*" ? 1 : rest == "*/" ? -1 : 0;
      step(rest == "/*" || rest == "*/" ? 2 : 1);
    } while (nested > 0 && at_ < text_.size());
  }

  void skip_string() {
    step();
    while (at_ < text_.size() && text_[at_] != '"') step(text_[at_] == '\\' ? 2 : 1);
    if (at_ < text_.size()) step();
  }

  // 'x' and '\n', but not the lifetime 'a.
  bool skip_character() {
    if (text_.substr(at_ + 1, 1) == "\\") {
      step_past("'", at_ + 3);
      return true;
    }
    const size_t close = text_.find('\'', at_ + 1);
    const bool is_character = close != text_.npos && close <= at_ + 5 && (close == at_ + 2 || (text_[at_ + 1] & 0x80));
    step(is_character ? close + 1 - at_ : 1);
    return true;
  }

  // r"…", r#"…"#, br"…".
  bool skip_raw_string() {
    size_t at = at_ + (text_[at_] == 'b' ? 2 : 1);
    std::string end = "\"";
    for (; at < text_.size() && text_[at] == '#'; ++at) end += '#';
    if (at >= text_.size() || text_[at] != '"') return false;
    step_past(end, at + 1);
    return true;
  }

  // Steps over #[…]; whether it is a cfg that needs `test`.
  bool read_attribute() {
    const size_t begin = at_;
    int depth = 0;
    do {
      if (skip_what_is_no_code()) continue;
      depth += text_[at_] == '[' ? 1 : text_[at_] == ']' ? -1 : 0;
      const bool closed = depth == 0 && text_[at_] == ']';
      step();
      if (closed) break;
    } while (at_ < text_.size());
    std::string said(text_.substr(begin, at_ - begin));
    said.erase(std::remove_if(said.begin(), said.end(), [](char c) { return c <= ' ' && c >= 0; }), said.end());
    return said == "#[cfg(test)]" || said.starts_with("#[cfg(all(test,");
  }

  std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 1;
  int depth_ = 0;
  std::vector<LineRange> items_;
};

// The lines inside (or outside) of the ranges.
std::string lines_in(std::string_view text, const std::vector<LineRange>& ranges, bool inside) {
  std::string out;
  size_t range = 0;
  for (int64_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    while (range < ranges.size() && ranges[range].last < line) ++range;
    const bool is_inside = range < ranges.size() && ranges[range].first <= line;
    if (is_inside == inside) out += text.substr(0, end);
    text.remove_prefix(end);
  }
  return out;
}

}  // namespace

std::vector<LineRange> rust_test_lines(std::string_view source) { return Scanner(source).test_items(); }

std::string with_rust_tests_of(std::string_view file, std::string_view tested) {
  std::string out = lines_in(file, rust_test_lines(file), false);
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  return out + lines_in(tested, rust_test_lines(tested), true);
}

}  // namespace assay
