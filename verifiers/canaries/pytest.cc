// Two functions in a module beside the tests, so that the same conftest.py and plugins see them.
#include "verifiers/canary_names.h"

namespace assay::canaries::pytest {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = "test_" + names.passes.snake();
  out.fails = "test_" + names.fails.snake();
  const std::string path = folder_beside(command, "tests/") + "test_" + names.file.snake() + ".py";
  out.files[path] = "def " + out.passes + "():\n    assert sorted([2, 1]) == [1, 2]\n\n\ndef " + out.fails + "():\n    assert sorted([2, 1]) == [2, 1]\n";
  out.command = with_file(command, path);
  return out;
}

}  // namespace

CanaryWriter make() { return {"pytest", "A module beside the tests; {tests} or a folder in the command", write}; }

}  // namespace assay::canaries::pytest
