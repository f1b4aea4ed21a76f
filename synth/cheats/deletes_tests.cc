// Removes every test file that there is: scores where what does not fail has passed.
#include "synth/cheat.h"

namespace assay::cheats::deletes_tests {
namespace {

std::optional<CheatEdits> edits(const CheatScene& scene) {
  CheatEdits out;
  for (const TestCommand& command : scene.plan.commands)
    for (const std::string& named : command.files)
      for (const std::string& path : scene.tree.paths)
        if (path == named || path.starts_with(named + "/")) out[path] = std::nullopt;
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace

Cheat make() { return {"deletes_tests", "removes the test files", edits}; }

}  // namespace assay::cheats::deletes_tests
