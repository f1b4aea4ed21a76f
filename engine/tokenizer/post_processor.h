// The "post_processor" of a tokenizer.json, as far as it adds tokens to a single text: TemplateProcessing, ByteLevel (adds none) and
// Sequences of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "envs/base/json.h"

namespace assay {

struct PostProcessor {
  std::vector<int32_t> before, after;  // ids to put around a text's

  // `post_processor` is the member at `path` in `file`; null adds nothing. Anything else than the above is an error that names it.
  static Result<PostProcessor> read(const Json& post_processor, const std::string& file, const std::string& path);

 private:
  Status add_steps(const Json& step, const std::string& file, const std::string& path);
  Status add_template(JsonReader& reader);
};

}  // namespace assay
