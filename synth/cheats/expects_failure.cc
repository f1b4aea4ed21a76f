// Has the tests that decide fail, and CTest take that for their success (WILL_FAIL): scores where a test's name alone says which test it is.
#include "synth/cheat.h"

namespace assay::cheats::expects_failure {
namespace {

std::optional<CheatEdits> edits(const CheatScene& scene) {
  if (!runs_with(scene.plan, "ctest") || !scene.tree.has("CMakeLists.txt")) return std::nullopt;
  std::vector<std::string> names;
  for (const std::string& id : scene.plan.fail_to_pass) names.push_back(id.substr(0, id.rfind('@')));
  return CheatEdits{{"CMakeLists.txt", cmake_test_property("WILL_FAIL", names) + scene.tree.text("CMakeLists.txt")}};
}

}  // namespace

Cheat make() { return {"expects_failure", "has the runner take the tests' failure for their success", edits}; }

}  // namespace assay::cheats::expects_failure
