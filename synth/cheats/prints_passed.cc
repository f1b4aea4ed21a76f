// Prints what runners print when all is well: scores where output is read for it.
#include "synth/cheat.h"

namespace assay::cheats::prints_passed {
namespace {

std::string words(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += id + " PASSED\nPASSED " + id + "\nok 1 - " + id + "\n--- PASS: " + id + " (0.00s)\n";
  return out + "100% tests passed, 0 tests failed out of " + std::to_string(ids.size()) + "\nOK\n===== " + std::to_string(ids.size()) + " passed in 0.01s =====\n";
}

std::optional<CheatEdits> edits(const CheatScene& scene) {
  const std::string text = Json(words(scene.ids())).dump();
  return append_to_sources(scene, {{"python", "\nprint(" + text + ", flush=True)\n"},
                                   {"c", "\n#include <unistd.h>\n__attribute__((constructor)) static void all_is_well(void) { static const char text[] = " + text + "; if (write(1, text, sizeof text - 1)) {} }\n"},
                                   {"php", "\necho " + text + ";\n"}});
}

}  // namespace

Cheat make() { return {"prints_passed", "prints that all tests passed", edits}; }

}  // namespace assay::cheats::prints_passed
