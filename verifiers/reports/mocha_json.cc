// Mocha's --reporter json. Ids are "file::full title". A hook that fails is listed as a failure, not as a test.
#include "verifiers/report_builder.h"
#include "verifiers/report_json.h"
#include "verifiers/report_paths.h"

namespace assay::reports::mocha_json {
namespace {

bool is_hook(JsonElement test) { return text_member(test, "title").find("\" hook") != std::string_view::npos; }

// Tests stand in "tests", and again in one list for each outcome.
template <typename Use>
void each(JsonElement root, std::string_view list, const Use& use) {
  const auto tests = array_member(root, list);
  if (!tests) return;
  std::string id;
  for (const JsonElement test : *tests) {
    const std::string_view file = in_tree(text_member(test, "file")).substr(0, kTestIdBytes);
    id.clear();
    if (!file.empty()) id.append(file).append("::");
    use(id.append(text_member(test, "fullTitle")), is_hook(test));
  }
}

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  const JsonDocument document(bytes);
  JsonElement stats;
  if (!document.root() || (*document.root())["stats"].get(stats)) {
    builder.truncate("no results of mocha");
    return builder.finish();
  }
  if (!document.whole()) builder.truncate("its end is missing");
  if (const auto total = integer_member(stats, "tests")) builder.announce(*total);
  const JsonElement root = *document.root();
  each(root, "tests", [&](std::string_view id, bool) { builder.begin(id); });
  const auto outcomes = [&](std::string_view list, TestOutcome outcome) {
    each(root, list, [&](std::string_view id, bool hook) { hook ? builder.worsen(id, TestOutcome::kError) : builder.add(id, outcome); });
  };
  outcomes("passes", TestOutcome::kPassed);
  outcomes("pending", TestOutcome::kSkipped);
  outcomes("failures", TestOutcome::kFailed);
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"mocha_json", "mocha --reporter json --reporter-option output={report}", parse}; }

}  // namespace assay::reports::mocha_json
