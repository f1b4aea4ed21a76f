// A module at the end of a Rust file, of tests or of source with tests in it; with no file to go into, a test program of their own.
#include "verifiers/canary_names.h"

namespace assay::canaries::cargo {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.snake();
  out.fails = names.fails.snake();
  out.command = command;
  const std::string tests = "#[test]\nfn " + out.passes + "() {}\n\n#[test]\nfn " + out.fails + "() {\n    panic!(\"1 is not 2\");\n}\n";
  if (command.beside.ends_with(".rs")) out.appended[command.beside] = "\n#[cfg(test)]\nmod " + names.group.snake() + " {\n" + tests + "}\n";
  else out.files[folder_beside(command, "tests/") + names.file.snake() + ".rs"] = tests;
  return out;
}

}  // namespace

CanaryWriter make() { return {"cargo", "At the end of the file beside; else a program in tests/, which the command must run (--no-fail-fast)", write}; }

}  // namespace assay::canaries::cargo
