#include "sandbox/launcher/init.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/launcher/files.h"
#include "sandbox/launcher/landlock.h"

namespace assay::launcher {
namespace {

// While the right to do so is still there: before becoming another user.
Status empty_bounding_set() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
    if (prctl(PR_CAPBSET_DROP, capability) != 0) return system_error("dropping a capability from the bounding set");
  return {};
}

Status give_up_capabilities() {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) return system_error("capset");
  return {};
}

Status become(unsigned uid) {
  if (setgroups(0, nullptr) != 0 && errno != EPERM) return system_error("setgroups");
  if (setresgid(uid, uid, uid) != 0) return system_error("setresgid");
  if (setresuid(uid, uid, uid) != 0) return system_error("setresuid");
  return {};
}

Status raise_loopback() {
  const Fd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  strcpy(request.ifr_name, "lo");
  if (!socket_fd || ioctl(socket_fd.get(), SIOCGIFFLAGS, &request) != 0) return system_error("the loopback cannot be asked");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (ioctl(socket_fd.get(), SIOCSIFFLAGS, &request) != 0) return system_error("the loopback cannot be raised");
  return {};
}

Result<Fd> proxy_listener() {
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kProxyPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!listener || bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener.get(), 128) != 0)
    return system_error("the proxy's socket cannot be opened");
  return listener;
}

void limit(int resource, int64_t value) {
  rlimit present{};
  getrlimit(static_cast<__rlimit_resource>(resource), &present);
  const rlim_t wanted = std::min<rlim_t>(static_cast<rlim_t>(value), present.rlim_max);
  const rlimit both{wanted, wanted};
  setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

void set_rlimits(const RunLimits& limits) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_NOFILE, limits.open_files);
  limit(RLIMIT_CPU, limits.cpu_ms / 1000 + 2);
  limit(RLIMIT_MEMLOCK, 8 << 20);
}

std::vector<std::string> children_of(const std::string& path) {
  // The few top-level directories of an image in which its programs live, all of them writable there.
  std::vector<std::string> out;
  for (const char* name : {"bin", "boot", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "root", "run", "sbin", "srv", "tmp", "usr", "var", "work"})
    out.push_back(path + name);
  return out;
}

Status restrict_files(const RunSpec& run) {
  if (!run.host_programs) return restrict_by_landlock({}, children_of("/"));
  std::vector<std::string> writable{"/work", "/home/user", "/tmp", "/var/tmp", "/run", "/opt", "/srv", "/dev/shm", "/dev/pts"};
  // Without a root of its own the program stands in its workspace as the launcher sees it.
  if (!run.walls.has(Wall::kMount)) writable = {kRootPoint + "/work", kRootPoint + "/tmp"};
  return restrict_by_landlock({"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"}, writable);
}

[[noreturn]] void broken(int reports, const Error& error) {
  send_report(reports, Report::broken(error));
  _exit(125);
}

#define OR_BROKEN(reports, expression)                            \
  do {                                                            \
    if (auto status_ = (expression); !status_.ok()) broken(reports, status_.error()); \
  } while (0)

class Program {
 public:
  Program(const InitSpec& spec) : spec_(spec), run_(*spec.run), walls_(spec.run->walls) {}

  // In the child: gives everything up, piece by piece, and becomes the program.
  [[noreturn]] void start(int mapped) {
    arrange_descriptors();
    char byte;
    if (mapped >= 0 && read(mapped, &byte, 1) != 1) _exit(125);
    if (walls_.has(Wall::kSession)) setsid();
    if (walls_.has(Wall::kRlimits)) set_rlimits(run_.limits);
    if (chdir((run_.walls.has(Wall::kMount) && spec_.privileged ? run_.directory : inside_without_root()).c_str()) != 0)
      broken(reports_, system_error("the directory cannot be entered", run_.directory));
    if (spec_.privileged && walls_.has(Wall::kCapabilities)) OR_BROKEN(reports_, empty_bounding_set());
    if (walls_.has(Wall::kNoNewPrivs) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) broken(reports_, system_error("no_new_privs"));
    // Loaded while it is still root, so that these two walls stand without no_new_privs, too.
    if (spec_.privileged && walls_.has(Wall::kLandlock) && landlock_version() > 0) OR_BROKEN(reports_, restrict_files(run_));
    close_others();
    if (walls_.has(Wall::kSeccomp)) load_filter();
    if (geteuid() == 0 || spec_.privileged) become_nobody();
    if (spec_.privileged && walls_.has(Wall::kCapabilities)) OR_BROKEN(reports_, give_up_capabilities());
    prctl(PR_SET_PDEATHSIG, SIGKILL);   // last: becoming another user clears it
    execute();
  }

 private:
  std::string inside_without_root() const { return spec_.privileged ? kRootPoint + run_.directory : run_.directory; }

  void become_nobody() {
    const bool user = walls_.has(Wall::kUser) && spec_.privileged, uid = walls_.has(Wall::kUid);
    if (uid) OR_BROKEN(reports_, become(user ? kInsideUid : spec_.uid));
    else if (user) OR_BROKEN(reports_, become(0));
  }

  // The program's streams, and the pair end moved out of their way.
  void arrange_descriptors() {
    reports_ = fcntl(spec_.reports, F_DUPFD_CLOEXEC, 10);
    if (reports_ < 0) _exit(125);
    const int streams[] = {fcntl(run_.in.get(), F_DUPFD_CLOEXEC, 10), fcntl(run_.out.get(), F_DUPFD_CLOEXEC, 10), fcntl(run_.err.get(), F_DUPFD_CLOEXEC, 10)};
    for (int i = 0; i < 3; ++i)
      if (dup2(streams[i], i) < 0) broken(reports_, system_error("the streams cannot be arranged"));
  }

  void close_others() {
    if (!walls_.has(Wall::kDescriptors)) return;
    // All but the three streams and the pair end, which closes itself when the program starts.
    syscall(SYS_close_range, 3u, static_cast<unsigned>(reports_ - 1), 0u);
    syscall(SYS_close_range, static_cast<unsigned>(reports_ + 1), ~0u, 0u);
  }

  void load_filter() {
    const Watch watch = spec_.privileged ? Watch::kConnections : Watch::kNothing;
    const int listener = load_seccomp(*spec_.filter, watch);
    if (listener < 0) broken(reports_, system_error("the system call filter cannot be loaded"));
    if (watch == Watch::kNothing) return;
    Report report;
    report.kind = Report::kNotifyListener;
    if (!send_report(reports_, report, listener)) _exit(125);
    close(listener);
  }

  [[noreturn]] void execute() {
    std::vector<char*> argv, environment;
    for (const std::string& each : run_.argv) argv.push_back(const_cast<char*>(each.c_str()));
    argv.push_back(nullptr);
    for (const std::string& each : run_.environment) environment.push_back(const_cast<char*>(each.c_str()));
    if (!walls_.has(Wall::kEnvironment))
      for (char** each = environ; *each; ++each) environment.push_back(*each);
    environment.push_back(nullptr);
    environ = environment.data();
    // What the launcher ignores, the program must not find ignored.
    for (int each = 1; each < NSIG; ++each) signal(each, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execvp(argv[0], argv.data());
    Report report;
    report.kind = Report::kCannotExecute;
    report.value = errno;
    send_report(reports_, report);
    _exit(127);
  }

  const InitSpec& spec_;
  const RunSpec& run_;
  const Walls walls_;
  int reports_ = -1;
};

Status build_namespaces(const InitSpec& spec) {
  const Walls walls = spec.run->walls;
  if (walls.has(Wall::kCgroup) && unshare(CLONE_NEWCGROUP) != 0) return system_error("a cgroup namespace cannot be made");
  if (walls.has(Wall::kUts) && sethostname("sandbox", 7) != 0) return system_error("sethostname");
  ASSAY_TRY(build_root(spec.root));
  if (walls.has(Wall::kMount)) ASSAY_TRY(enter_root());
  if (walls.has(Wall::kNet)) ASSAY_TRY(raise_loopback());
  if (spec.run->proxy) {
    ASSAY_ASSIGN(const Fd listener, proxy_listener());
    Report report;
    report.kind = Report::kProxyListener;
    if (!send_report(spec.reports, report, listener.get())) return system_error("reporting the proxy's socket");
  }
  return {};
}

bool user_namespace_wanted(const InitSpec& spec) { return spec.privileged && spec.run->walls.has(Wall::kUser); }

// The program's process, in a user namespace of its own whose only user is the run's.
pid_t start_program(const InitSpec& spec) {
  const bool user = user_namespace_wanted(spec);
  int mapped[2] = {-1, -1};
  if (user && pipe2(mapped, O_CLOEXEC) != 0) return -1;
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD | (user ? CLONE_NEWUSER : 0), nullptr, nullptr, nullptr, nullptr));
  if (child == 0) {
    if (user) close(mapped[1]);
    Program(spec).start(mapped[0]);
  }
  if (child < 0 || !user) return child;
  const unsigned inside = spec.run->walls.has(Wall::kUid) ? kInsideUid : 0, outside = spec.run->walls.has(Wall::kUid) ? spec.uid : 0;
  const std::string map = std::to_string(inside) + " " + std::to_string(outside) + " 1";
  const std::string proc = (spec.run->walls.has(Wall::kMount) ? "" : kRootPoint) + "/proc/" + std::to_string(child);
  const bool good = put(proc + "/gid_map", map) && put(proc + "/uid_map", map);
  const int error = errno;
  if (good) (void)!write(mapped[1], "m", 1);
  close(mapped[0]);
  close(mapped[1]);
  errno = error;
  return good ? child : -1;
}

void give_up_rights(const InitSpec& spec) {
  if (!spec.privileged || !spec.run->walls.has(Wall::kPid)) return;   // else it ends processes of another user's at the end
  OR_BROKEN(spec.reports, empty_bounding_set());
  OR_BROKEN(spec.reports, become(spec.init_uid));
  OR_BROKEN(spec.reports, give_up_capabilities());
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

template <size_t kSize>
void put_text(char (&space)[kSize], const std::string& text) {
  text.copy(space, kSize - 1);
}

}  // namespace

Report Report::broken(const Error& error) {
  Report out;
  out.kind = kBroken;
  put_text(out.what, error.what);
  put_text(out.where, error.where);
  put_text(out.hint, error.hint);
  return out;
}

Error Report::error() const { return make_error(Boundary::kSandbox, what, where, hint); }

Error no_user_namespace() {
  return system_error("a user namespace cannot be made", "", errno == EPERM ? "a root entered by pivot_root, not by chroot; a container that allows user namespaces" : "sysctl user.max_user_namespaces=10000");
}

Result<Fd> make_id_map(unsigned uid) {
  int wait[2];
  if (pipe2(wait, O_CLOEXEC) != 0) return system_error("pipe2");
  Fd reading(wait[0]), writing(wait[1]);
  const pid_t child = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child < 0) return no_user_namespace();
  if (child == 0) {
    char byte;
    close(writing.release());
    (void)!read(reading.get(), &byte, 1);
    _exit(0);
  }
  const std::string proc = "/proc/" + std::to_string(child), map = "0 0 1\n" + std::to_string(kLayerUid) + " " + std::to_string(uid) + " 1\n";   // root: overlayfs's own
  const bool good = put(proc + "/uid_map", map) && put(proc + "/gid_map", map);
  Fd out(open((proc + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  const int error = errno;
  writing.reset();
  waitpid(child, nullptr, 0);
  errno = error;
  if (!good || !out) return system_error("an id map cannot be made");
  return out;
}

bool send_report(int socket, const Report& report, int fd) {
  iovec part{const_cast<Report*>(&report), sizeof report};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL) == sizeof report;
}

bool receive_report(int socket, Report& report, Fd& fd) {
  iovec part{&report, sizeof report};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof report) return false;
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
    int received;
    memcpy(&received, CMSG_DATA(header), sizeof received);
    fd.reset(received);
  }
  return true;
}

void run_init(const InitSpec& spec) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "assay-init");
  if (spec.cgroup) OR_BROKEN(spec.reports, spec.cgroup->enter());
  if (spec.privileged) OR_BROKEN(spec.reports, build_namespaces(spec));
  const pid_t program = start_program(spec);
  if (program < 0) broken(spec.reports, user_namespace_wanted(spec) ? no_user_namespace() : system_error("the program's process cannot be made"));
  Report started;
  started.kind = Report::kStarted;
  {
    const Fd handle(static_cast<int>(syscall(SYS_pidfd_open, program, 0)));
    send_report(spec.reports, started, handle.get());
  }
  give_up_rights(spec);
  // Nothing that the run's program could want of this process stays open in it.
  for (int fd : {spec.run->in.get(), spec.run->out.get(), spec.run->err.get(), spec.run->control.get()})
    if (fd >= 0) close(fd);
  Report ended;
  ended.kind = Report::kExited;
  for (;;) {
    int status = 0;
    const pid_t died = waitpid(-1, &status, 0);
    if (died == program) {
      ended.value = status;
      break;
    }
    if (died < 0 && errno != EINTR) broken(spec.reports, system_error("waiting for the program"));
  }
  send_report(spec.reports, ended);
  if (!spec.run->walls.has(Wall::kReap))
    while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {}
  _exit(0);
}

}  // namespace assay::launcher
