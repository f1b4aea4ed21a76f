// More rights: set-user-id programs, mounts, namespaces, cgroups, and calls that only root may make.
#include <errno.h>
#include <linux/mount.h>
#include <net/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/escape/probe.h"

namespace assay::escape::attacks::privileges {
namespace {

const std::vector<std::string> kMounting = {"seccomp", "capabilities", "uid", "user", "landlock"};
const std::vector<std::string> kRoot = {"capabilities", "uid", "user"};   // a right in the host's user namespace
std::vector<std::string> root_and(const std::string& wall) {
  auto out = kRoot;
  out.push_back(wall);
  return out;
}

// The copy runs this same program, which says who it has become.
int run_set_user_id(const Arguments& a) {
  const std::string program = a.at("program");
  const pid_t child = fork();
  if (child == 0) {
    execl(program.c_str(), program.c_str(), "who am I", nullptr);
    _exit(kBroken);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kStopped;
}
int who_am_i(const Arguments&) { return outcome(geteuid() == 0); }

int mount_memory(const Arguments&) {
  mkdir("m", 0755);
  return outcome(mount("x", "m", "tmpfs", 0, nullptr) == 0);
}
int uncover(const Arguments&) { return outcome(umount2("/proc/kallsyms", MNT_DETACH) == 0); }
int remount(const Arguments&) { return outcome(mount("", "/usr", nullptr, MS_REMOUNT | MS_BIND, nullptr) == 0); }
int new_mount_interface(const Arguments&) { return outcome(syscall(SYS_fsopen, "tmpfs", 0) >= 0); }
int open_tree_copy(const Arguments&) { return outcome(syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE) >= 0); }
int change_root(const Arguments&) { return outcome(chroot(".") == 0); }

int mount_cgroup(const Arguments&) {
  mkdir("c", 0755);
  if (mount("c", "c", "cgroup", 0, "pids") == 0) return outcome(overwrite("c/pids.max", "max"));
  if (mount("c", "c", "cgroup2", 0, nullptr) == 0) return outcome(overwrite("c/pids.max", "max"));
  return kStopped;
}

int new_user_namespace(const Arguments&) { return outcome(unshare(CLONE_NEWUSER) == 0); }

int clone_namespaces(const Arguments&) {
  const long child = syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) _exit(0);
  return outcome(child > 0);
}

int clone3_namespaces(const Arguments&) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } arguments{CLONE_NEWUSER | CLONE_NEWNS, 0, 0, 0, SIGCHLD, 0, 0, 0};
  const long child = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) _exit(0);
  return outcome(child > 0);
}

int raise_priority(const Arguments&) { return outcome(setpriority(PRIO_PROCESS, 0, -10) == 0); }

// A module that is none: who may load modules is told so, others are not asked.
int load_module(const Arguments&) {
  const long done = syscall(SYS_finit_module, -1, "", 0);
  return errno == ENOSYS ? kUnsupported : outcome(done == 0 || errno == EBADF);
}

int lower_loopback(const Arguments&) {
  const int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_NEWLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.link.ifi_index = 1;
  request.link.ifi_change = IFF_UP;
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char rest[512];
  } answer{};
  if (send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0) return kStopped;
  return outcome(answer.error.error == 0);
}

int raw_socket(const Arguments&) { return outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0); }
int packet_socket(const Arguments&) { return outcome(socket(AF_PACKET, SOCK_RAW, 0) >= 0); }

}  // namespace

std::vector<Attack> make() {
  return {
      {"who am I", {"uid"}, who_am_i, nullptr, nullptr},
      {"runs a set-user-id program", {"mount flags", "no-new-privs", "user"}, run_set_user_id,
       [](Scene& s) { s.arguments["program"] = s.set_user_id_program(s.arguments["self"]); }, nullptr},
      {"mounts a file system", kMounting, mount_memory, nullptr, nullptr},
      {"uncovers what is covered in /proc", kMounting, uncover, nullptr, nullptr},
      {"makes the host's programs writable", kMounting, remount, nullptr, nullptr},
      {"opens a file system by the new calls", root_and("seccomp"), new_mount_interface, nullptr, nullptr},
      {"copies a tree of mounts", root_and("seccomp"), open_tree_copy, nullptr, nullptr},
      {"mounts its cgroup and lifts its limits", kMounting, mount_cgroup, nullptr, nullptr},
      {"changes its root", {"seccomp", "capabilities", "uid"}, change_root, nullptr, nullptr},
      {"makes a user namespace", {"seccomp"}, new_user_namespace, nullptr, nullptr},
      {"clones itself into namespaces", {"seccomp"}, clone_namespaces, nullptr, nullptr},
      {"clones itself into namespaces by clone3", {"seccomp"}, clone3_namespaces, nullptr, nullptr},
      {"raises its priority", kRoot, raise_priority, nullptr, nullptr},
      {"loads a module", root_and("seccomp"), load_module, nullptr, nullptr},
      {"lowers the loopback", kRoot, lower_loopback, nullptr, nullptr},
      {"opens a raw socket", kRoot, raw_socket, nullptr, nullptr},
      {"opens a packet socket", root_and("seccomp"), packet_socket, nullptr, nullptr},
  };
}

}  // namespace assay::escape::attacks::privileges
