// The domains that come with the program: the files envs/domains/*.json, byte for byte. They are text here; what reads and
// checks a domain is the same for these and for a user's own file.
#pragma once

#include <span>
#include <string_view>

namespace assay {

struct EmbeddedDomain {
  std::string_view name;  // file name without ".json"
  std::string_view text;
};

// Sorted by name; lives as long as the program.
std::span<const EmbeddedDomain> embedded_domains();

}  // namespace assay
