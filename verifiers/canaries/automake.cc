// Two tests at the end of a configured Makefile, run by the harness's own driver, be it of programs or of TAP. They are processes of their
// own, as ctest's are.
#include "verifiers/canary_names.h"

namespace assay::canaries::automake {
namespace {

// The rule by which the harness runs a program as a test: its result goes to NAME.trs (Automake manual, "Command-line arguments for test drivers").
std::string rule(const std::string& name, const std::string& says) {
  return name + ".log:\n\t-@$(or $(LOG_DRIVER),$($(firstword $(filter %_LOG_DRIVER,$(.VARIABLES))))) --test-name " + name + " --log-file " + name + ".log --trs-file " + name + ".trs --color-tests no --enable-hard-errors yes --expect-failure no -- sh -c 'echo 1..1; " + says + "'\n";
}

Result<Canary> write(const TestCommand& command, Rng rng) {
  if (command.argv.size() < 2) return input_error("the command ends with the folder of a Makefile", "canary automake");
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.snake();
  out.fails = names.fails.snake();
  out.appended[command.argv.back() + "/Makefile"] = "\nTEST_LOGS += " + out.passes + ".log " + out.fails + ".log\n" + rule(out.passes, "echo ok 1") + rule(out.fails, "echo not ok 1; exit 1");
  out.command = command;
  return out;
}

}  // namespace

CanaryWriter make() { return {"automake", "In a Makefile that Automake wrote, in the folder that is the command's last word; laid out after the build", write}; }

}  // namespace assay::canaries::automake
