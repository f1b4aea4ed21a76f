// Two tests at the end of the build directory's list, as CTest reads it. They are processes of their own, so they notice what is done to
// ctest and its lists, but not what is done inside of a test program: for that there are catch2, doctest and google_test.
#include <algorithm>

#include "verifiers/canary_names.h"

namespace assay::canaries::ctest {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const auto flag = std::find(command.argv.begin(), command.argv.end(), "--test-dir");
  if (flag == command.argv.end() || flag + 1 == command.argv.end())
    return input_error("a ctest command names its build directory", "canary ctest", "--test-dir DIR");
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.snake();
  out.fails = names.fails.snake();
  out.appended[*(flag + 1) + "/CTestTestfile.cmake"] = "\nadd_test(" + out.passes + " \"/usr/bin/true\")\nadd_test(" + out.fails + " \"/usr/bin/false\")\n";
  out.command = command;
  return out;
}

}  // namespace

CanaryWriter make() { return {"ctest", "In the list of the build directory (--test-dir); laid out after the build", write}; }

}  // namespace assay::canaries::ctest
