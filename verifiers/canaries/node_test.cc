// At the end of one of the test files, since node:test runs each in a process of its own: what a test file loads can change only the
// tests of this file. A file of its own where only a folder is named. import() is there in both kinds of module.
#include "verifiers/canary_names.h"

namespace assay::canaries::node_test {
namespace {

std::vector<std::string> script_files(const TestCommand& command) {
  std::vector<std::string> out;
  for (const std::string& file : command.files)
    for (const char* ending : {".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"})
      if (file.ends_with(ending)) out.push_back(file);
  return out;
}

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.spaced();
  out.fails = names.fails.spaced();
  const std::string tests = "\nPromise.all([import('node:test'), import('node:assert')]).then(([{ test }, { default: assert }]) => {\n  test('" + out.passes +
                            "', () => assert.strictEqual([2, 1].sort()[0], 1));\n  test('" + out.fails + "', () => assert.strictEqual([2, 1].sort()[0], 2));\n});\n";
  if (const std::vector<std::string> files = script_files(command); !files.empty()) {
    out.appended[rng.pick(files)] = tests;
    out.command = command;
    return out;
  }
  const std::string path = folder_beside(command, "test/") + names.file.snake() + extension_beside(command, ".test.js");
  out.files[path] = tests;
  out.command = with_file(command, path);
  return out;
}

}  // namespace

CanaryWriter make() { return {"node_test", "A file beside the tests; {tests} or a folder in the command", write}; }

}  // namespace assay::canaries::node_test
