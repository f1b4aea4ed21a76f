// How a patch is judged: what is built, which tests are run and how, and which of them decide (Task.tests). Pure data.
//
//   {"build":[…],"commands":[{"argv":[…],"environment":{},"format":"junit","report":"file","files":[…],"beside":"","shuffles":true,
//    "canary":"pytest"}],"tests":PATCH,"fail_to_pass":[…],"pass_to_pass":[…],"ignored":[…],"layers":[…],"limits":{"wall_ms":…}}
#pragma once

#include <map>
#include <string>
#include <vector>

#include "envs/base/json.h"
#include "envs/executor.h"

namespace assay {

inline constexpr const char* kTestDirectory = "/work/repo";   // where the tree lies and commands run

// One call of a test runner. It must run every test whatever fails, and exit with 0 exactly if nothing failed.
struct TestCommand {
  std::vector<std::string> argv;                    // with the places named at expand()
  std::map<std::string, std::string> environment;   // beside the pins (TZ, LC_ALL, PYTHONHASHSEED, SOURCE_DATE_EPOCH …)
  std::string format;                               // a ReportParser's name
  std::string report = "file";                      // "file": at {report}, a place that the tree does not hold; "output": its standard output
  std::vector<std::string> files;                   // what is run, from kTestDirectory; {tests} stands for them
  std::string beside;                               // the test file that canaries go into or beside; empty: the first of `files`
  bool shuffles = false;                            // the order of tests follows {seed}
  std::string canary;                               // a CanaryWriter's name (verifiers/canary.h)
};

struct TestPlan {
  std::vector<std::string> build;                   // argv: what must be done in the tree before tests run (compiling), offline; may be empty
  std::vector<TestCommand> commands;                // at least one
  std::string tests;                                // the test patch (git format), applied over whatever an agent left; its files are restored first
  std::vector<std::string> fail_to_pass;            // ids: must pass now; disjoint from the next two, as they are from each other
  std::vector<std::string> pass_to_pass;            // must still pass
  std::vector<std::string> ignored;                 // flaky: why stands in the certificate
  std::vector<std::string> layers;                  // of the workspace, lowest first; the tree lies at kTestDirectory
  RunLimits limits;                                 // of each command, and of the build
};

struct TestPlaces {
  std::string report;   // an absolute path
  uint64_t seed = 0;
};
// argv with its places filled: an argument "{tests}" becomes one argument a file, "{report}" and "{seed}" are replaced wherever
// they stand in an argument.
std::vector<std::string> expand(const TestCommand& command, const TestPlaces& places);

// Canonical: plan_from_json(to_json(p)) equals p.
Json to_json(const TestPlan& plan);
// Strict: unknown members, formats and canaries, an id in two lists or twice in one, an argv without {report} where the report is a
// file, and limits that are not positive are errors with their JSON path.
Result<TestPlan> test_plan_from_json(const Json& json, const std::string& where);

Json to_json(const TestCommand& command);
Result<TestCommand> test_command_from_json(const Json& json, const std::string& where, const std::string& path = "$");

}  // namespace assay
