// Canaries of every framework, in the real runner where the machine has it, and what a hostile process can and cannot do to them.
#include "verifiers/canary.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/verifiers/report_samples.h"
#include "verifiers/test_verdict.h"

#include <sys/wait.h>

using namespace assay;
namespace fs = std::filesystem;

namespace {

using Files = std::map<std::string, std::string>;

// A small project with one test that passes and one that fails, and how its tests are run.
struct Project {
  std::string canary, probe;   // a shell command that succeeds where the runner is there
  Files files;
  std::string build;           // a shell command before the canary is laid out, or empty
  TestCommand command;
  bool builds_canary = false;  // the build comes after
};

TestCommand command(std::vector<std::string> argv, std::string format, std::string report, std::vector<std::string> files = {}, std::string beside = "") {
  TestCommand out;
  out.argv = std::move(argv);
  out.format = std::move(format);
  out.report = std::move(report);
  out.files = std::move(files);
  out.beside = std::move(beside);
  return out;
}

const std::string kPython = "def test_good():\n    assert 1 == 1\n\n\ndef test_bad():\n    assert 1 == 2\n";
const std::string kCase = "import unittest\n\n\nclass Sums(unittest.TestCase):\n    def test_good(self):\n        self.assertEqual(1, 1)\n\n    def test_bad(self):\n        self.assertEqual(1, 2)\n";
const TestCommand kPytest = command({"python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", "--junitxml={report}", "{tests}"}, "junit", "file", {"tests/test_a.py"});
const TestCommand kUnittest = command({"sh", "-c", "exec python3 -m unittest -v \"$@\" 2>&1", "unittest", "{tests}"}, "unittest_text", "output", {"tests/test_a.py"});

std::vector<Project> projects() {
  const std::string js = "test('good', () => {}); test('bad', () => { throw new Error('no'); });\n";
  const std::string cmake = "cmake_minimum_required(VERSION 3.20)\nproject(p CXX)\nenable_testing()\nadd_test(NAME good COMMAND true)\nadd_test(NAME bad COMMAND false)\n";
  const std::string go = "package shop\n\nimport \"testing\"\n\nfunc TestGood(t *testing.T) {}\nfunc TestBad(t *testing.T) { t.Fail() }\n";
  const std::string rust = "pub fn one() -> i32 { 1 }\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn good() {}\n    #[test]\n    fn bad() { panic!() }\n}\n";
  const std::string cargo = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
  const std::string php = "<?php\nfinal class ShopTest extends \\PHPUnit\\Framework\\TestCase\n{\n    public function testGood(): void { $this->assertSame(1, 1); }\n    public function testBad(): void { $this->assertSame(1, 2); }\n}\n";
  const std::string pom = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>org.example</groupId><artifactId>shop</artifactId><version>1</version>"
                          "<properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target></properties>"
                          "<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency></dependencies></project>\n";
  const std::string java = "package shop;\n\npublic class ShopTest {\n  @org.junit.Test public void good() {}\n  @org.junit.Test public void bad() { org.junit.Assert.fail(); }\n}\n";
  const std::string catch2 = "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\nTEST_CASE(\"good\") { CHECK(1 == 1); }\nTEST_CASE(\"bad\") { CHECK(1 == 2); }\n";
  const std::string doctest = "#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN\n#include <doctest/doctest.h>\nTEST_CASE(\"good\") { CHECK(1 == 1); }\nTEST_CASE(\"bad\") { CHECK(1 == 2); }\n";
  const std::string gtest = "#include <gtest/gtest.h>\nTEST(Shop, Good) {}\nTEST(Shop, Bad) { FAIL(); }\n";
  const auto output = [](std::vector<std::string> argv, const char* format) { return command(std::move(argv), format, "output"); };
  return {
      {"pytest", "python3 -m pytest --version", {{"tests/test_a.py", kPython}}, "", kPytest},
      {"unittest", "python3 --version", {{"tests/test_a.py", kCase}}, "", kUnittest},
      {"node_test", "node --test --test-reporter=tap /dev/null", {{"test/a.test.js", "const { test } = require('node:test');\n" + js}}, "",
       command({"node", "--test", "--test-reporter=tap", "--test-reporter-destination={report}", "{tests}"}, "tap", "file", {"test/a.test.js"})},
      {"node_test", "node --test --test-reporter=junit /dev/null", {{"package.json", "{\"type\":\"module\"}"}, {"test/a.test.js", "import { test } from 'node:test';\n" + js}}, "",
       command({"node", "--test", "--test-reporter=junit", "--test-reporter-destination={report}", "{tests}"}, "junit", "file", {"test/a.test.js"})},
      {"jest", "jest --version", {{"package.json", "{}"}, {"test/a.test.js", js}}, "", command({"jest", "--json", "--outputFile={report}", "--runTestsByPath", "{tests}"}, "jest_json", "file", {"test/a.test.js"})},
      {"mocha", "mocha --version", {{"test/a.js", "it('good', () => {}); it('bad', () => { throw new Error('no'); });\n"}}, "",
       command({"mocha", "--reporter", "json", "--reporter-option", "output={report}", "{tests}"}, "mocha_json", "file", {"test/a.js"})},
      {"vitest", "vitest --version", {{"test/a.test.js", "import { test } from 'vitest';\n" + js}}, "ln -s \"$NODE_PATH\" node_modules",
       command({"vitest", "run", "--reporter=junit", "--outputFile={report}", "{tests}"}, "junit", "file", {"test/a.test.js"})},
      {"tape", "tape --version", {{"test/a.js", "import('tape').then(({ default: test }) => test('t', (t) => { t.ok(true, 'good'); t.ok(false, 'bad'); t.end(); }));\n"}}, "ln -s \"$NODE_PATH\" node_modules",
       command({"tape", "{tests}"}, "tap", "output", {"test/a.js"})},
      {"tap", "tap --version", {{"test/a.js", "import('tap').then(({ default: { test } }) => test('t', (t) => { t.ok(true, 'good'); t.ok(false, 'bad'); t.end(); }));\n"}}, "ln -s \"$NODE_PATH\" node_modules",
       command({"tap", "-R", "tap", "--no-coverage", "{tests}"}, "tap", "output", {"test/a.js"})},
      {"ctest", "ctest --version", {{"CMakeLists.txt", cmake}}, "cmake -S . -B b", command({"ctest", "--test-dir", "b", "--output-junit", "{report}"}, "junit", "file")},
      {"catch2", "echo '#include <catch2/catch.hpp>' | c++ -E -x c++ - -o /dev/null", {{"a.cc", catch2}}, "c++ -O0 a.cc -o t", command({"./t", "-r", "xml", "-o", "{report}"}, "catch2_xml", "file", {}, "a.cc"), true},
      {"doctest", "echo '#include <doctest/doctest.h>' | c++ -E -x c++ - -o /dev/null", {{"a.cc", doctest}}, "c++ -O0 a.cc -o t", command({"./t", "-r=junit", "-o={report}"}, "junit", "file", {}, "a.cc"), true},
      {"google_test", "echo 'int main(){}' | c++ -x c++ - -lgtest -o /dev/null", {{"a.cc", gtest}}, "c++ -O0 a.cc -o t -lgtest -lgtest_main -lpthread",
       command({"./t", "--gtest_output=json:{report}"}, "google_test_json", "file", {}, "a.cc"), true},
      {"go", "go version", {{"go.mod", "module example.org/shop\n\ngo 1.18\n"}, {"shop_test.go", go}}, "", command({"go", "test", "-json", "{tests}"}, "go_json", "output", {"."}, "shop_test.go")},
      {"go", "go version", {{"go.mod", "module example.org/shop\n\ngo 1.18\n"}, {"shop_test.go", go}}, "", command({"go", "test", "-json", "{tests}"}, "go_json", "output", {"."})},
      {"cargo", "cargo --version", {{"Cargo.toml", cargo}, {"src/lib.rs", rust}}, "", command({"cargo", "test", "--offline", "--no-fail-fast"}, "cargo_text", "output", {}, "src/lib.rs")},
      {"cargo", "cargo --version", {{"Cargo.toml", cargo}, {"src/lib.rs", rust}}, "", output({"cargo", "test", "--offline", "--no-fail-fast"}, "cargo_text")},
      {"junit4", "mvn --version && test -d /usr/share/maven-repo/org/apache/maven/plugins/maven-surefire-plugin/2.22.3", {{"pom.xml", pom}, {"src/test/java/shop/ShopTest.java", java}}, "",
       command({"sh", "-c", "mvn -B -o -q -s /etc/maven/settings-debian.xml -Dmaven.repo.local=/usr/share/maven-repo test; status=$?; cat target/surefire-reports/TEST-*.xml > \"$0\"; exit $status", "{report}"},
               "junit", "file", {}, "src/test/java/shop/ShopTest.java")},
      {"meson", "meson --version && ninja --version", {{"meson.build", "project('shop')\ntest('good', find_program('true'))\ntest('bad', find_program('false'))\n"}}, "meson setup b",
       command({"sh", "-c", "meson test -C \"$0\"; status=$?; cp \"$0/meson-logs/testlog.junit.xml\" \"$1\"; exit $status", "b", "{report}"}, "junit", "file")},
      {"make_goal", "make --version", {{"Makefile", "good:\n\ttrue\nbad:\n\tfalse\n"}}, "",
       command({"sh", "-c", "status=0; for goal; do if make $goal; then said=PASS; else said=FAIL; status=1; fi; printf ':file: %s\n:global-test-result: %s\n' $goal $said >> \"$0\"; done; echo :end: >> \"$0\"; exit $status",
                "{report}", "good", "bad"}, "trs", "file")},
      {"automake", "autoreconf --version && automake --version",
       {{"configure.ac", "AC_INIT([shop], [1])\nAM_INIT_AUTOMAKE([foreign])\nAC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n"}, {"Makefile.am", "TESTS = good.sh bad.sh\nTEST_EXTENSIONS = .sh\nSH_LOG_COMPILER = sh\n"}, {"good.sh", "exit 0\n"}, {"bad.sh", "exit 1\n"}},
       "autoreconf --install && ./configure",
       command({"sh", "-c", "cd \"$1\"; make -k check; status=$?; for file in *.trs; do echo \":file: $file\"; cat $file; done > \"$0\"; echo :end: >> \"$0\"; exit $status", "{report}", "."}, "trs", "file")},
      {"phpunit", "phpunit --version", {{"tests/ShopTest.php", php}}, "", command({"phpunit", "--log-junit", "{report}", "tests"}, "junit", "file")},
  };
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "assay_canary_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }
  void write(const Files& files, std::ios::openmode mode = std::ios::trunc) const {
    for (const auto& [name, bytes] : files) {
      fs::create_directories((path_ / "tree" / name).parent_path());
      std::ofstream(path_ / "tree" / name, std::ios::binary | mode) << bytes;
    }
  }
  // The shell's exit status.
  int shell(const std::string& line) const {
    return WEXITSTATUS(std::system(("cd '" + (path_ / "tree").string() + "' && { " + line + "; } >>../out 2>>../err").c_str()));
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  fs::path path_;
};

std::string quoted(const std::vector<std::string>& argv) {
  std::string line;
  for (std::string each : argv) {
    for (size_t at = 0; (at = each.find('\'', at)) != std::string::npos; at += 4) each.replace(at, 1, "'\\''");
    line += "'" + each + "' ";
  }
  return line;
}

bool there(const std::string& probe) { return std::system(("{ " + probe + "; } >/dev/null 2>&1 </dev/null").c_str()) == 0; }

// Lays a project and its canary out, with what an adversary adds, and runs it.
TestRun run(Project project, const Files& added = {}, uint64_t seed = 1) {
  project.command.canary = project.canary;
  const auto canary = make_canary(project.command, seed);
  if (!canary.ok()) FAIL(canary.error().text());
  const Folder folder;
  folder.write(project.files);
  folder.write(added);
  if (!project.build.empty() && !project.builds_canary) REQUIRE(folder.shell(project.build) == 0);
  folder.write(canary->files);
  folder.write(canary->appended, std::ios::app);
  if (project.builds_canary) REQUIRE(folder.shell(project.build) == 0);
  fs::remove(folder.path() / "out");
  const std::string report = (folder.path() / "report").string();
  RunResult result;
  result.exit_code = folder.shell("PYTHONDONTWRITEBYTECODE=1 " + quoted(expand(canary->command, {report, seed})));
  const auto parser = find_report_parser(project.command.format);
  REQUIRE(parser.ok());
  const std::string bytes = folder.read(project.command.report == "file" ? "report" : "out");
  INFO(bytes << "\n" << folder.read("err"));
  UNSCOPED_INFO(bytes << "\n" << folder.read("err"));
  return TestRun::of(result, (*parser)->parse(bytes), canary->passes, canary->fails);
}

std::set<std::string> failed_checks(const TestRun& run) {
  std::set<std::string> names;
  for (const Check& check : believe({&run, 1}))
    if (!check.passed) names.insert(check.name + ": " + check.evidence);
  return names;
}

}  // namespace

TEST_CASE("every framework's canary is a pure function of its seed, with other names for every seed") {
  std::set<std::string> covered;
  for (Project project : projects()) {
    project.command.canary = project.canary;
    INFO(project.canary);
    std::set<std::string> names;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const auto canary = make_canary(project.command, seed), again = make_canary(project.command, seed);
      REQUIRE(canary.ok());
      CHECK(canary->passes == again->passes);
      CHECK(canary->files == again->files);
      CHECK(canary->passes != canary->fails);
      CHECK(!canary->passes.ends_with(canary->fails));
      CHECK(!canary->fails.ends_with(canary->passes));
      CHECK(canary->files.size() + canary->appended.size() >= 1);
      for (const auto& [path, bytes] : canary->files) CHECK(project.files.count(path) == 0);
      names.insert({canary->passes, canary->fails});
    }
    CHECK(names.size() == 100);
    covered.insert(project.canary);
  }
  // junit5 is junit4 with other names.
  for (const CanaryWriter& writer : canaries::all())
    CHECK((covered.count(writer.name) == 1 || writer.name == "junit5"));
}

TEST_CASE("canaries run along with the tests in the real runner") {
  std::string skipped;
  for (const Project& project : projects()) {
    if (!there(project.probe)) {
      skipped += " " + project.canary;
      continue;
    }
    const TestRun run = ::run(project);
    INFO(project.canary << "\n" << report_text(run.report));
    CHECK(failed_checks(run).empty());
    const auto results = all_results({&run, 1});
    REQUIRE(results.size() == 2);
    CHECK(results[0].outcome >= TestOutcome::kFailed);   // bad is sorted first
    CHECK(results[1].outcome == TestOutcome::kPassed);
  }
  if (!skipped.empty()) WARN("skipped: canaries of what is not on this machine:" << skipped);
}

TEST_CASE("what a process does to its own test runner") {
  struct Trick {
    const char* name;
    Files pytest, unittest;
    bool survives;   // beyond what canaries can tell
  };
  const std::vector<Trick> tricks = {
      {"every result is turned into a pass",
       {{"conftest.py", "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    out = yield\n    report = out.get_result()\n    report.outcome = 'passed'\n"}},
       {{"tests/__init__.py", "import unittest\n\n\nclass Kind(unittest.TextTestResult):\n    def addFailure(self, test, why):\n        self.addSuccess(test)\n\n\nunittest.TextTestRunner.resultclass = Kind\n"}},
       false},
      {"the run ends early with status 0", {{"conftest.py", "import os\nos._exit(0)\n"}}, {{"tests/__init__.py", "import os\nos._exit(0)\n"}}, false},
      {"the status is 0 whatever failed",
       {{"conftest.py", "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n    session.testsfailed = 0\n    import atexit, os\n    atexit.register(os._exit, 0)\n"}},
       {{"tests/__init__.py", "import atexit, os\natexit.register(os._exit, 0)\n"}},
       false},
      {"tests other than one's own are left out",
       {{"conftest.py", "def pytest_collection_modifyitems(items):\n    items[:] = [item for item in items if 'test_a.py' in item.nodeid and item.name == 'test_good']\n"}},
       {{"tests/__init__.py", "import unittest\nrun = unittest.TestSuite.run\n\n\ndef less(self, result, debug=False):\n    self._tests = [t for t in self._tests if not getattr(t, '_testMethodName', 'test_good') != 'test_good']\n    return run(self, result, debug)\n\n\nunittest.TestSuite.run = less\n"}},
       false},
      {"a report is written in place of the runner's",
       {{"conftest.py", "import atexit, sys\n\nplace = [a.split('=', 1)[1] for a in sys.argv if a.startswith('--junitxml=')][0]\n\n\ndef forge():\n    open(place, 'w').write('<testsuites><testsuite name=\"pytest\" tests=\"2\"><testcase classname=\"tests.test_a\" "
         "name=\"test_good\" file=\"tests/test_a.py\"/><testcase classname=\"tests.test_a\" name=\"test_bad\" file=\"tests/test_a.py\"/></testsuite></testsuites>')\n\n\natexit.register(forge)\n"}},
       {{"tests/__init__.py", "import atexit, os\n\n\ndef forge():\n    os.write(2, b'test_good (tests.test_a.Sums.test_good) ... ok\\ntest_bad (tests.test_a.Sums.test_bad) ... ok\\n\\nRan 2 tests in 0.1s\\n\\nOK\\n')\n    os._exit(0)\n\n\nforge()\n"}},
       false},
      {"chosen results are forged: those of tests whose names were in the tree before",
       {{"conftest.py", "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    out = yield\n    if item.name in ('test_good', 'test_bad'):\n        out.get_result().outcome = 'passed'\n"}},
       {{"tests/__init__.py", "import unittest\n\n\nclass Kind(unittest.TextTestResult):\n    def addFailure(self, test, why):\n        super().addFailure(test, why) if test._testMethodName not in ('test_good', 'test_bad') else self.addSuccess(test)\n\n\nunittest.TextTestRunner.resultclass = Kind\n"}},
       true},
      {"chosen results are forged: those of tests that do not look like a canary's source",
       {{"conftest.py", "import inspect, pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    out = yield\n    if 'sorted([2, 1])' not in inspect.getsource(item.function):\n        out.get_result().outcome = 'passed'\n"}},
       {{"tests/__init__.py", "import inspect, unittest\n\n\nclass Kind(unittest.TextTestResult):\n    def addFailure(self, test, why):\n        super().addFailure(test, why) if 'sorted([2, 1])' in inspect.getsource(type(test)) else self.addSuccess(test)\n\n\nunittest.TextTestRunner.resultclass = Kind\n"}},
       true},
  };
  const Project pytest{"pytest", "python3 -m pytest --version", {{"tests/test_a.py", kPython}}, "", kPytest};
  const Project unittest{"unittest", "python3 --version", {{"tests/test_a.py", kCase}}, "", kUnittest};
  if (!there(pytest.probe)) WARN("without pytest on this machine: tried on unittest alone");
  TestPlan plan;
  plan.commands.resize(1);
  for (const Trick& trick : tricks)
    for (const auto& [project, added, bad] : {std::tuple{&pytest, &trick.pytest, "tests/test_a.py::test_bad"}, std::tuple{&unittest, &trick.unittest, "tests.test_a.Sums.test_bad"}}) {
      if (!there(project->probe)) continue;
      const TestRun run = ::run(*project, *added);
      plan.fail_to_pass = {bad};
      const Verdict verdict = judge_tests(plan, {&run, 1});
      INFO(trick.name << ", " << project->canary << ": " << canonical_json(to_json(verdict)) << "\n" << report_text(run.report));
      CHECK(verdict.passed == trick.survives);
    }
}
