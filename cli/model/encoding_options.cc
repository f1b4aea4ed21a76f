#include "cli/model/encoding_options.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace assay {

void add_encoding_options(CLI::App& app, EncodingOptions& options) {
  app.add_option("--format", options.format, "Message format")->capture_default_str();
  app.add_flag("--thinking", options.thinking, "Thinking mode");
}

Result<std::string> read_standard_input() {
  constexpr size_t kLimitBytes = JsonLimits().bytes;
  std::string text;
  char buffer[1 << 16];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, stdin)) {
    text.append(buffer, got);
    if (text.size() > kLimitBytes) return input_error("longer than " + std::to_string(kLimitBytes) + " bytes", "standard input");
  }
  return text;
}

}  // namespace assay
