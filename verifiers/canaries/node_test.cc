// A file of its own, as node:test runs each in a process of its own. import() is there in both kinds of module.
#include "verifiers/canary_names.h"

namespace assay::canaries::node_test {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.spaced();
  out.fails = names.fails.spaced();
  const std::string path = folder_beside(command, "test/") + names.file.snake() + extension_beside(command, ".test.js");
  out.files[path] = "import('node:test').then(({ test }) => {\n  test('" + out.passes + "', () => {});\n  test('" + out.fails + "', () => { throw new Error('1 is not 2'); });\n});\n";
  out.command = with_file(command, path);
  return out;
}

}  // namespace

CanaryWriter make() { return {"node_test", "A file beside the tests; {tests} or a folder in the command", write}; }

}  // namespace assay::canaries::node_test
