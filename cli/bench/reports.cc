// Test reports parsed, each parser on a report of its runner's form: mostly results, some failures with what was printed. And that
// hostile bytes take time in proportion to their number.
#include <algorithm>
#include <ctime>
#include <map>

#include "cli/bench.h"
#include "verifiers/test_report.h"

namespace assay::bench::reports {
namespace {

constexpr size_t kBytes = 8 << 20;
constexpr int kFailsEvery = 10;

// A report: `@` is the number of the test.
struct Form {
  std::string head, passed, failed, tail;
};

std::string repeated(const char* line, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += line;
  return out;
}

std::map<std::string, Form> forms() {
  const std::string trace = repeated("    File \"/work/repo/shop/basket.py\", line 12, in total: expected 3 and got <4> & more\n", 8);
  const std::string xml_trace = repeated("    File &quot;/work/repo/shop/basket.py&quot;, line 12, in total: expected 3 and got &lt;4&gt;\n", 8);
  const std::string json_trace = repeated("    File \\\"/work/repo/shop/basket.py\\\", line 12, in total: expected 3 and got <4>\\n", 8);
  const std::string go = "{\"Time\":\"2026-01-01T00:00:00.123456789Z\",\"Action\":\"", go_test = "\",\"Package\":\"example.org/shop\",\"Test\":\"TestBasket@\"";
  const auto go_case = [&](const char* outcome, int lines) {
    std::string out = go + "run" + go_test + "}\n";
    for (int i = 0; i < lines; ++i) out += go + "output" + go_test + ",\"Output\":\"    basket_test.go:12: expected 3 and got 4\\n\"}\n";
    return out + go + outcome + go_test + ",\"Elapsed\":0.01}\n";
  };
  const std::string gtest_end = "[==========] 9 tests from 1 test suite ran. (1 ms total)\n";
  const std::string rule = std::string(79, '-') + "\n", dots = std::string(79, '.') + "\n", double_rule = std::string(79, '=') + "\n";
  const auto catch2 = [&](const char* outcome) { return rule + "basket number @\n" + rule + "a.cc:12\n" + dots + "\na.cc:13: " + outcome + ":\n  CHECK( total == 3 )\nwith expansion:\n  4 == 3\n\n"; };
  return {
      {"junit", {"<?xml version=\"1.0\"?><testsuites><testsuite name=\"pytest\">\n", "<testcase classname=\"tests.test_basket.TestBasket\" name=\"test_total[@]\" time=\"0.001\" />\n",
                 "<testcase classname=\"tests.test_basket.TestBasket\" name=\"test_total[@]\" time=\"0.001\"><failure message=\"assert 4 == 3\">" + xml_trace + "</failure></testcase>\n", "</testsuite></testsuites>\n"}},
      {"go_json", {"", go_case("pass", 2), go_case("fail", 8), go + "pass\",\"Package\":\"example.org/shop\"}\n"}},
      {"cargo_text", {"running 9 tests\n", "test basket::tests::total_@ ... ok\n", "test basket::tests::total_@ ... FAILED\n", "\nfailures:\n" + trace + "test result: ok.\n"}},
      {"libtest_json", {"{ \"type\": \"suite\", \"event\": \"started\", \"test_count\": 9 }\n", "{ \"type\": \"test\", \"event\": \"started\", \"name\": \"total_@\" }\n{ \"type\": \"test\", \"name\": \"total_@\", \"event\": \"ok\" }\n",
                        "{ \"type\": \"test\", \"name\": \"total_@\", \"event\": \"failed\", \"stdout\": \"" + json_trace + "\" }\n", "{ \"type\": \"suite\", \"event\": \"failed\" }\n"}},
      {"jest_json", {"{\"testResults\":[{\"name\":\"/work/repo/test/basket.test.js\",\"assertionResults\":[", "{\"ancestorTitles\":[\"basket\"],\"duration\":2,\"failureMessages\":[],\"fullName\":\"basket total @\",\"status\":\"passed\",\"title\":\"total @\"},",
                     "{\"ancestorTitles\":[\"basket\"],\"failureMessages\":[\"" + json_trace + "\"],\"status\":\"failed\",\"title\":\"total @\"},", "{}]}]}"}},
      {"mocha_json", {"{\"stats\":{\"suites\":1},\"passes\":[", "{\"title\":\"total @\",\"fullTitle\":\"basket total @\",\"file\":\"/work/repo/test/basket.js\",\"duration\":0,\"err\":{}},",
                      "{\"title\":\"total @\",\"fullTitle\":\"basket total @\",\"file\":\"/work/repo/test/basket.js\",\"err\":{\"stack\":\"" + json_trace + "\"}},", "{}]}"}},
      {"google_test_json", {"{\"testsuites\":[{\"name\":\"Basket\",\"testsuite\":[", "{\"name\":\"Total@\",\"file\":\"basket.cc\",\"line\":4,\"status\":\"RUN\",\"result\":\"COMPLETED\",\"time\":\"0s\",\"classname\":\"Basket\"},",
                            "{\"name\":\"Total@\",\"status\":\"RUN\",\"result\":\"COMPLETED\",\"classname\":\"Basket\",\"failures\":[{\"failure\":\"" + json_trace + "\"}]},", "{}]}]}"}},
      {"google_test_text", {"[==========] Running 9 tests from 1 test suite.\n", "[ RUN      ] Basket.Total@\n[       OK ] Basket.Total@ (0 ms)\n", "[ RUN      ] Basket.Total@\n" + trace + "[  FAILED  ] Basket.Total@ (0 ms)\n", gtest_end}},
      {"tap", {"TAP version 13\n", "# Subtest: total @\nok @ - total @\n  ---\n  duration_ms: 0.123\n  ...\n", "not ok @ - total @\n  ---\n" + trace + "  ...\n", "1..9\n"}},
      {"node_spec", {"▶ basket\n", "  ✔ total @ (0.123ms)\n", "  ✖ total @ (0.123ms)\n" + trace, "▶ basket (9ms)\nℹ tests 9\n"}},
      {"ctest_text", {"", "      Start @: basket_@\n 1/9 Test #1: basket_@ ............................   Passed    0.01 sec\n", " 1/9 Test #1: basket_@ ............................***Failed    0.01 sec\n" + trace, "90% tests passed, 1 tests failed out of 9\n"}},
      {"catch2_xml", {"<Catch name=\"t\">\n", "<TestCase name=\"total @\" filename=\"a.cc\" line=\"5\">\n<OverallResult success=\"true\"/>\n</TestCase>\n", "<TestCase name=\"total @\"><Expression success=\"false\">" + xml_trace + "</Expression><OverallResult success=\"false\"/></TestCase>\n", "</Catch>\n"}},
      {"catch2_text", {"", catch2("PASSED"), catch2("FAILED"), double_rule + "test cases: 9 | 8 passed\n"}},
      {"doctest_text", {"", double_rule + "a.cc:12:\nTEST CASE:  total @\n\na.cc:13: SUCCESS: CHECK( total == 3 ) is correct!\n  values: CHECK( 3 == 3 )\n\n", double_rule + "a.cc:12:\nTEST CASE:  total @\n\na.cc:13: ERROR: CHECK( total == 3 ) is NOT correct!\n  values: CHECK( 4 == 3 )\n\n", double_rule + "[doctest] test cases: 9 |\n"}},
      {"trs", {"", ":file: tests/total_@.trs\n:test-result: PASS\n:global-test-result: PASS\n:recheck: no\n:copy-in-global-log: no\n", ":file: tests/total_@.trs\n:test-result: FAIL\n:global-test-result: FAIL\n:recheck: yes\n:copy-in-global-log: yes\n", ":end:\n"}},
      {"teamcity", {"##teamcity[testSuiteStarted name='basket']\n", "##teamcity[testStarted name='total @' flowId='1']\n##teamcity[testFinished name='total @' duration='0' flowId='1']\n", "##teamcity[testStarted name='total @' flowId='1']\n##teamcity[testFailed name='total @' message='expected 3 and got |'4|'' details='" + repeated("/work/repo/Basket.php:12|n", 20) + "']\n##teamcity[testFinished name='total @']\n", "##teamcity[testSuiteFinished name='basket']\n"}},
      {"phpunit_text", {"Basket\n", " ✔ Total with data set @\n", " ✘ Total with data set @\n   │\n" + trace, "Tests: 9, Assertions: 9.\n"}},
      {"unittest_text", {"", "test_total_@ (tests.test_basket.Basket.test_total_@) ... ok\n", "test_total_@ (tests.test_basket.Basket.test_total_@) ... FAIL\n" + trace, "Ran 9 tests in 0.1s\n"}},
      {"pytest_text", {"=== short test summary info ===\n", "PASSED tests/test_basket.py::TestBasket::test_total[@]\n", "FAILED tests/test_basket.py::TestBasket::test_total[@] - assert 4 == 3, which is not what was expected here\n", "=== 8 passed, 1 failed in 0.1s ===\n"}},
  };
}

std::string numbered(std::string_view piece, int number) {
  std::string out;
  for (const char c : piece) c == '@' ? out += std::to_string(number) : out += c;
  return out;
}

std::string report_of(const Form& form) {
  std::string out = form.head;
  for (int i = 1; out.size() < kBytes; ++i) out += numbered(i % kFailsEvery ? form.passed : form.failed, i);
  return out + form.tail;
}

// Of processor time: others may have the machine, too.
double seconds_of(const ReportParser& parser, std::string_view bytes, size_t& tests) {
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    const std::clock_t start = std::clock();
    tests = parser.parse(bytes).tests.size();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

// How many times as long sixteen times the bytes take, at the worst of pieces that lead parsers astray.
Figure hostile() {
  static const std::vector<std::string> kPieces = {"\r", "{", "[", "{\"", "{ \"type\":", "{\"Action\":\"run\"}", "<a>", "<testcase name='a'/>", "<!--", "&#1;", "<?xml", "\"", "\x1b[", "##teamcity[a=' ", "    ok 1\n", "# Subtest: a\n", "▶ a\n", " ... ", "[ RUN      ] ", std::string(79, '-') + "\n", "a (b) ... ok\n", "\xff"};
  double worst = 0;
  std::string where;
  for (const ReportParser& parser : assay::reports::all())
    for (const std::string& piece : kPieces) {
      std::string small, large;
      while (small.size() < 64 << 10) small += piece;
      while (large.size() < 16 * small.size()) large += small;
      size_t tests = 0;
      const double first = std::max(seconds_of(parser, small, tests), 1e-4), second = seconds_of(parser, large, tests);
      if (second / first <= worst) continue;
      worst = second / first;
      where = parser.name + " on \"" + (static_cast<unsigned char>(piece[0]) < ' ' || piece[0] == '\xff' ? "a control character" : piece.substr(0, 20)) + "\"";
    }
  return {"reports", "hostile bytes, 16 times as many", worst, "times as long", 40, false, "the worst of every parser on every piece: " + where};
}

Result<std::vector<Figure>> run() {
  const auto all_forms = forms();
  std::vector<Figure> figures;
  for (const ReportParser& parser : assay::reports::all()) {
    const auto form = all_forms.find(parser.name);
    if (form == all_forms.end()) return make_error(Boundary::kInternal, "there is no report to measure " + parser.name + " on", "bench reports");
    const std::string report = report_of(form->second);
    size_t tests = 0;
    const double seconds = seconds_of(parser, report, tests);
    if (tests < 1000) return make_error(Boundary::kInternal, parser.name + " read " + std::to_string(tests) + " tests only", "bench reports");
    figures.push_back({"reports", parser.name, static_cast<double>(report.size()) / seconds / 1e6, "MB/s", 100, true, std::to_string(tests) + " tests in 8 MiB, every tenth fails; one thread"});
  }
  figures.push_back(hostile());
  return figures;
}

}  // namespace

BenchArea make() { return {"reports", "test reports parsed", run}; }

}  // namespace assay::bench::reports
