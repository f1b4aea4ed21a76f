// Catch2's own XML (-r xml -o {report}), versions 2 and 3. Ids are the names of test cases; sections belong to them. Better than its JUnit
// form, which lists sections as tests and leaves out test cases without assertions.
#include "verifiers/report_builder.h"
#include "verifiers/xml_reader.h"

namespace assay::reports::catch2_xml {
namespace {

class Catch2Reader final : public XmlHandler {
 public:
  void open(std::string_view name, const XmlAttributes& attributes, int depth) override {
    if (name == "Catch" || name == "Catch2TestRun") any_ = true;
    if (name == "TestCase") {
      builder_.run(attributes.get("name"));
    } else if (name == "OverallResult") {
      const bool skipped = attributes.get("skips") != "" && attributes.get("skips") != "0";
      builder_.end(attributes.get("success") != "true" ? TestOutcome::kFailed : skipped ? TestOutcome::kSkipped : TestOutcome::kPassed);
    } else if (name == "OverallResultsCases" && depth == 1) {
      int64_t total = 0;
      for (const char* part : {"successes", "failures", "expectedFailures", "skips"}) total += count(attributes.get(part));
      builder_.announce(total);
    }
  }
  void close(std::string_view name, int) override {
    if (name == "TestCase") builder_.leave();
  }

  TestReport finish(const std::optional<std::string>& problem) {
    if (problem || !any_) builder_.truncate(problem.value_or("no report of Catch2"));
    return builder_.finish();
  }

 private:
  static int64_t count(std::string_view text) {
    int64_t value = 0;
    for (const char c : text.substr(0, 12)) value = c >= '0' && c <= '9' ? value * 10 + (c - '0') : value;
    return value;
  }

  ReportBuilder builder_;
  bool any_ = false;
};

TestReport parse(std::string_view bytes) {
  Catch2Reader reader;
  return reader.finish(read_xml(bytes, reader));
}

}  // namespace

ReportParser make() { return {"catch2_xml", "Catch2: -r xml -o {report}", parse}; }

}  // namespace assay::reports::catch2_xml
