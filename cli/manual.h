// The manual page, in man(7), and what programs read instead.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command_table.h"

namespace assay {

struct OutputSchema {
  std::string_view name, text;
};
// One: cli/output.schema.json, what verbs print with --json.
std::span<const OutputSchema> output_schemas();

std::string manual_page(const VerbText& table, const std::string& version);

}  // namespace assay
