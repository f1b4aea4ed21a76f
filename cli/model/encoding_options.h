// What `assay model encode` and `parse` have in common.
#pragma once

#include <string>

#include "cli/command.h"
#include "envs/message_encoding.h"

namespace assay {

struct EncodingOptions {
  std::string format = "deepseek_v32";
  bool thinking = false;

  Thinking mode() const { return thinking ? Thinking::kOn : Thinking::kOff; }
};

// Declares --format and --thinking.
void add_encoding_options(CLI::App& app, EncodingOptions& options);

// All of standard input, at most 64 MB.
Result<std::string> read_standard_input();

}  // namespace assay
