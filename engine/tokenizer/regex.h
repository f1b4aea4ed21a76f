// Regular expressions that find the words of a text: those of tokenizer.json files (see oniguruma.h), run by PCRE2, with its JIT
// compiler where the machine allows one. Immutable after compilation; any number of threads may match.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "envs/base/status.h"

namespace assay {

class Regex {
 public:
  static constexpr size_t kMaxPatternBytes = 1024;

  // Room for the result of a match; one for each thread, for any number of expressions.
  class Scratch;

  struct Match {
    size_t begin, end;  // bytes, end > begin
  };

  // An error if `pattern` cannot be read, is longer than the limit, or can match the empty text.
  static Result<Regex> compile(std::string_view pattern, const std::string& where);
  // Matches `text` itself.
  static Result<Regex> literal(std::string_view text, const std::string& where);

  // The first match in the UTF-8 text `subject` that begins at `from` or later. Lookbehind sees what stands before.
  std::optional<Match> find(std::string_view subject, size_t from, Scratch& scratch) const;

 private:
  struct Code;
  explicit Regex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  static Result<Regex> make(const std::string& pcre2, uint32_t options, const std::string& where);

  std::shared_ptr<const Code> code_;
};

class Regex::Scratch {
 public:
  Scratch();

 private:
  friend class Regex;
  std::shared_ptr<void> data_;
};

}  // namespace assay
