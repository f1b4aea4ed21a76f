#include "synth/patch_mutants.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <optional>

#include "envs/base/rng.h"
#include "synth/mine/patch.h"

namespace assay {
namespace {

// What must be known of a language to find its operators.
struct Language {
  std::string_view line_comment;
  bool words = false;          // and, or, not; `if CONDITION:`
  bool parentheses = true;     // `if (CONDITION)`; else `if CONDITION {`
};

std::optional<Language> language_of(const std::string& path) {
  static const std::map<std::string, Language, std::less<>> kByExtension = [] {
    std::map<std::string, Language, std::less<>> out;
    for (const char* each : {"py", "pyi"}) out[each] = {"#", true, false};
    for (const char* each : {"go", "rs"}) out[each] = {"//", false, false};
    for (const char* each : {"c", "cc", "cpp", "cxx", "h", "hh", "hpp", "java", "js", "mjs", "cjs", "jsx", "ts", "tsx", "php", "kt", "cs", "scala"}) out[each] = {"//", false, true};
    return out;
  }();
  const size_t dot = path.rfind('.');
  const auto found = dot == std::string::npos ? kByExtension.end() : kByExtension.find(std::string_view(path).substr(dot + 1));
  return found == kByExtension.end() ? std::nullopt : std::optional(found->second);
}

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 128; }

struct Token {
  size_t begin = 0, end = 0;
  bool word = false;
};

// The tokens of one line after another; what is in strings and comments has none. Strings of several lines are those in three
// quotes or back quotes, comments those in /* */.
class Lexer {
 public:
  explicit Lexer(const Language& language) : language_(language) {}

  std::vector<Token> line(std::string_view text) {
    std::vector<Token> out;
    for (size_t at = 0; at < text.size();) {
      if (!open_.empty()) at = close(text, at);
      else if (text.substr(at).starts_with(language_.line_comment)) break;
      else if (std::string_view opened = opening(text.substr(at)); !opened.empty()) {
        open_ = opened == "/*" ? "*/" : std::string(opened);
        at += opened.size();
      } else if (word_character(text[at])) {
        const size_t begin = at;
        while (at < text.size() && word_character(text[at])) ++at;
        out.push_back({begin, at, true});
      } else if (std::isspace(static_cast<unsigned char>(text[at]))) {
        ++at;
      } else {
        const size_t bytes = sign_bytes(text.substr(at));
        out.push_back({at, at + bytes, false});
        at += bytes;
      }
    }
    if (open_ == "\"" || open_ == "'") open_.clear();   // these end with their line
    return out;
  }

 private:
  std::string_view opening(std::string_view rest) const {
    for (std::string_view each : {"\"\"\"", "'''", "\"", "'", "`", "/*"})
      if (rest.starts_with(each) && (each != "/*" || language_.line_comment == "//") && (each.size() != 3 || language_.words)) return rest.substr(0, each.size());
    return {};
  }

  size_t close(std::string_view text, size_t at) {
    for (; at < text.size(); ++at) {
      if (text[at] == '\\') ++at;
      else if (text.substr(at).starts_with(open_)) {
        at += open_.size();
        open_.clear();
        return at;
      }
    }
    return text.size();
  }

  static size_t sign_bytes(std::string_view rest) {
    for (std::string_view each : {"===", "!==", "<=>", ">>>", "<<=", ">>=", "**=", "...", "==", "!=", "<=", ">=", "&&", "||", "->", "=>", "<<", ">>", "::", ":=", "++", "--", "+=", "-=", "*=", "/=", "**", "//", "??", "?."})
      if (rest.starts_with(each)) return each.size();
    return 1;
  }

  const Language& language_;
  std::string open_;   // what ends the string or comment that is open
};

struct Change {
  std::string kind, line;
};

bool spaced(std::string_view text, const Token& token) {
  return token.begin > 0 && text[token.begin - 1] == ' ' && token.end < text.size() && text[token.end] == ' ';
}

std::string replaced(std::string_view text, const Token& token, std::string_view by) {
  return std::string(text.substr(0, token.begin)) + std::string(by) + std::string(text.substr(token.end));
}

// One token for another. Signs are operators where spaces stand around them: < in a type is none.
void replace_tokens(std::string_view text, const std::vector<Token>& tokens, std::vector<Change>& out) {
  struct Rule {
    std::string_view kind, from, to;
  };
  static constexpr std::array<Rule, 26> kSigns = {{{"comparison", "<", "<="}, {"comparison", "<=", "<"}, {"comparison", ">", ">="}, {"comparison", ">=", ">"}, {"comparison", "==", "!="}, {"comparison", "!=", "=="},
                                                   {"comparison", "===", "!=="}, {"comparison", "!==", "==="}, {"arithmetic", "+", "-"}, {"arithmetic", "-", "+"}, {"arithmetic", "*", "/"}, {"arithmetic", "/", "*"},
                                                   {"arithmetic", "+=", "-="}, {"arithmetic", "-=", "+="}, {"arithmetic", "%", "*"}, {"arithmetic", "<<", ">>"}, {"arithmetic", ">>", "<<"}, {"logic", "&&", "||"},
                                                   {"logic", "||", "&&"}, {"logic", "&", "|"}, {"logic", "|", "&"}, {"logic", "and", "or"}, {"logic", "or", "and"}, {"boolean", "true", "false"}, {"boolean", "false", "true"}, {"boolean", "True", "False"}}};
  for (const Token& token : tokens) {
    const std::string_view word = text.substr(token.begin, token.end - token.begin);
    for (const Rule& rule : kSigns)
      if (rule.from == word && (token.word || spaced(text, token))) out.push_back({std::string(rule.kind), replaced(text, token, rule.to)});
    if (word == "False") out.push_back({"boolean", replaced(text, token, "True")});
    const bool number = token.word && word.size() <= 9 && std::all_of(word.begin(), word.end(), [](char c) { return std::isdigit(static_cast<unsigned char>(c)); });
    const bool fraction = (token.begin > 0 && text[token.begin - 1] == '.') || (token.end < text.size() && text[token.end] == '.');
    if (number && !fraction && (word == "0" || word[0] != '0')) out.push_back({"off_by_one", replaced(text, token, std::to_string(std::stol(std::string(word)) + 1))});
  }
}

// The condition of an `if` or `while` that stands on one line.
std::optional<std::pair<size_t, size_t>> condition(std::string_view text, const std::vector<Token>& tokens, size_t keyword, const Language& language) {
  const auto at = [&](size_t i) { return text.substr(tokens[i].begin, tokens[i].end - tokens[i].begin); };
  if (keyword + 2 >= tokens.size()) return std::nullopt;
  if (!language.parentheses) {
    const std::string_view ends = language.words ? ":" : "{";
    if (at(tokens.size() - 1) != ends || at(keyword + 1) == "let") return std::nullopt;
    for (const Token& token : tokens)
      if (const std::string_view word = text.substr(token.begin, token.end - token.begin); word == ";" || word == ":=") return std::nullopt;
    return std::pair(tokens[keyword + 1].begin, tokens[tokens.size() - 2].end);
  }
  if (at(keyword + 1) != "(") return std::nullopt;
  int depth = 0;
  for (size_t i = keyword + 1; i < tokens.size(); ++i) {
    depth += at(i) == "(" ? 1 : at(i) == ")" ? -1 : 0;
    if (depth == 0 && i > keyword + 2) return std::pair(tokens[keyword + 2].begin, tokens[i - 1].end);
  }
  return std::nullopt;
}

void negate(std::string_view text, const std::vector<Token>& tokens, const Language& language, std::vector<Change>& out) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view word = text.substr(tokens[i].begin, tokens[i].end - tokens[i].begin);
    if (word != "if" && word != "elif" && word != "while") continue;
    const auto found = condition(text, tokens, i, language);
    if (!found) continue;
    const auto [begin, end] = *found;
    out.push_back({"negation", std::string(text.substr(0, begin)) + (language.words ? "not (" : "!(") + std::string(text.substr(begin, end - begin)) + ")" + std::string(text.substr(end))});
  }
}

std::string trimmed(std::string text) {
  const size_t begin = text.find_first_not_of(" \t");
  text = begin == std::string::npos ? "" : text.substr(begin);
  return text.size() > 80 ? text.substr(0, 80) + "…" : text;
}

void mutate_hunk(const std::vector<FilePatch>& gold, size_t file, size_t number, const Language& language, std::vector<PatchMutant>& out) {
  const Hunk& hunk = gold[file].hunks[number];
  Lexer lexer(language);
  for (size_t i = 0; i < hunk.lines.size(); ++i) {
    const PatchLine& line = hunk.lines[i];
    if (line.kind == '-') continue;
    const std::vector<Token> tokens = lexer.line(line.text);
    if (line.kind == ' ') continue;
    std::vector<Change> changes;
    replace_tokens(line.text, tokens, changes);
    negate(line.text, tokens, language, changes);
    for (Change& change : changes) {
      std::vector<FilePatch> mutant = gold;
      mutant[file].hunks[number].lines[i].text = change.line;
      out.push_back({std::move(change.kind), gold[file].path() + ": '" + trimmed(line.text) + "' became '" + trimmed(change.line) + "'", patch_text(mutant)});
    }
  }
}

}  // namespace

Result<std::vector<PatchMutant>> patch_mutants(std::string_view gold, const std::string& where, size_t most, uint64_t seed) {
  ASSAY_ASSIGN(const std::vector<FilePatch> files, parse_patch(gold, where));
  size_t hunks = 0;
  for (const FilePatch& file : files) hunks += file.hunks.size();
  std::vector<PatchMutant> all;
  for (size_t f = 0; f < files.size(); ++f) {
    const std::optional<Language> language = language_of(files[f].path());
    for (size_t h = 0; language && h < files[f].hunks.size(); ++h) {
      mutate_hunk(files, f, h, *language, all);
      if (hunks < 2) continue;
      std::vector<FilePatch> rest = files;
      rest[f].hunks.erase(rest[f].hunks.begin() + static_cast<ptrdiff_t>(h));
      if (rest[f].hunks.empty()) rest.erase(rest.begin() + static_cast<ptrdiff_t>(f));
      all.push_back({"hunk", files[f].path() + ": hunk " + std::to_string(h + 1) + " was left out", patch_text(rest)});
    }
  }
  std::map<std::string, std::vector<PatchMutant>> by_kind;
  for (PatchMutant& each : all) by_kind[each.kind].push_back(std::move(each));
  Rng rng(seed, "patch mutants", 0);
  for (auto& [kind, mutants] : by_kind)
    rng.shuffle(mutants);
  std::vector<PatchMutant> out;
  for (size_t round = 0; out.size() < std::min(most, all.size()); ++round)
    for (auto& [kind, mutants] : by_kind)
      if (round < mutants.size() && out.size() < most) out.push_back(std::move(mutants[round]));
  return out;
}

}  // namespace assay
