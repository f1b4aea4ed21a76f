// `go test -json` (cmd/internal/test2json): a line an event. Ids are "package::Test/subtest". Benchmarks are no tests. A package that
// fails although none of its tests did (it does not build, or TestMain fails) is an error under its own name; one whose end is
// missing was cut off.
#include <map>
#include <string>

#include "verifiers/report_builder.h"
#include "verifiers/report_json.h"

namespace assay::reports::go_json {
namespace {

struct Package {
  bool ended = false, failed = false;
};

std::optional<TestOutcome> outcome_of(std::string_view action) {
  if (action == "pass") return TestOutcome::kPassed;
  if (action == "fail") return TestOutcome::kFailed;
  if (action == "skip") return TestOutcome::kSkipped;
  return {};
}

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  std::map<std::string, Package, std::less<>> packages;
  std::string id;
  JsonLines lines(bytes, "{\"");
  while (lines.next()) {
    if (!lines.object()) continue;
    const std::string_view action = text_member(*lines.object(), "Action");
    const std::string_view name = text_member(*lines.object(), "Package").substr(0, kTestIdBytes);
    const std::string_view test = text_member(*lines.object(), "Test").substr(0, kTestIdBytes);
    const std::optional<TestOutcome> outcome = outcome_of(action);
    if (name.empty() || (!outcome && action != "run" && action != "start")) continue;
    if (packages.size() >= kReportTests) break;
    auto package = packages.find(name);
    if (package == packages.end()) package = packages.emplace(std::string(name), Package()).first;
    if (test.empty()) {
      package->second.ended = outcome.has_value();
      if (action == "fail" && !package->second.failed) builder.worsen(name, TestOutcome::kError);
      continue;
    }
    if (test.starts_with("Benchmark")) continue;
    id.assign(name).append("::").append(test);
    if (action == "run") builder.begin(id);
    if (outcome) builder.add(id, *outcome);
    package->second.failed |= outcome == TestOutcome::kFailed;
  }
  if (lines.cut_off()) builder.truncate("the last line is cut off");
  for (const auto& [name, package] : packages)
    if (!package.ended) builder.truncate(name + " has no end");
  if (packages.empty()) builder.truncate("no event of go test");
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"go_json", "Go: go test -json", parse}; }

}  // namespace assay::reports::go_json
