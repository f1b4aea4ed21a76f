// No isolation at all: the program runs as it is, with limits only. For trusted programs and machines that are thrown away.
#include "sandbox/plain_executor.h"

namespace assay::backends::none {
namespace {

Result<std::unique_ptr<Executor>> create(const ExecutorOptions& options) {
  ASSAY_ASSIGN(const auto launcher, LauncherClient::start(options));
  PlainOptions plain;
  plain.backend = "none";
  plain.walls = plain_walls(launcher->hello());
  plain.missing = plain.walls.missing();
  plain.wrap = [](const RunRequest& request, const std::string& root, LaunchPlan& plan) -> Status {
    plan.directory = root + request.directory;
    for (std::string& each : plan.environment) {
      if (each == "HOME=/home/user") each = "HOME=" + root + "/home/user";
      if (each == "TMPDIR=/tmp") each = "TMPDIR=" + root + "/tmp";
    }
    return {};
  };
  return make_plain_executor(options, std::move(plain));
}

BackendCheck check(const ExecutorOptions& options) {
  BackendCheck out;
  const auto launcher = LauncherClient::start(options);
  if (!launcher.ok()) out.problem = launcher.error();
  else out.missing_walls = plain_walls((*launcher)->hello()).missing();
  out.detail = "UNSAFE: what runs can do whatever you can";
  return out;
}

}  // namespace

Backend make() { return {"none", "no isolation: unsafe, for programs you trust", 100, create, check}; }

}  // namespace assay::backends::none
