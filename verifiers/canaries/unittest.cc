// A case in a module beside the tests.
#include "verifiers/canary_names.h"

namespace assay::canaries::unittest {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = "test_" + names.passes.snake();
  out.fails = "test_" + names.fails.snake();
  const std::string path = folder_beside(command, "tests/") + "test_" + names.file.snake() + ".py";
  out.files[path] = "import unittest\n\n\nclass " + names.group.camel() + "(unittest.TestCase):\n    def " + out.passes +
                    "(self):\n        self.assertEqual(sorted([2, 1]), [1, 2])\n\n    def " + out.fails + "(self):\n        self.assertEqual(sorted([2, 1]), [2, 1])\n";
  out.command = with_file(command, path);
  return out;
}

}  // namespace

CanaryWriter make() { return {"unittest", "A module beside the tests; {tests} or discovery in the command", write}; }

}  // namespace assay::canaries::unittest
