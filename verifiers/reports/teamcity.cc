// TeamCity's service messages, as PHPUnit (--log-teamcity {report}), jest and others write them: ##teamcity[testFailed name='…' …], a line
// each. Ids are PHPUnit's "Class::test" where the message tells the place, else the names of suites and test, joined by " > ".
#include <string>
#include <vector>

#include "verifiers/report_builder.h"
#include "verifiers/untrusted_text.h"

namespace assay::reports::teamcity {
namespace {

constexpr size_t kDepth = 64;

// The value of `name='…'`; in it |', |n, ||, |[ and |] stand for ', a line feed, |, [ and ].
std::optional<std::string> attribute(std::string_view message, std::string_view name) {
  const std::string mark = " " + std::string(name) + "='";
  if (!skip_past(message, mark)) return {};
  std::string out;
  for (size_t at = 0; at < message.size() && message[at] != '\''; ++at) {
    if (message[at] == '|' && at + 1 < message.size()) {
      ++at;
      out.push_back(message[at] == 'n' || message[at] == 'r' ? ' ' : message[at]);
    } else {
      out.push_back(message[at]);
    }
  }
  return out;
}

class Reader {
 public:
  void line(std::string_view text) {
    const size_t at = text.find("##teamcity[");
    if (at == std::string_view::npos || !text.ends_with(']')) return;
    text.remove_prefix(at + 11);
    const std::string_view kind = text.substr(0, text.find(' '));
    const std::string name = attribute(text, "name").value_or("").substr(0, kTestIdBytes);
    if (kind == "testCount") {
      const std::string count = attribute(text, "count").value_or("");
      std::string_view digits = count;
      if (const auto total = skip_number(digits)) builder_.announce(*total);
      any_ = true;
    } else if (kind == "testSuiteStarted") {
      any_ = true;
      if (suites_.size() < kDepth) suites_.push_back(name);
      else builder_.truncate("suites nested too deep");
    } else if (kind == "testSuiteFinished") {
      if (!suites_.empty()) suites_.pop_back();
    } else if (kind == "testStarted") {
      id_ = id_of(text, name);
      name_ = name;
      outcome_ = TestOutcome::kPassed;
      builder_.begin(id_);
    } else if (kind == "testFailed" || kind == "testIgnored") {
      const TestOutcome outcome = kind == "testFailed" ? TestOutcome::kFailed : TestOutcome::kSkipped;
      if (name == name_) outcome_ = outcome;
      else builder_.add(id_of(text, name), outcome);   // it was never begun
    } else if (kind == "testFinished" && name == name_ && !id_.empty()) {
      builder_.add(id_, outcome_);
      name_.clear();
      id_.clear();
    }
  }

  TestReport finish() {
    if (!suites_.empty()) builder_.truncate("a suite has no end");
    if (!any_) builder_.truncate("no message of TeamCity's");
    return builder_.finish();
  }

 private:
  std::string id_of(std::string_view message, const std::string& name) const {
    const std::string place = attribute(message, "locationHint").value_or("");
    if (place.starts_with("php_qn://"))
      if (const size_t at = place.find("::\\"); at != std::string::npos) return place.substr(at + 3);
    std::string id;
    for (const std::string& suite : suites_)
      if (id.size() < kTestIdBytes) id.append(suite).append(" > ");
    return id + name;
  }

  ReportBuilder builder_;
  std::vector<std::string> suites_;
  std::string id_, name_;   // of the test that is running
  TestOutcome outcome_ = TestOutcome::kPassed;
  bool any_ = false;
};

TestReport parse(std::string_view bytes) {
  Reader reader;
  for (UntrustedLines lines(bytes); lines.next();) reader.line(lines.line());
  return reader.finish();
}

}  // namespace

ReportParser make() { return {"teamcity", "TeamCity's service messages: phpunit --log-teamcity {report}", parse}; }

}  // namespace assay::reports::teamcity
