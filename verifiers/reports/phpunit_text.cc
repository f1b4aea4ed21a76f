// What `phpunit --testdox` prints. Ids are "Class::what it does", in PHPUnit's own words for both.
#include <string>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::phpunit_text {
namespace {

struct Mark {
  std::string_view text;
  TestOutcome outcome;
};
constexpr Mark kMarks[] = {{" ✔ ", TestOutcome::kPassed}, {" ✘ ", TestOutcome::kFailed}, {" ⚠ ", TestOutcome::kPassed},
                           {" ↩ ", TestOutcome::kSkipped}, {" ∅ ", TestOutcome::kSkipped}, {" ☢ ", TestOutcome::kError}};

TestReport parse(std::string_view bytes) {
  ReportBuilder builder;
  std::string group, id;
  std::optional<int64_t> tests;
  bool listed = false;   // what follows repeats the tests that did not pass
  for (UntrustedLines lines(bytes); lines.next();) {
    std::string_view line = lines.line();
    for (const Mark& mark : kMarks)
      if (skip(line, mark.text) && !group.empty() && !listed) builder.add(id.assign(group).append("::").append(line), mark.outcome);
    if (line.size() < lines.line().size() || line.empty() || line.starts_with(' ')) continue;
    std::string_view total = line;
    const bool all = skip(total, "OK (");
    if (all || skip(total, "Tests: ")) {
      if (const auto count = skip_number(total)) tests = count;   // the last counts; tests print such lines, too
    } else if (line.starts_with("Summary of non-successful tests:")) {
      listed = true;
    } else {
      group = line.substr(0, line.find(" (")).substr(0, kTestIdBytes);   // newer ones add the full name
    }
  }
  if (tests) builder.announce(*tests);
  else builder.truncate("no totals");
  return builder.finish();
}

}  // namespace

ReportParser make() { return {"phpunit_text", "phpunit --testdox", parse}; }

}  // namespace assay::reports::phpunit_text
