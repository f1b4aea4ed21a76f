// A file beside the tests. What tape reports are assertions, so these have the names.
#include "verifiers/canary_names.h"

namespace assay::canaries::tape {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.spaced();
  out.fails = names.fails.spaced();
  const std::string path = folder_beside(command, "test/") + names.file.snake() + extension_beside(command, ".js");
  out.files[path] = "import('tape').then(({ default: test }) => {\n  test('" + names.group.spaced() + "', (t) => {\n    t.ok(true, '" + out.passes + "');\n    t.ok(false, '" + out.fails + "');\n    t.end();\n  });\n});\n";
  out.command = with_file(command, path);
  return out;
}

}  // namespace

CanaryWriter make() { return {"tape", "A file beside the tests; {tests} in the command", write}; }

}  // namespace assay::canaries::tape
