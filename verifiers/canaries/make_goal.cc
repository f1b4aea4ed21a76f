// Two goals at the end of the project's own Makefile: they notice a shell that is none, errors that are ignored and goals that are not made.
#include "verifiers/canary_names.h"

namespace assay::canaries::make_goal {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.snake();
  out.fails = names.fails.snake();
  out.appended["Makefile"] = "\n.PHONY: " + out.passes + " " + out.fails + "\n" + out.passes + ":\n\t@true\n" + out.fails + ":\n\t@false\n";
  out.command = command;
  out.command.argv.insert(out.command.argv.end(), {out.passes, out.fails});
  return out;
}

}  // namespace

CanaryWriter make() { return {"make_goal", "In the project's own Makefile; the command takes goals as its last words", write}; }

}  // namespace assay::canaries::make_goal
