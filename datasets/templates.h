// Files that exports write out, with or without blanks to fill: datasets/templates/*, byte for byte.
#pragma once

#include <span>
#include <string_view>

namespace assay {

struct EmbeddedTemplate {
  std::string_view name;  // file name, "reward.py"
  std::string_view text;
};

// Sorted by name; lives as long as the program.
std::span<const EmbeddedTemplate> embedded_templates();

}  // namespace assay
