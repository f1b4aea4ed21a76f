#include "cli/shard_option.h"

#include <CLI/CLI.hpp>

namespace assay {

void declare_shard(CLI::App& app, Shard& shard, const std::string& help) {
  app.add_option_function<std::string>("--shard", [&shard](const std::string& text) { shard = *parse_shard(text); }, help)
      ->check([](const std::string& text) {
        const Result<Shard> parsed = parse_shard(text);
        return parsed.ok() ? std::string() : parsed.error().what;
      })
      ->option_text("I/N");
}

}  // namespace assay
