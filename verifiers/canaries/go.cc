// Two functions at the end of a test file, so that they run in the test program of its package; with no file to go into, a package of
// their own.
#include "verifiers/canary_names.h"

namespace assay::canaries::go {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = "::Test" + names.passes.camel();
  out.fails = "::Test" + names.fails.camel();
  const std::string tests = "\nfunc " + out.passes.substr(2) + "(t *testing.T) {}\n\nfunc " + out.fails.substr(2) + "(t *testing.T) { t.Fatal(\"1 is not 2\") }\n";
  out.command = command;
  if (command.beside.ends_with("_test.go")) {
    out.appended[command.beside] = tests;
    return out;
  }
  std::string package = names.file.snake();
  out.files[package + "/" + package + "_test.go"] = "package " + package + "\n\nimport \"testing\"\n" + tests;
  out.command = with_file(command, "./" + package);
  return out;
}

}  // namespace

CanaryWriter make() { return {"go", "At the end of the test file beside, which imports \"testing\"; else a package of their own", write}; }

}  // namespace assay::canaries::go
