// assay-launcher: starts what nobody trusts. `assay` starts one of these, talks to it over descriptor 3 (sandbox/protocol.h),
// and never forks itself.
//
// Theory of operation
//
// The launcher is one thread and a few megabytes, so forking it is cheap. At its start, as root, it enters a mount namespace
// of its own, in which everything lies that a run needs: a skeleton of a root directory, a /dev, and for every workspace a
// file system in memory. No mount of ours is ever seen on the host, and all are gone when the launcher is, however it ends.
// It ends when its socket closes, that is with the program that started it, even by SIGKILL.
//
// A run is three processes.
//
//   supervisor   forked from the launcher, root, outside. Takes a slot (a pair of user ids, by locking a file), makes the
//                cgroups, clones init into new mount, process, network, IPC and UTS namespaces, watches the clock, the
//                processor time and the Executor's socket, and reports. If the launcher dies, it dies (PR_SET_PDEATHSIG).
//   init         process 1 inside. Waits until it stands in its cgroups, makes a cgroup namespace, mounts the workspace's
//                layers with overlayfs, the host's /usr read-only, /proc with its dangerous parts covered, /dev; pivots into
//                it and drops the old root. Clones the program's process, then becomes an unprivileged user of its own, other
//                than the program's, who can only wait. When the program ends it exits, and the kernel kills the namespace.
//   program      in a user namespace with one user. Becomes it, gives up all capabilities and the bounding set, sets
//                no_new_privs, limits itself by Landlock, closes all descriptors, loads the system call filter, executes.
//
// The order matters. All namespaces but the user namespace are made by the host's root, so they belong to the host's user
// namespace: whatever the program becomes in its own, it has no right over its mounts or its network. A file in a layer
// belongs to one fixed, powerless user id (kLayerUid); every run sees it as its own through an id-mapped mount, so layers
// pass between runs of different user ids without a copy, and a set-user-id bit in one is worth nothing to anybody.
//
// Control groups bound the tree as a whole, in version 2 or 1, under names that carry this launcher's process id and its start
// time; a new launcher kills and removes what dead ones left. The bounds of the writable layer are those of its file system.
//
// The system call filter lets connect and addressed sendto wait for the supervisor, who notes the address. It does not decide:
// the wall is the network namespace, in which there is only a loopback.
//
// Not promised: the kernel is shared. A hole in it (or in what we let through to it) is a hole in this wall; where that is not
// good enough, use the backend `external` with a virtual machine.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sstream>

#include "sandbox/launcher/files.h"
#include "sandbox/launcher/init.h"
#include "sandbox/launcher/landlock.h"
#include "sandbox/launcher/run_spec.h"
#include "sandbox/launcher/runner.h"
#include "sandbox/launcher/workspaces.h"

namespace assay::launcher {
namespace {

class Launcher {
 public:
  Status prepare() {
    machine_.landlock = landlock_version();
    ASSAY_ASSIGN(machine_.plain_filter, make_seccomp_filter(Watch::kNothing));
    ASSAY_ASSIGN(machine_.filter, make_seccomp_filter(Watch::kConnections));
    if (const Status privileged = prepare_root(); !privileged.ok()) machine_.problem = privileged.error();
    machine_.cgroups = CgroupRoots::find();
    if (!machine_.problem && !machine_.cgroups.problem) swept_ = machine_.cgroups.sweep();
    return {};
  }

  // Until the other end is gone.
  void serve() {
    for (;;) {
      auto packet = receive_packet(kRequestFd);
      if (!packet.ok()) {
        answer(packet.error());
        continue;
      }
      if (packet->body.is_null()) return;
      while (waitpid(-1, nullptr, WNOHANG) > 0) {}   // supervisors that have ended
      handle(std::move(*packet));
    }
  }

 private:
  Status prepare_root() {
    if (geteuid() != 0) return make_error(Boundary::kSandbox, "not root", "", "run as root");
    // Its root has no rights over devices, and none of our user ids.
    std::istringstream map(get("/proc/self/uid_map"));
    int64_t inside = 0, outside = 0, count = 0;
    if (map >> inside >> outside >> count && count < UINT32_MAX)
      return make_error(Boundary::kSandbox, "root of a user namespace only, as in a rootless container", "", "run as root of the machine");
    ASSAY_TRY(prepare_base());
    return try_overlay();
  }

  // Mounts a workspace's stack once, plain and id-mapped, to know what this kernel can do.
  Status try_overlay() {
    ASSAY_ASSIGN(Workspace probe, Workspace::create(0, {.bytes = 1 << 20, .files = 64}));
    {
      Result<Fd> file = open_inside(probe, "work/probe", Opening::kWrite);
      if (!file.ok()) return file.error();
    }
    const Fd tree(open_tree_clone(probe.layer().c_str()));
    ASSAY_ASSIGN(const Fd id_map, make_id_map(kSlotUid));
    machine_.id_maps = tree && set_mount_flags(tree.get(), 0, id_map.get()) == 0;
    return {};
  }

  void answer(const Error& error) {
    answer(Json{{"error", error_body(error)}});
  }
  // If the other end is gone, the next receive says so.
  void answer(const Json& body, const std::vector<int>& fds = {}) { (void)send_packet(kRequestFd, body, fds).ok(); }

  void handle(Packet packet) {
    const Json& body = packet.body;
    const std::string op = body.value("op", "");
    if (op == "run") return run(body, std::move(packet.fds));
    if (op == "hello") return hello();
    const Status status = op == "workspace" ? make(body) : op == "fork" ? fork_workspace(body) : op == "discard" ? discard(body)
                          : op == "open"    ? open_file(body) : op == "branches" ? branches(body)
                                            : Status(make_error(Boundary::kSandbox, "unknown request " + op));
    if (!status.ok()) answer(status.error());
  }

  void hello() {
    const auto body = [](const std::optional<Error>& problem) { return problem ? error_body(*problem) : Json(); };
    answer({{"problem", body(machine_.problem)}, {"landlock", machine_.landlock}, {"id_maps", machine_.id_maps}, {"cgroups", machine_.cgroups.version},
            {"cgroup_problem", body(machine_.cgroups.problem)}, {"swept", swept_}, {"process", getpid()}});
  }

  Result<Workspace*> find(const Json& body, const char* name = "workspace") {
    const auto it = workspaces_.find(body.at(name).get<int64_t>());
    if (it == workspaces_.end()) return make_error(Boundary::kSandbox, "no such workspace");
    return &it->second;
  }

  Status make(const Json& body) {
    if (machine_.problem) return *machine_.problem;
    const int64_t number = next_++;
    ASSAY_ASSIGN(Workspace made, Workspace::create(number, {body.at("layers"), body.at("host_programs"), body.at("bytes"), body.at("files")}));
    workspaces_.emplace(number, std::move(made));
    answer({{"workspace", number}});
    return {};
  }

  Status fork_workspace(const Json& body) {
    ASSAY_ASSIGN(Workspace* from, find(body));
    const int64_t number = next_++;
    ASSAY_ASSIGN(Workspace made, from->fork(number));
    workspaces_.emplace(number, std::move(made));
    answer({{"workspace", number}});
    return {};
  }

  Status discard(const Json& body) {
    workspaces_.erase(body.at("workspace").get<int64_t>());
    answer(Json{{"ok", true}});
    return {};
  }

  Status open_file(const Json& body) {
    ASSAY_ASSIGN(Workspace* workspace, find(body));
    const std::string how = body.at("how");
    ASSAY_ASSIGN(const Fd file, open_inside(*workspace, body.at("path"), how == "read" ? Opening::kRead : how == "write" ? Opening::kWrite : Opening::kWriteExecutable));
    answer(Json{{"ok", true}}, {file.get()});
    return {};
  }

  Status branches(const Json& body) {
    ASSAY_ASSIGN(Workspace* workspace, find(body));
    ASSAY_ASSIGN(const std::vector<Fd> opened, workspace->branches());
    std::vector<int> fds;
    for (const Fd& fd : opened) fds.push_back(fd.get());
    answer(Json{{"base", workspace->base()}}, fds);
    return {};
  }

  void run(const Json& body, std::vector<Fd> fds) {
    RunJob job;
    job.machine = &machine_;
    job.number = runs_++;
    job.run = run_spec_from(body, std::move(fds));
    job.plain = body.at("workspace") < 0;
    if (!job.plain) {
      const Result<Workspace*> workspace = find(body);
      if (!workspace.ok()) return answer(workspace.error());
      job.root = (*workspace)->root();
      job.run.host_programs = (*workspace)->host_programs();
      job.layer = (*workspace)->layer();
    }
    const pid_t launcher = getpid();
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != launcher) _exit(125);
      close(kRequestFd);
      supervise(std::move(job));
    }
    if (child < 0) return answer(system_error("a supervisor cannot be forked"));
    answer(Json{{"ok", true}});
  }

  Machine machine_;
  std::map<int64_t, Workspace> workspaces_;
  int64_t next_ = 1, runs_ = 0;
  int swept_ = 0;
};

}  // namespace
}  // namespace assay::launcher

// `assay-launcher --confine PROGRAM ARGUMENTS`: what a process can put up around itself, then the program. Used inside other
// sandboxes (backends/bwrap.cc).
static int confine(char** argv) {
  using namespace assay::launcher;
  const auto filter = make_seccomp_filter(Watch::kNothing);
  const bool good = filter.ok() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                    (landlock_version() == 0 || restrict_by_landlock({"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/run"},
                                                                    {"/work", "/home/user", "/tmp", "/var/tmp", "/dev/shm", "/dev/pts"}).ok()) &&
                    load_seccomp(*filter, Watch::kNothing) >= 0;
  if (!good) {
    fprintf(stderr, "assay-launcher: cannot confine: %s\n", strerror(errno));
    return 125;
  }
  execvp(argv[0], argv);
  fprintf(stderr, "%s: %s\n", strerror(errno), argv[0]);
  return 127;
}

int main(int argc, char** argv) {
  if (argc > 2 && strcmp(argv[1], "--confine") == 0) return confine(argv + 2);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGINT, SIG_IGN);   // Ctrl-C is the business of the program that started this one
  umask(022);
  prctl(PR_SET_NAME, "assay-launcher");
  assay::launcher::Launcher launcher;
  if (const assay::Status prepared = launcher.prepare(); !prepared.ok()) {
    (void)!write(2, "assay-launcher: ", 16);
    const std::string text = prepared.error().text() + "\n";
    (void)!write(2, text.data(), text.size());
    return 1;
  }
  launcher.serve();
}
