// A file beside the tests, with the globals that jest gives its test files.
#include "verifiers/canary_names.h"

namespace assay::canaries::jest {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.spaced();
  out.fails = names.fails.spaced();
  const std::string path = folder_beside(command, "test/") + names.file.snake() + extension_beside(command, ".test.js");
  out.files[path] = "test('" + out.passes + "', () => {});\ntest('" + out.fails + "', () => { throw new Error('1 is not 2'); });\n";
  out.command = with_file(command, path);
  return out;
}

}  // namespace

CanaryWriter make() { return {"jest", "A file beside the tests; {tests} or a folder in the command", write}; }

}  // namespace assay::canaries::jest
