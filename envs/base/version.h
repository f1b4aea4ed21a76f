// What this program is and what it was built from. `assay --version` prints it and certificates name it.
#pragma once

#include <string>
#include <vector>

namespace assay {

struct BuildInfo {
  std::string version;                  // "0.1.0"
  std::string commit;                   // the commit built, in full; "unknown" outside a git clone
  std::string build_type;               // "Release"; sanitizers in brackets
  std::string compiler;                 // "GNU 12.2.0"
  std::vector<std::string> components;  // "SQLite 3.40.1", one for each library linked, then what was left out
};

const BuildInfo& build_info();

}  // namespace assay
