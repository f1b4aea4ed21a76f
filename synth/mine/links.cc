#include "synth/mine/links.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace assay {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || (c & 0x80); }
bool is_name(char c) { return is_word(c) || c == '-' || c == '.'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

void blank_out(std::string& text, size_t begin, size_t end) {
  for (size_t i = begin; i < std::min(end, text.size()); ++i)
    if (text[i] != '\n') text[i] = ' ';
}

struct Line {
  size_t begin, end;   // without the line feed
};

std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    out.push_back({at, end});
    at = end + 1;
  }
  return out;
}

// Fences (three or more of one kind of mark), quotations and, in Markdown, lines indented by four after an empty one outside of lists.
void blank_blocks(std::string& text, TextKind kind) {
  char fence = 0;
  size_t fence_length = 0;
  bool after_empty = true, indented_code = false, in_list = false;
  for (const Line& line : lines_of(text)) {
    const std::string_view all = std::string_view(text).substr(line.begin, line.end - line.begin);
    const size_t indent = std::min(all.find_first_not_of(" \t\r"), all.size());
    const std::string_view said = all.substr(indent);
    const char mark = said.empty() ? 0 : said[0];
    const size_t run = mark == '`' || mark == '~' ? std::min(said.find_first_not_of(mark), said.size()) : 0;
    if (fence) {
      const bool closes = mark == fence && run >= fence_length && said.find_first_not_of(" \t\r", run) == said.npos;
      blank_out(text, line.begin, line.end);
      if (closes) fence = 0;
      continue;
    }
    if (run >= 3 && (mark == '~' || said.find('`', run) == said.npos)) {
      fence = mark;
      fence_length = run;
      blank_out(text, line.begin, line.end);
      continue;
    }
    if (mark == '>') {
      blank_out(text, line.begin, line.end);
      continue;
    }
    if (said.empty()) {
      after_empty = true;
      continue;
    }
    const bool deep = indent >= 4 || all[0] == '\t';
    if (!deep) in_list = mark == '-' || mark == '*' || mark == '+' || is_digit(mark) || (in_list && indent > 0);
    indented_code = deep && kind == TextKind::kMarkdown && !in_list && (after_empty || indented_code);
    if (indented_code) blank_out(text, line.begin, line.end);
    after_empty = false;
  }
}

size_t run_length(const std::string& text, size_t at) { return std::min(text.find_first_not_of('`', at), text.size()) - at; }

// From a run of backticks to the next one that is as long, in the same paragraph.
void blank_spans(std::string& text) {
  for (size_t at = text.find('`'); at != std::string::npos; at = text.find('`', at)) {
    const size_t length = run_length(text, at), paragraph = std::min(text.find("\n\n", at), text.size());
    size_t close = text.find('`', at + length);
    while (close < paragraph && run_length(text, close) != length) close = text.find('`', close + run_length(text, close));
    const bool closed = close < paragraph;
    if (closed) blank_out(text, at, close + length);
    at = closed ? close + length : at + length;
  }
}

void blank_comments(std::string& text) {
  for (size_t at = text.find("<!--"); at != std::string::npos; at = text.find("<!--", at)) {
    const size_t close = text.find("-->", at + 4);
    const size_t end = close == std::string::npos ? text.size() : close + 3;
    blank_out(text, at, end);
    at = end;
  }
}

constexpr std::array<std::string_view, 9> kKeywords{"close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"};
constexpr std::array<std::string_view, 8> kBetween{"issue", "issues", "bug", "bugs", "ticket", "for", "the", "gh"};
constexpr std::array<std::string_view, 8> kNegations{"not", "never", "won't", "doesn't", "don't", "didn't", "cannot", "can't"};

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class Finder {
 public:
  Finder(std::string_view text, const LinkContext& context) : text_(text), context_(context) {}

  std::vector<IssueLink> find() {
    while (at_ < text_.size()) {
      const char before = at_ == 0 ? ' ' : text_[at_ - 1];
      if (!is_word(text_[at_]) || is_name(before) || before == '#' || before == '/' || before == '@' || before == '\'') {
        ++at_;
        continue;
      }
      const bool negated = is_one_of(previous_, kNegations) && text_.substr(previous_end_, at_ - previous_end_).find_first_not_of(" \t\r\n") == text_.npos;
      const std::string word = take_word();
      previous_ = word;
      previous_end_ = at_;
      if (is_one_of(word, kKeywords) && !negated) take_references();
    }
    return std::move(found_);
  }

 private:
  std::string take_word() {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || (text_[at_] == '\'' && at_ + 1 < text_.size() && is_word(text_[at_ + 1])))) ++at_;
    return lower(text_.substr(begin, at_ - begin));
  }

  // Blanks of a line, and the line's end at most once: titles of merges are wrapped.
  void skip_blanks() {
    bool line_ended = false;
    for (; at_ < text_.size() && is_blank(text_[at_]); ++at_) {
      if (text_[at_] != '\n') continue;
      if (line_ended) return;
      line_ended = true;
    }
  }

  bool take(std::string_view expected) {
    if (text_.size() - at_ < expected.size() || lower(text_.substr(at_, expected.size())) != expected) return false;
    at_ += expected.size();
    return true;
  }

  // What may follow a keyword: ": #1, #2 and owner/name#3".
  void take_references() {
    while (take("*") || take("_")) continue;   // **Fixes**
    take(":");
    while (take("*") || take("_")) continue;
    skip_blanks();
    bulleted_ = take_bullet();
    for (int words = 0; words < 2; ++words) {
      const size_t begin = at_;
      if (!is_one_of(take_word(), kBetween) || at_ == text_.size() || !(is_blank(text_[at_]) || text_[at_] == ':')) {
        at_ = begin;
        break;
      }
      take(":");
      skip_blanks();
    }
    for (bool more = take_reference(); more; more = take_reference()) {
      const size_t after = at_;
      if (take_separator()) continue;
      at_ = after;
      return;
    }
  }

  // The mark of a list's item: "Closes\n- #1\n- #2".
  bool take_bullet() {
    const size_t line = text_.rfind('\n', at_ == 0 ? 0 : at_ - 1);
    if (line == text_.npos || text_.substr(line, at_ - line).find_first_not_of(" \t\n") != text_.npos) return false;
    return take("- ") || take("* ");
  }

  bool take_separator() {
    skip_blanks();
    const bool mark = (bulleted_ && take_bullet()) || take(",") || take("&") || take("/") || take("+") || take(";");
    skip_blanks();
    const size_t begin = at_;
    const std::string word = take_word();
    if (word == "and" || word == "or") {
      skip_blanks();
      return true;
    }
    at_ = begin;
    return mark;
  }

  std::optional<int64_t> take_number() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    int64_t number = 0;
    const auto [end, problem] = std::from_chars(text_.data() + begin, text_.data() + at_, number);
    const bool whole = at_ == text_.size() || (text_[at_] & 0x80) || !is_word(text_[at_]);
    if (problem != std::errc() || end != text_.data() + at_ || number < 1 || number > 1'000'000'000 || !whole) return std::nullopt;
    return number;
  }

  bool keep(const std::string& repository, std::optional<int64_t> number) {
    if (!number) return false;
    const IssueLink link{repository, *number};
    if (std::find(found_.begin(), found_.end(), link) == found_.end()) found_.push_back(link);
    return true;
  }

  // "owner/name" at this place.
  std::optional<std::string> take_repository() {
    const size_t begin = at_;
    int slashes = 0;
    while (at_ < text_.size() && (is_name(text_[at_]) || text_[at_] == '/')) slashes += text_[at_++] == '/';
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (slashes != 1 || name.front() == '/' || name.back() == '/') return std::nullopt;
    return std::string(name);
  }

  bool take_reference() {
    const size_t begin = at_;
    if (take_bracketed() || take_plain()) return true;
    at_ = begin;
    return false;
  }

  // [#1](url), [words](url), <url>
  bool take_bracketed() {
    if (take("<")) return take_plain() && (take(">") || true);
    if (!take("[")) return false;
    const bool named = take_plain();
    const size_t close = text_.find(']', at_);
    if (close == text_.npos || close - at_ > 300) return false;
    at_ = close + 1;
    if (!take("(")) return named;
    const bool linked = named || take_plain();
    at_ = std::min(text_.find(')', at_), text_.size() - 1) + 1;
    return linked;
  }

  bool take_plain() {
    const size_t begin = at_;
    if (take("#")) return keep(context_.repository, take_number());
    if (take("gh-")) return keep(context_.repository, take_number());
    if (take("https://") || take("http://")) return take_url();
    if (take("www.")) return take_url();
    if (take(lower(context_.host) + "/")) return at_ = begin, take_url();
    const auto repository = take_repository();
    return repository && take("#") && keep(*repository, take_number());
  }

  // host/owner/name/issues/1, with what may follow a number in a link.
  bool take_url() {
    take("www.");
    if (!take(lower(context_.host) + "/")) return false;
    const size_t begin = at_;
    size_t slash = text_.find('/', begin);
    if (slash == text_.npos || slash - begin > 100 || (slash = text_.find('/', slash + 1)) == text_.npos || slash - begin > 200) return false;
    const std::string repository(text_.substr(begin, slash - begin));
    if (!std::all_of(repository.begin(), repository.end(), [](char c) { return is_name(c) || c == '/'; })) return false;
    at_ = slash;
    if (!take("/issues/")) return false;
    if (!keep(repository, take_number())) return false;
    while (at_ < text_.size() && (is_name(text_[at_]) || std::string_view("#/?=&").find(text_[at_]) != std::string_view::npos)) ++at_;
    while (text_[at_ - 1] == '.') --at_;
    return true;
  }

  std::string_view text_;
  const LinkContext& context_;
  size_t at_ = 0;
  std::string previous_;       // word, and where it ended
  size_t previous_end_ = 0;
  bool bulleted_ = false;      // the references at hand are items of a list
  std::vector<IssueLink> found_;
};

}  // namespace

std::string prose_of(std::string_view text, TextKind kind) {
  std::string out(text);
  blank_blocks(out, kind);
  blank_spans(out);
  blank_comments(out);
  return out;
}

std::vector<IssueLink> closing_links(std::string_view text, TextKind kind, const LinkContext& context) {
  const std::string prose = prose_of(text, kind);
  return Finder(prose, context).find();
}

}  // namespace assay
