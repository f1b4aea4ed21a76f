// bubblewrap: namespaces without root, where the kernel lets users make them. Started as root, it first becomes nobody, because
// as root bubblewrap would keep capabilities and map the host's root. Seccomp and Landlock are ours, put up inside.
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/launcher/run_spec.h"
#include "sandbox/plain_executor.h"

namespace assay::backends::bwrap {
namespace {

constexpr const char* kProgram = "/usr/bin/bwrap";
constexpr const char* kConfine = "/run/assay-confine";

bool is_directory(const char* path) {
  struct stat info {};
  return lstat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

std::vector<std::string> command(const RunRequest& request, const std::string& root, const std::string& launcher) {
  std::vector<std::string> out{kProgram,        "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",    "--hostname", "sandbox", "--uid",
                               std::to_string(launcher::kInsideUid), "--gid", std::to_string(launcher::kInsideUid), "--proc", "/proc", "--dev", "/dev"};
  const auto add = [&](std::initializer_list<std::string> words) { out.insert(out.end(), words); };
  add({"--ro-bind", "/usr", "/usr"});
  for (const char* name : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    if (is_directory(name)) add({"--ro-bind", name, name});
    else if (access(name, F_OK) == 0) add({"--symlink", std::string("usr") + name, name});
  }
  for (const char* name : {"alternatives", "ssl", "fonts", "python3", "python3.11", "java-17-openjdk", "ca-certificates", "ld.so.cache", "ld.so.conf", "services", "protocols",
                           "mime.types", "debian_version", "os-release", "localtime", "timezone", "matplotlibrc", "nsswitch.conf"})
    add({"--ro-bind-try", std::string("/etc/") + name, std::string("/etc/") + name});
  for (const char* name : {"/etc/passwd", "/etc/group"}) add({"--ro-bind", root + name, name});
  for (const char* name : {"/work", "/tmp", "/home/user"}) add({"--bind", root + name, name});
  add({"--dir", "/var/tmp", "--dir", "/run", "--ro-bind", launcher, kConfine, "--chdir", request.directory, kConfine, "--confine"});
  out.insert(out.end(), request.argv.begin(), request.argv.end());
  return out;
}

Walls outside(const Json& hello) { return plain_walls(hello).with(Wall::kUid); }

// What bubblewrap and the filter inside it add to the launcher's own walls.
std::vector<std::string> missing(const Json& hello) {
  Walls all = outside(hello).without(Wall::kUid);   // nobody's, but the same for all runs
  for (Wall wall : {Wall::kMount, Wall::kReadOnly, Wall::kDev, Wall::kMountFlags, Wall::kPid, Wall::kNet, Wall::kIpc, Wall::kUts, Wall::kCgroup, Wall::kUser, Wall::kCapabilities, Wall::kSeccomp})
    all = all.with(wall);
  if (hello.at("landlock") != 0) all = all.with(Wall::kLandlock);
  return all.missing();
}

Result<std::unique_ptr<Executor>> create(const ExecutorOptions& options) {
  ASSAY_ASSIGN(const auto launcher, LauncherClient::start(options));
  PlainOptions plain;
  plain.backend = "bwrap";
  plain.walls = outside(launcher->hello());
  plain.missing = missing(launcher->hello());
  if (geteuid() == 0) plain.owner = launcher::kLayerUid;
  plain.wrap = [path = launcher->path()](const RunRequest& request, const std::string& root, LaunchPlan& plan) -> Status {
    plan.argv = command(request, root, path);
    plan.directory = root;
    return {};
  };
  return make_plain_executor(options, std::move(plain));
}

// What keeps users from making namespaces, by the name under which it can be changed.
std::string advice() {
  struct Switch {
    const char* path;
    char closed;
    const char* advice;
  };
  for (const Switch& each : {Switch{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1', "AppArmor restricts user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
                             Switch{"/proc/sys/kernel/unprivileged_userns_clone", '0', "the kernel keeps user namespaces from users: sysctl kernel.unprivileged_userns_clone=1"},
                             Switch{"/proc/sys/user/max_user_namespaces", '0', "no user namespaces are allowed: sysctl user.max_user_namespaces=10000"}}) {
    const auto value = read_file(each.path, 64);
    if (value.ok() && value->starts_with(each.closed)) return std::string(each.advice) + ", or run as root with --sandbox native";
  }
  return "a container must allow user namespaces and a /proc of one's own; or run as root with --sandbox native";
}

Status try_bubblewrap(const ExecutorOptions& options) {
  if (access(kProgram, X_OK) != 0) return make_error(Boundary::kSandbox, std::string(kProgram) + " is missing", "", "apt-get install bubblewrap");
  ASSAY_ASSIGN(const auto executor, create(options));
  const Status tried = try_out(*executor);
  if (tried.ok() || !tried.error().hint.empty()) return tried;
  Error error = tried.error();
  error.hint = advice();
  return error;
}

BackendCheck check(const ExecutorOptions& options) {
  BackendCheck out;
  const auto launcher = LauncherClient::start(options);
  if (const Status tried = launcher.ok() ? try_bubblewrap(options) : launcher.error(); !tried.ok()) out.problem = tried.error();
  if (launcher.ok()) out.missing_walls = missing((*launcher)->hello());
  out.detail = "bubblewrap, with our system call filter inside";
  return out;
}

}  // namespace

Backend make() { return {"bwrap", "bubblewrap: for users without root, where they may make namespaces", 2, create, check}; }

}  // namespace assay::backends::bwrap
