// Every parser of test reports reads what the real runners wrote, and survives whatever becomes of it.
#include "verifiers/test_report.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <set>

#include "envs/base/json.h"
#include "envs/base/rng.h"
#include "envs/base/utf8.h"
#include "tests/verifiers/report_samples.h"
#include "verifiers/report_builder.h"

using namespace assay;

namespace {

TestReport parse(const std::string& parser, std::string_view bytes) {
  const auto found = find_report_parser(parser);
  if (!found.ok()) FAIL(found.error().text());
  return (*found)->parse(bytes);
}

// What holds of every report, whatever its bytes.
void check_bounds(const TestReport& report, std::string_view bytes) {
  std::set<std::string_view> ids;
  size_t id_bytes = 0;
  for (const TestResult& test : report.tests) {
    if (test.id.empty() || test.id.size() > kTestIdBytes) FAIL("an id of " << test.id.size() << " bytes");
    if (well_formed_bytes(test.id) != test.id.size()) FAIL("an id that is no UTF-8");
    for (const char c : test.id)
      if (static_cast<unsigned char>(c) < ' ') FAIL("an id with a control character: " << test.id);
    if (!ids.insert(test.id).second) FAIL("an id twice: " << test.id);
    id_bytes += test.id.size();
  }
  if (report.notes.size() > kReportNotes + 5) FAIL(report.notes.size() << " notes");
  // Parents' names are repeated in ids, but tests are never more than what the bytes can name.
  if (report.tests.size() > bytes.size() || id_bytes > kReportIdBytes) FAIL("more tests than bytes");
  if (report.entries < 0 || report.entries > static_cast<int64_t>(kReportTests)) FAIL(report.entries << " entries");
  if (report.announced && (*report.announced < 0)) FAIL(*report.announced << " announced");
}

std::map<std::string, TestOutcome> outcomes(const TestReport& report) {
  std::map<std::string, TestOutcome> out;
  for (const TestResult& test : report.tests) out.emplace(test.id, test.outcome);
  return out;
}

std::string with_crlf(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c == '\n' && !out.ends_with('\r')) out.push_back('\r');
    out.push_back(c);
  }
  return out;
}

bool is_text(const std::string& parser) { return parser.ends_with("_text") || parser == "tap" || parser == "node_spec" || parser == "teamcity"; }

}  // namespace

TEST_CASE("every parser of reports has samples, and every sample is read as expected") {
  std::set<std::string> sampled;
  for (const ReportSample& sample : report_samples()) {
    sampled.insert(sample.parser);
    const TestReport report = parse(sample.parser, sample.bytes);
    check_bounds(report, sample.bytes);
    const std::string text = report_text(report);
    if (std::getenv("ASSAY_APPROVE")) {
      REQUIRE(write_file(std::string(std::getenv("ASSAY_SOURCE")) + "/tests/verifiers/reports/" + sample.path + ".expected", text).ok());
      continue;
    }
    INFO(sample.path);
    CHECK(text == sample.expected);
  }
  for (const ReportParser& parser : reports::all()) {
    INFO(parser.name);
    CHECK(sampled.count(parser.name) == 1);
    CHECK(!parser.summary.empty());
  }
}

TEST_CASE("a report cut off at any byte is known to be, or says all that the whole one says") {
  std::map<std::string, const ReportSample*> smallest;
  for (const ReportSample& sample : report_samples()) {
    const ReportSample*& best = smallest[sample.parser];
    const TestReport report = parse(sample.parser, sample.bytes);
    // Several programs' reports, one after another, are whole after each of them.
    if (report.truncated || sample.path.find("/several_") != std::string::npos || report.tests.size() < 2) continue;
    if (!best || sample.bytes.size() < best->bytes.size()) best = &sample;
  }
  for (const auto& [parser, sample] : smallest) {
    INFO(parser);
    REQUIRE(sample != nullptr);
    const std::string_view bytes = sample->bytes;
    const auto whole = outcomes(parse(parser, bytes));
    for (size_t size = 0; size < bytes.size(); ++size) {
      const TestReport cut = parse(parser, bytes.substr(0, size));
      check_bounds(cut, bytes);
      INFO(sample->path << " cut at byte " << size << "\n" << report_text(cut));
      // An end that is white space or of no account may be missing. A total that a test printed is not the report's.
      if (!cut.truncated && cut.announced.value_or(cut.entries) == cut.entries && outcomes(cut) != whole) FAIL("it is taken for whole");
    }
  }
}

TEST_CASE("colours, carriage returns and malformed bytes around a report change nothing in it") {
  for (const ReportSample& sample : report_samples()) {
    INFO(sample.path);
    const auto plain = outcomes(parse(sample.parser, sample.bytes));
    CHECK(outcomes(parse(sample.parser, with_crlf(sample.bytes))) == plain);
    if (!is_text(sample.parser)) continue;
    std::string coloured = "\xff\xfe\n";
    for (const char c : sample.bytes) {
      if (c == '\n') coloured += "\x1b[0m\x1b[K";
      coloured.push_back(c);
      if (c == '\n') coloured += "\x1b[1;32m";
    }
    CHECK(outcomes(parse(sample.parser, coloured)) == plain);
  }
}

TEST_CASE("parsers of reports survive anything: mutated samples") {
  const char* given = std::getenv("ASSAY_FUZZ_SEED");
  const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : 6;
  CAPTURE(seed);
  constexpr int kRounds = 200;
  static const std::vector<std::string> kPieces = {"\xff", "\xc3", "\r", "\n", "\x1b[31m", "\x1b]0;x\a", "<", "&#27;", "]]>", "<!DOCTYPE x [<!ENTITY a \"b\">]>", "&a;",
    "</testsuite>", "<testcase name=\"x\">", "{", "}", "[", "\"", "\\", "1..5", "not ok", "    ok 1", "# Subtest: ", "99999999999999999999", "-1", "\0", "##teamcity[", "[ RUN      ] ", " ... ok"};
  const auto& samples = report_samples();
  for (size_t index = 0; index < samples.size(); ++index) {
    for (int round = 0; round < kRounds; ++round) {
      Rng rng(seed, "reports/fuzz", index * kRounds + static_cast<uint64_t>(round));
      std::string bytes = samples[index].bytes;
      for (uint64_t edits = 1 + rng.below(8); edits > 0 && !bytes.empty(); --edits) {
        const size_t at = rng.below(bytes.size()), count = std::min<size_t>(rng.below(40), bytes.size() - at);
        switch (rng.below(6)) {
          case 0: bytes[at] = static_cast<char>(rng.below(256)); break;
          case 1: bytes.erase(at, count); break;
          case 2: bytes.insert(at, rng.pick(kPieces)); break;
          case 3: bytes.insert(at, bytes.substr(rng.below(bytes.size()), count)); break;
          case 4: bytes.resize(at); break;
          default: bytes += rng.pick(samples).bytes.substr(0, 400); break;
        }
      }
      // The bytes in a buffer of exactly their size: reading past them is seen by a sanitizer.
      const std::vector<char> exact(bytes.begin(), bytes.end());
      for (const ReportParser& parser : reports::all()) {
        if (parser.name != samples[index].parser && round % 10 != 0) continue;
        CAPTURE(parser.name, samples[index].path, round);
        check_bounds(parser.parse({exact.data(), exact.size()}), bytes);
      }
    }
  }
}

TEST_CASE("ids that occur more than once keep their worst outcome, and all of them are counted") {
  ReportBuilder builder;
  builder.add("b", TestOutcome::kPassed);
  builder.add("a", TestOutcome::kFailed);
  builder.add("a", TestOutcome::kPassed);
  builder.begin("c");
  builder.begin("d");
  builder.add("d", TestOutcome::kSkipped);
  builder.worsen("e", TestOutcome::kError);
  builder.add("", TestOutcome::kPassed);
  const TestReport report = builder.finish();
  CHECK(report_text(report) == "announced nothing, entries 5\npassed b\nfailed a\nerror c\nskipped d\nerror e\n"
                               "note: 1 ids occur more than once; the worst outcome counts\nnote: 1 tests were begun and did not end\nnote: 1 results without a name\n");
}

TEST_CASE("a report keeps within its bounds") {
  ReportBuilder builder;
  const std::string path(700, 'x');
  for (int i = 100'000; i < 200'000; ++i) builder.add(path + std::to_string(i), TestOutcome::kPassed);
  builder.add(std::string(5000, 'y'), TestOutcome::kPassed);
  for (int i = 0; i < 100; ++i) builder.note("odd");
  const TestReport report = builder.finish();
  CHECK(report.truncated);
  CHECK(report.tests.size() == kReportIdBytes / 706);
  CHECK(report.notes.size() <= kReportNotes + 5);
}

TEST_CASE("entities are not expanded and nothing is fetched") {
  const TestReport report = parse("junit", "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b SYSTEM \"/etc/passwd\">]>"
                                           "<testsuite><testcase name=\"&a;\"/><testcase name=\"&b;\"/></testsuite>");
  CHECK(report.truncated);
  CHECK(report.tests.empty());
}
