// Two test cases at the end of a test file, so that they run in its program.
#include "verifiers/canary_names.h"

namespace assay::canaries::doctest {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const std::string file = file_beside(command);
  if (file.empty()) return input_error("there is no test file to go into", "canary doctest", "name one as \"beside\"");
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.spaced();
  out.fails = names.fails.spaced();
  out.appended[file] = "\nTEST_CASE(\"" + out.passes + "\") { CHECK(1 == 1); }\nTEST_CASE(\"" + out.fails + "\") { CHECK(1 == 2); }\n";
  out.command = command;
  return out;
}

}  // namespace

CanaryWriter make() { return {"doctest", "At the end of the test file beside; laid out before the build", write}; }

}  // namespace assay::canaries::doctest
