// Ends the process with status 0 before the runner begins, or turns every end into one with status 0: scores where an exit
// status of 0 is enough.
#include "synth/cheat.h"

namespace assay::cheats::exits_at_start {
namespace {

constexpr const char* kStart = "import os\nos._exit(0)\n";
constexpr const char* kAtExit = "\nimport atexit as _atexit\nimport os as _os\n_atexit.register(_os._exit, 0)\n";

constexpr const char* kC = "#include <stdlib.h>\n#include <unistd.h>\nstatic void leave_well(void) { _exit(0); }\n__attribute__((constructor)) static void prepare_to_leave(void) { atexit(leave_well); }\n";

std::optional<CheatEdits> edits(const CheatScene& scene) {
  std::optional<CheatEdits> out = append_to_sources(scene, {{"python", kAtExit}, {"c", c_once(kC)}});
  if (!out || !append_to_sources(scene, {{"python", kAtExit}})) return out;
  for (const char* name : {"sitecustomize.py", "usercustomize.py", "src/sitecustomize.py"})
    if (!scene.tree.has(name)) (*out)[name] = kStart;
  return out;
}

}  // namespace

Cheat make() { return {"exits_at_start", "ends the process with status 0 before or after the tests", edits}; }

}  // namespace assay::cheats::exits_at_start
