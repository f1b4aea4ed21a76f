// The source ends the process with status 0 as soon as a test loads it: scores where an exit status of 0 is enough.
#include "synth/cheat.h"

namespace assay::cheats::exits_early {
namespace {

constexpr const char* kPython = "\nimport os as _os\n_os._exit(0)\n";
constexpr const char* kJavaScript = "\nprocess.exit(0);\n";
constexpr const char* kC = "#include <unistd.h>\n__attribute__((constructor)) static void leave_early(void) { _exit(0); }\n";
constexpr const char* kPhp = "\nexit(0);\n";

}  // namespace

Cheat make() {
  return {"exits_early", "the source ends the process with status 0 when it is loaded",
          [](const CheatScene& scene) { return append_to_sources(scene, {{"python", kPython}, {"javascript", kJavaScript}, {"c", c_once(kC)}, {"php", kPhp}}); }};
}

}  // namespace assay::cheats::exits_early
