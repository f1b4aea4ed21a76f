#include "sandbox/launcher/landlock.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/protocol.h"

namespace assay::launcher {
namespace {

// The kernel's interface (include/uapi/linux/landlock.h), newer than Debian 12's header.
struct RulesetAttributes {
  uint64_t files, network, scoped;
};
struct [[gnu::packed]] PathRule {
  uint64_t allowed;
  int32_t parent;
};
constexpr uint64_t kExecute = 1, kWriteFile = 2, kReadFile = 4, kReadDirectory = 8, kTruncate = uint64_t{1} << 14, kDeviceIoctl = uint64_t{1} << 15;
constexpr uint64_t kAbstractSockets = 1, kSignals = 2;

uint64_t known_rights(int version) {
  const int bits = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;
  return (uint64_t{1} << bits) - 1;
}

Status allow(int ruleset, const std::string& path, uint64_t rights) {
  const Fd directory(open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!directory) return {};
  const PathRule rule{rights, directory.get()};
  if (syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0) != 0) return system_error("landlock_add_rule", path);
  return {};
}

}  // namespace

int landlock_version() {
  const long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
  return version > 0 ? static_cast<int>(version) : 0;
}

Status restrict_by_landlock(const std::vector<std::string>& readable, const std::vector<std::string>& writable) {
  const int version = landlock_version();
  const uint64_t all = known_rights(version);
  const RulesetAttributes attributes{all, 0, version >= 6 ? kAbstractSockets | kSignals : 0};
  const size_t size = version >= 6 ? sizeof attributes : version >= 4 ? 16 : 8;
  const Fd ruleset(static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) return system_error("landlock_create_ruleset");
  const uint64_t read = kExecute | kReadFile | kReadDirectory;
  for (const std::string& path : readable) ASSAY_TRY(allow(ruleset.get(), path, read));
  for (const std::string& path : writable) ASSAY_TRY(allow(ruleset.get(), path, all));
  // Names may be listed everywhere; a rule for the root alone there is not.
  ASSAY_TRY(allow(ruleset.get(), "/", kReadDirectory));
  // Devices and /proc/self are opened for writing, but nothing is ever made there.
  for (const char* path : {"/dev", "/proc"}) ASSAY_TRY(allow(ruleset.get(), path, (read | kWriteFile | kTruncate | kDeviceIoctl) & all));
  if (syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return system_error("landlock_restrict_self");
  return {};
}

}  // namespace assay::launcher
