// A class in a file beside the tests.
#include "verifiers/canary_names.h"

namespace assay::canaries::phpunit {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = "test" + names.passes.camel();
  out.fails = "test" + names.fails.camel();
  const std::string group = names.group.camel() + "Test", path = folder_beside(command, "tests/") + group + ".php";
  out.files[path] = "<?php\n\nfinal class " + group + " extends \\PHPUnit\\Framework\\TestCase\n{\n    public function " + out.passes + "(): void\n    {\n        $this->assertSame(1, 1);\n    }\n\n    public function " +
                    out.fails + "(): void\n    {\n        $this->assertSame(1, 2);\n    }\n}\n";
  out.command = with_file(command, path);
  return out;
}

}  // namespace

CanaryWriter make() { return {"phpunit", "A class beside the tests; {tests} or a folder in the command", write}; }

}  // namespace assay::canaries::phpunit
