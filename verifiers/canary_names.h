// What canaries are called, where they go, and how frameworks that are alike get theirs (verifiers/canary.h).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "verifiers/canary.h"

namespace assay {

// Three ordinary words and a number: 48³ · 9,000 of them.
class CanaryWords {
 public:
  explicit CanaryWords(Rng& rng);
  std::string snake() const;    // "parse_empty_line_4821"
  std::string camel() const;    // "ParseEmptyLine4821"
  std::string spaced() const;   // "parse empty line 4821"

 private:
  std::array<std::string, 4> words_;
};

struct CanaryNames {
  explicit CanaryNames(Rng& rng);
  CanaryWords file, group, passes, fails;   // passes and fails differ
};

// The test file of the plan's that a canary goes into or beside; empty where the command names none.
std::string file_beside(const TestCommand& command);
// Its folder, with a slash at the end, or `fallback`; "" is kTestDirectory itself. A folder given is itself.
std::string folder_beside(const TestCommand& command, std::string_view fallback);
// What follows the first point of its name, ".test.ts", or `fallback`.
std::string extension_beside(const TestCommand& command, std::string_view fallback);

// The command that runs one more file: added to its files where {tests} stands in it; else it runs whatever lies there.
TestCommand with_file(TestCommand command, const std::string& file);

// Writers for frameworks that are alike (CanaryWriter::write).
using WriteCanary = decltype(CanaryWriter::write);
// A JavaScript file beside the tests: `opening`, then two calls of `function`.
WriteCanary javascript_canary(std::string opening, std::string function, std::string extension);
// A JavaScript file beside the tests for a module whose reports are of assertions: these have the names.
WriteCanary assertion_canary(std::string module);
// Two TEST_CASEs at the end of the test file beside, so that they run in its program.
WriteCanary test_case_canary(std::string framework);
// A class in no package, in src/test/java of the module of the file beside: full names of an annotation and of a class of assertions.
WriteCanary java_canary(std::string annotation, std::string assertions);

}  // namespace assay
