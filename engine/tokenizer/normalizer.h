// The "normalizer" of a tokenizer.json: NFC, Replace (of strings), Prepend, and Sequences of them. NFC is that of utf8proc's Unicode
// version (15 in Debian 12); what later versions compose is left as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/tokenizer/replacement.h"
#include "envs/base/json.h"

namespace assay {

class Normalizer {
 public:
  // `normalizer` is the member at `path` in `file`; null changes nothing. Anything else than the above is an error that names it.
  static Result<Normalizer> read(const Json& normalizer, const std::string& file, const std::string& path);

  bool changes_nothing() const { return steps_.empty(); }
  // `text` is UTF-8, and so is the result.
  std::string apply(std::string_view text) const;

 private:
  struct Step {
    enum class Kind { kNfc, kPrepend, kReplace } kind;
    std::string prefix;
    Replacement replacement;
  };

  Status add_steps(const Json& step, const std::string& file, const std::string& path);

  std::vector<Step> steps_;
};

}  // namespace assay
