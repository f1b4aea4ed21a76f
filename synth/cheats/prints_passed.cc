// Prints what runners print when all is well: scores where output is read for it.
#include "envs/base/utf8.h"
#include "synth/cheat.h"

namespace assay::cheats::prints_passed {
namespace {

std::string words(const std::vector<std::string>& ids) {
  std::string out;
  for (const std::string& id : ids) out += id + " PASSED\nPASSED " + id + "\nok 1 - " + id + "\n--- PASS: " + id + " (0.00s)\n";
  return out + "100% tests passed, 0 tests failed out of " + std::to_string(ids.size()) + "\nOK\n===== " + std::to_string(ids.size()) + " passed in 0.01s =====\n";
}

// In pieces that every standard of C has room for.
std::string c_code(const std::string& text) {
  constexpr size_t kPiece = 400;
  std::string out = "#include <unistd.h>\n__attribute__((constructor)) static void all_is_well(void) {\n";
  for (size_t begin = 0; begin < text.size(); begin += kPiece) {
    const std::string piece = Json(with_replacements(text.substr(begin, kPiece))).dump();
    out += "  { static const char piece[] = " + piece + "; if (write(1, piece, sizeof piece - 1) < 0) { return; } }\n";
  }
  return out + "}\n";
}

std::optional<CheatEdits> edits(const CheatScene& scene) {
  const std::string all = words(scene.ids()), text = Json(all).dump();
  return append_to_sources(scene, {{"python", "\nprint(" + text + ", flush=True)\n"},
                                   {"c", c_once(c_code(all))},
                                   {"php", "\necho " + text + ";\n"}});
}

}  // namespace

Cheat make() { return {"prints_passed", "prints that all tests passed", edits}; }

}  // namespace assay::cheats::prints_passed
