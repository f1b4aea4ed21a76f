#include "verifiers/test_plan.h"

#include <catch2/catch.hpp>

using namespace assay;

namespace {

TestPlan plan() {
  TestPlan out;
  out.build = {"make", "-j2"};
  TestCommand command;
  command.argv = {"pytest", "--junitxml={report}", "-p", "seed={seed}", "{tests}", "-q"};
  command.environment = {{"PYTHONPATH", "src"}};
  command.format = "junit";
  command.files = {"tests/test_a.py", "tests/test b.py"};
  command.shuffles = true;
  command.canary = "pytest";
  out.commands = {command};
  out.tests = "diff --git a/x b/x\n";
  out.fail_to_pass = {"tests/test_a.py::test_new"};
  out.pass_to_pass = {"tests/test_a.py::test_old", "tests/test_a.py::test_older"};
  out.ignored = {"tests/test_a.py::test_flaky"};
  out.layers = {"abc", "def"};
  out.limits.wall_ms = 1234;
  return out;
}

std::string problem(const std::string& pointer, const Json& value) {
  Json json = to_json(plan());
  json[Json::json_pointer(pointer)] = value;
  const auto read = test_plan_from_json(json, "plan.json");
  return read.ok() ? "" : read.error().text();
}

}  // namespace

TEST_CASE("a test plan goes through JSON and back unchanged") {
  const Json json = to_json(plan());
  const auto read = test_plan_from_json(json, "plan.json");
  REQUIRE(read.ok());
  CHECK(canonical_json(to_json(*read)) == canonical_json(json));
  CHECK(read->limits.wall_ms == 1234);
  CHECK(read->commands[0].environment.at("PYTHONPATH") == "src");
}

TEST_CASE("a test plan that cannot be meant is refused with its place") {
  CHECK(problem("/comands", 1).find("unknown member") != std::string::npos);
  CHECK(problem("/commands", Json::array()).find("$.commands: nothing is run") != std::string::npos);
  CHECK(problem("/commands/0/format", "junitt").find("$.commands[0].format: unknown report format") != std::string::npos);
  CHECK(problem("/commands/0/canary", "pytes").find("$.commands[0].canary: unknown canary") != std::string::npos);
  CHECK(problem("/commands/0/report", "stdout").find("$.commands[0].report") != std::string::npos);
  CHECK(problem("/commands/0/argv", {"pytest", "{seed}"}).find("{report} does not occur") != std::string::npos);
  CHECK(problem("/commands/0/argv", {"pytest", "{report}"}).find("{seed} does not occur") != std::string::npos);
  CHECK(problem("/commands/0/argv", Json::array()).find("a command has a program") != std::string::npos);
  CHECK(problem("/commands/0/environment", {{"A=B", "c"}}).find("$.commands[0].environment") != std::string::npos);
  CHECK(problem("/pass_to_pass/0", "tests/test_a.py::test_new").find("occurs twice") != std::string::npos);
  CHECK(problem("/ignored/0", "").find("$.ignored: an id is empty") != std::string::npos);
  CHECK(problem("/limits/wall_ms", 0).find("$.limits.wall_ms") != std::string::npos);
  CHECK(problem("/tests", nullptr).find("$.tests") != std::string::npos);
}

TEST_CASE("the places of a command are filled") {
  const TestCommand command = plan().commands[0];
  CHECK(expand(command, {"/report/x.xml", 7}) ==
        std::vector<std::string>{"pytest", "--junitxml=/report/x.xml", "-p", "seed=7", "tests/test_a.py", "tests/test b.py", "-q"});
}
