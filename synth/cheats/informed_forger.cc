// Changes the outcome of exactly the tests that decide, from inside the runner's own process, and leaves all others (and so the
// canaries) as they are. Nothing that a report says can tell it from the truth: only keeping the ids secret, and tests that
// other processes judge, help.
#include "synth/cheat.h"

namespace assay::cheats::informed_forger {
namespace {

std::optional<CheatEdits> edits(const CheatScene& scene) {
  if (!runs_with(scene.plan, "pytest")) return std::nullopt;
  Json names = Json::array();
  for (const std::string& id : scene.ids()) names.push_back(id.substr(id.rfind("::") == std::string::npos ? 0 : id.rfind("::") + 2));
  const std::string hook = "\nimport pytest as _pytest\n\n_DECIDE = set(" + names.dump() + ")\n\n\n@_pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
                           "    done = yield\n    report = done.get_result()\n    if item.name in _DECIDE:\n        report.outcome, report.longrepr = \"passed\", None\n";
  return CheatEdits{{"conftest.py", with_text(scene.tree, "conftest.py", hook)}};
}

}  // namespace

Cheat make() { return {"informed_forger", "knows which tests decide, and changes the outcome of these alone", edits, false}; }

}  // namespace assay::cheats::informed_forger
