// Files that exports write out, with or without blanks to fill: datasets/templates/*, byte for byte.
#pragma once

#include <span>
#include <string_view>

namespace assay {

struct EmbeddedTemplate {
  std::string_view name;  // file name, "reward.py"
  std::string_view text;
};

// Both sorted by name; they live as long as the program.
std::span<const EmbeddedTemplate> embedded_templates();
// What the page of a report is made of: datasets/report/page/*.
std::span<const EmbeddedTemplate> embedded_report_page();

}  // namespace assay
