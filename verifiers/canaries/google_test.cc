// Two tests at the end of a test file, so that they run in its program.
#include "verifiers/canary_names.h"

namespace assay::canaries::google_test {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const std::string file = file_beside(command);
  if (file.empty()) return input_error("there is no test file to go into", "canary google_test", "name one as \"beside\"");
  const CanaryNames names(rng);
  Canary out;
  out.passes = "." + names.passes.camel();
  out.fails = "." + names.fails.camel();
  const std::string suite = names.group.camel();
  out.appended[file] = "\nTEST(" + suite + ", " + out.passes.substr(1) + ") { EXPECT_EQ(1, 1); }\nTEST(" + suite + ", " + out.fails.substr(1) + ") { EXPECT_EQ(1, 2); }\n";
  out.command = command;
  return out;
}

}  // namespace

CanaryWriter make() { return {"google_test", "At the end of the test file beside; laid out before the build", write}; }

}  // namespace assay::canaries::google_test
