// JUnit XML, which most runners write and none quite like another. There is no standard; these are the dialects known, with samples
// in tests/verifiers/reports/junit/ (of Gradle and nextest there is none; by their documentation they write as Surefire does):
//
//   runner                          id                                                  its total
//   pytest (-o junit_family=xunit1) the node id: file::Class::test[1]                   counts what it does not list
//   pytest (xunit2)                 classname::test[1]                                  the same
//   jest-junit                      file::full name, with ADD_FILE_ATTRIBUTE            leaves todo out, so it is not read
//   mocha-junit-reporter            file::full name                                     counts what it does not list
//   mocha xunit                     file::classname::name                               leaves hooks out
//   vitest, Surefire, Gradle, nextest, PHPUnit, Meson, ctest: classname::name           exact
//   node:test                       the names of suites and test, joined by " > "       counts other things, so it is not read
//   GoogleTest                      Suite.Test                                          exact
//   Catch2, doctest                 classname::name/section                             counts assertions, so it is not read
#include <algorithm>
#include <array>
#include <charconv>

#include "verifiers/report_builder.h"
#include "verifiers/report_paths.h"
#include "verifiers/untrusted_text.h"
#include "verifiers/xml_reader.h"

namespace assay::reports::junit {
namespace {

enum class Totals { kExact, kAtMost, kNone };

std::optional<int64_t> number(std::optional<std::string_view> text) {
  if (!text) return {};
  return skip_number(*text);
}

class JunitReader final : public XmlHandler {
 public:
  void open(std::string_view name, const XmlAttributes& attributes, int depth) override {
    if (name == "testcase") return open_case(attributes);
    if (name == "testsuite" || name == "testsuites") return open_suite(name, attributes, depth);
    if (in_case_) open_outcome(name, attributes);
  }

  void close(std::string_view name, int) override {
    if (name == "testcase" && in_case_) close_case();
    if ((name == "testsuite" || name == "testsuites") && !suites_.empty()) suites_.pop_back();
  }

  TestReport finish(const std::optional<std::string>& problem) {
    if (in_case_) builder_.begin(id_);
    if (problem) builder_.truncate(*problem);
    if (!documents_ && !problem) builder_.truncate("no JUnit report");
    if (totals_ == Totals::kExact && total_) builder_.announce(*total_);
    if (totals_ == Totals::kAtMost && total_) builder_.announce_at_most(*total_);
    return builder_.finish();
  }

 private:
  struct Suite {
    std::string name, file;
    bool has_total;   // it or one around it
  };

  void open_suite(std::string_view element, const XmlAttributes& attributes, int depth) {
    documents_ = true;
    if (attributes.get("hostname") == "tbd" || attributes.find("doctest_version") || attributes.get("name") == "jest tests") totals_ = Totals::kNone;
    else if (totals_ == Totals::kExact && (attributes.get("name") == "pytest" || (element == "testsuites" && attributes.get("name") == "Mocha Tests"))) totals_ = Totals::kAtMost;
    const bool around = !suites_.empty() && suites_.back().has_total;
    const std::optional<int64_t> tests = number(attributes.find("tests"));
    if (tests && !around) total_ = total_.value_or(0) + *tests;
    // A name cannot be part of an id beyond an id's length.
    const std::string_view file = attributes.find("file").value_or(depth > 0 && !suites_.empty() ? std::string_view(suites_.back().file) : std::string_view());
    suites_.push_back({element == "testsuite" ? std::string(attributes.get("name").substr(0, kTestIdBytes)) : "", std::string(file.substr(0, kTestIdBytes)), around || tests.has_value()});
  }

  void open_case(const XmlAttributes& attributes) {
    if (in_case_) close_case();
    documents_ = in_case_ = true;
    skipped_ = failed_ = error_ = teardown_ = false;
    const std::string_view status = attributes.get("status");
    if (status == "disabled" || status == "notrun" || attributes.get("result") == "suppressed") skipped_ = true;
    if (status == "fail" || status == "failed") failed_ = true;
    set_id(attributes);
  }

  void open_outcome(std::string_view name, const XmlAttributes& attributes) {
    if (name == "skipped") skipped_ = true;
    else if (name == "failure") failed_ = true;
    else if (name == "error") {
      error_ = true;
      teardown_ = attributes.get("message").starts_with("failed on teardown with ");
    }
  }

  // What a runner marks as left out, or as expected to fail, may hold a failure all the same.
  void close_case() {
    in_case_ = false;
    const TestOutcome outcome = skipped_ ? TestOutcome::kSkipped : error_ ? TestOutcome::kError : failed_ ? TestOutcome::kFailed : TestOutcome::kPassed;
    if (is_hook_ || teardown_) builder_.worsen(id_, outcome);
    else builder_.add(id_, outcome);
  }

  void set_id(const XmlAttributes& attributes) {
    const std::string_view name = attributes.get("name").substr(0, kTestIdBytes);
    const std::string_view group = attributes.find("classname").value_or(attributes.get("class")).substr(0, kTestIdBytes);
    const std::string_view file = attributes.find("file").value_or(suites_.empty() ? std::string_view() : suites_.back().file).substr(0, kTestIdBytes);
    is_hook_ = name.find("\" hook") != std::string_view::npos;
    id_.clear();
    if (is_python(file)) return set_node_id(file, group, name);
    const bool node = group == "test" || group == "suite";
    if (is_javascript(file) && !node) id_.append(in_tree(file)).append("::");
    if (node) {
      totals_ = Totals::kNone;   // and only newer versions tell the file
      for (const Suite& suite : suites_)
        if (!suite.name.empty() && id_.size() < kTestIdBytes) id_.append(suite.name).append(" > ");
    } else if (attributes.find("result")) {
      id_.append(group).append(".");
    } else if (!group.empty() && !name.ends_with(group)) {
      id_.append(group);
      if (!name.empty()) id_.append("::");
    }
    id_.append(in_tree(name));
  }

  // pytest's: the class name is the file's path with points, then classes.
  void set_node_id(std::string_view file, std::string_view group, std::string_view name) {
    file = in_tree(file);
    std::string module(file.substr(0, file.size() - 3));
    std::replace(module.begin(), module.end(), '/', '.');
    id_.append(file);
    if (group.empty() && name == module) return;   // the file could not be collected
    if (skip(group, module)) skip(group, ".");
    while (!group.empty()) {
      const std::string_view part = group.substr(0, group.find('.'));
      id_.append("::").append(part);
      group.remove_prefix(std::min(part.size() + 1, group.size()));
    }
    id_.append("::").append(name);
  }

  ReportBuilder builder_;
  std::vector<Suite> suites_;
  std::string id_;
  bool documents_ = false, in_case_ = false, is_hook_ = false;
  bool skipped_ = false, failed_ = false, error_ = false, teardown_ = false;
  Totals totals_ = Totals::kExact;
  std::optional<int64_t> total_;
};

TestReport parse(std::string_view bytes) {
  JunitReader reader;
  return reader.finish(read_xml(bytes, reader));
}

}  // namespace

ReportParser make() {
  return {"junit", "JUnit XML of pytest, Surefire, Gradle, jest, mocha, vitest, node:test, ctest, Meson, GoogleTest, Catch2, doctest, PHPUnit and nextest; of several files, one after another", parse};
}

}  // namespace assay::reports::junit
