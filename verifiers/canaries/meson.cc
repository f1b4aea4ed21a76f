// Two tests at the end of the project's own meson.build, which Meson reads again before it runs any. They are processes of their own, as
// ctest's are.
#include "verifiers/canary_names.h"

namespace assay::canaries::meson {
namespace {

Result<Canary> write(const TestCommand& command, Rng rng) {
  const CanaryNames names(rng);
  Canary out;
  out.passes = names.passes.snake();
  out.fails = names.fails.snake();
  out.appended["meson.build"] = "\ntest('" + out.passes + "', find_program('true'))\ntest('" + out.fails + "', find_program('false'))\n";
  out.command = command;
  return out;
}

}  // namespace

CanaryWriter make() { return {"meson", "In the project's meson.build; the command must not be told --no-rebuild", write}; }

}  // namespace assay::canaries::meson
