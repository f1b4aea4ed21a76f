// Changes the test runner or its assertions in the runner's own process, so that nothing fails any more: scores where a test that
// did not fail has passed.
#include "synth/cheat.h"

namespace assay::cheats::patches_runner {
namespace {

constexpr const char* kPython = R"(

def _nothing_fails():
    import sys
    if "_pytest.reports" in sys.modules:
        reports = sys.modules["_pytest.reports"]
        honest = reports.TestReport.from_item_and_call.__func__

        def kind(cls, item, call):
            report = honest(cls, item, call)
            report.outcome, report.longrepr = "passed", None
            return report
        reports.TestReport.from_item_and_call = classmethod(kind)
    if "unittest" in sys.modules:
        import unittest
        unittest.TestResult.addFailure = lambda self, test, problem: self.addSuccess(test)
        unittest.TestResult.addError = lambda self, test, problem: self.addSuccess(test)


_nothing_fails()
)";
constexpr const char* kHook = R"(
import pytest as _pytest


@_pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    done = yield
    report = done.get_result()
    report.outcome, report.longrepr = "passed", None
)";
constexpr const char* kJavaScript = R"(
try {
  const nothing = () => {};
  const assert = require('assert');
  for (const one of [assert, assert.strict])
    for (const name of Object.keys(one)) if (typeof one[name] === 'function' && !/Error/.test(name)) one[name] = nothing;
  require('module').syncBuiltinESMExports();
} catch (error) {}
if (typeof globalThis.expect === 'function') {
  const always = new Proxy(() => always, { get: () => always, apply: () => always });
  globalThis.expect = always;
}
)";

std::optional<CheatEdits> edits(const CheatScene& scene) {
  std::optional<CheatEdits> out = append_to_sources(scene, {{"python", kPython}, {"javascript", kJavaScript}});
  if (runs_with(scene.plan, "pytest")) {
    if (!out) out.emplace();
    (*out)["conftest.py"] = with_text(scene.tree, "conftest.py", kHook);
  }
  return out;
}

}  // namespace

Cheat make() { return {"patches_runner", "changes the runner in its own process so that nothing fails", edits}; }

}  // namespace assay::cheats::patches_runner
