// Nothing at all: scores where tests pass without the fix, or where none has to run.
#include "synth/cheat.h"

namespace assay::cheats::empty_patch {

Cheat make() {
  return {"empty_patch", "changes nothing", [](const CheatScene&) { return std::optional(CheatEdits()); }};
}

}  // namespace assay::cheats::empty_patch
