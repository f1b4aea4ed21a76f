#include "engine/tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "engine/tokenizer/oniguruma.h"

namespace assay {

struct Regex::Code {
  pcre2_code* code;

  explicit Code(pcre2_code* compiled) : code(compiled) {}
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(code); }
};

Regex::Scratch::Scratch()
    : data_(pcre2_match_data_create(1, nullptr), [](void* data) { pcre2_match_data_free(static_cast<pcre2_match_data*>(data)); }) {
  ASSAY_ASSERT(data_ != nullptr);
}

Result<Regex> Regex::make(const std::string& pcre2, uint32_t options, const std::string& where) {
  int error = 0;
  size_t offset = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre2.data()), pcre2.size(), options | PCRE2_UTF, &error, &offset, nullptr);
  if (!compiled) {
    unsigned char text[256] = {};
    pcre2_get_error_message(error, text, sizeof text);
    return input_error("PCRE2 cannot read the regular expression: " + std::string(reinterpret_cast<char*>(text)) + " at byte " + std::to_string(offset) + " of " + pcre2, where);
  }
  auto code = std::make_shared<const Code>(compiled);
  uint32_t matches_empty = 0;
  pcre2_pattern_info(compiled, PCRE2_INFO_MATCHEMPTY, &matches_empty);
  if (matches_empty) return input_error("the pattern can match the empty text, which splits nothing off", where);
  // Where no executable memory is to be had, the interpreter gives the same matches, more slowly.
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
  return Regex(std::move(code));
}

Result<Regex> Regex::compile(std::string_view pattern, const std::string& where) {
  if (pattern.size() > kMaxPatternBytes)
    return input_error("the regular expression has " + std::to_string(pattern.size()) + " bytes; at most " + std::to_string(kMaxPatternBytes) + " are read", where);
  ASSAY_ASSIGN(const std::string translated, translate_oniguruma(pattern, where));
  return make("(*LF)" + translated, PCRE2_UCP, where);
}

Result<Regex> Regex::literal(std::string_view text, const std::string& where) { return make(std::string(text), PCRE2_LITERAL, where); }

std::optional<Regex::Match> Regex::find(std::string_view subject, size_t from, Scratch& scratch) const {
  auto* data = static_cast<pcre2_match_data*>(scratch.data_.get());
  const int found = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), from, PCRE2_NO_UTF_CHECK, data, nullptr);
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  ASSAY_ASSERT(found >= 0);  // the language admitted leaves nothing else
  const size_t* bounds = pcre2_get_ovector_pointer(data);
  return Match{bounds[0], bounds[1]};
}

}  // namespace assay
