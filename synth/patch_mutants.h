// Patches that are almost the gold one: each with one change that a person could have got wrong. A verifier that accepts one is
// either weak or was shown an equivalent program; the share it accepts is its false-accept rate, from above.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct PatchMutant {
  std::string kind;    // "comparison", "arithmetic", "logic", "off_by_one", "negation", "boolean", "hunk"
  std::string where;   // "stats/core.py: 'if not values:' became 'if not (not values):'"
  std::string patch;   // in git's format; applies wherever the gold does
};

// At most `most` of all there are, of each kind about as many. A function of the gold, `most` and `seed`. Only lines that the gold
// adds to source files in languages known by their extension are changed, outside of strings and comments; a gold of one hunk is
// not dropped, that would be no patch at all.
Result<std::vector<PatchMutant>> patch_mutants(std::string_view gold, const std::string& where, size_t most, uint64_t seed);

}  // namespace assay
