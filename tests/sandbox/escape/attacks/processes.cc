// Other processes: seeing, signalling, reading, writing and joining them; outliving the run.
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/escape/probe.h"

namespace assay::escape::attacks::processes {
namespace {

const std::vector<std::string> kOthers = {"pid", "uid", "user", "capabilities", "landlock"};   // who may look into a process of root's
std::vector<std::string> others_and(const std::string& wall) {
  auto out = kOthers;
  out.push_back(wall);
  return out;
}

pid_t victim(const Arguments& a) { return atoi(a.at("process").c_str()); }
std::string proc(const Arguments& a, const std::string& name) { return "/proc/" + a.at("process") + "/" + name; }
void a_process(Scene& scene) { scene.arguments["process"] = std::to_string(scene.process()); }

int kill_it(const Arguments& a) { return outcome(kill(victim(a), SIGKILL) == 0); }
bool it_died(Scene& scene, const Result<RunResult>&, Workspace&) { return !scene.alive(atoi(scene.arguments["process"].c_str())); }
bool run_broke(Scene&, const Result<RunResult>& run, Workspace&) { return !run.ok(); }

pid_t parent_of(pid_t process) {
  const std::string status = contents("/proc/" + std::to_string(process) + "/status");
  const size_t at = status.find("PPid:\t");
  return at == std::string::npos ? -1 : atoi(status.c_str() + at + 6);
}

int kill_init(const Arguments&) {
  kill(getppid() > 0 ? getppid() : 1, SIGKILL);
  usleep(300'000);
  return kStopped;
}

int kill_supervisor(const Arguments&) {
  const pid_t supervisor = parent_of(getppid());
  if (supervisor > 1) kill(supervisor, SIGKILL);
  usleep(300'000);
  return kStopped;
}

int attach(const Arguments& a) {
  const bool good = ptrace(PTRACE_ATTACH, victim(a), nullptr, nullptr) == 0;
  if (good) {
    waitpid(victim(a), nullptr, __WALL);
    ptrace(PTRACE_DETACH, victim(a), nullptr, nullptr);
  }
  return outcome(good);
}

// Its first mapping is the program's own header.
uintptr_t first_mapping(const Arguments& a) { return strtoull(contents(proc(a, "maps"), 64).c_str(), nullptr, 16); }

int read_memory_by_call(const Arguments& a) {
  char bytes[4] = {};
  iovec local{bytes, 4}, remote{reinterpret_cast<void*>(first_mapping(a)), 4};
  return outcome(process_vm_readv(victim(a), &local, 1, &remote, 1, 0) == 4 && memcmp(bytes, "\177ELF", 4) == 0);
}

int open_memory(const Arguments& a) { return outcome(open(proc(a, "mem").c_str(), O_RDWR) >= 0); }
int read_environment(const Arguments& a) { return outcome(contents(proc(a, "environ")).find("ASSAY_VICTIM=secret") != std::string::npos); }
int read_through_root(const Arguments& a) { return outcome(contents(proc(a, "root") + a.at("file")) == "secret"); }
int see_it(const Arguments& a) { return outcome(!contents(proc(a, "cmdline")).empty()); }

int join_namespace(const Arguments& a) {
  const int fd = open(proc(a, "ns/uts").c_str(), O_RDONLY);
  return outcome(fd >= 0 && setns(fd, CLONE_NEWUTS) == 0);
}

int take_descriptor(const Arguments& a) {
  const int handle = static_cast<int>(syscall(SYS_pidfd_open, victim(a), 0));
  return outcome(handle >= 0 && syscall(SYS_pidfd_getfd, handle, 0, 0) >= 0);
}

// --- what it leaves behind: a file written half a second after the run has ended -------------------------------------------

void bomb() {
  for (int fd = 0; fd < 64; ++fd) close(fd);
  usleep(400'000);
  const int fd = open("late", O_WRONLY | O_CREAT, 0644);
  (void)!write(fd, "boom", 4);
  _exit(0);
}

int leave_child(const Arguments&) {
  if (fork() == 0) bomb();
  return kSucceeded;
}

int leave_daemon(const Arguments&) {
  if (fork() == 0) {
    setsid();
    for (int each = 1; each < NSIG; ++each) signal(each, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, 0);
    if (fork() == 0) bomb();
    _exit(0);
  }
  usleep(50'000);
  return kSucceeded;
}

bool went_off(Scene&, const Result<RunResult>&, Workspace& workspace) {
  usleep(900'000);
  return workspace.read("work/late", 16).ok();
}

}  // namespace

std::vector<Attack> make() {
  return {
      {"sees another process", {"pid"}, see_it, a_process, nullptr},
      {"sees another process in the host's /proc", {"mount"}, see_it, a_process, nullptr},
      {"kills another process", {"pid", "uid", "landlock"}, kill_it, a_process, it_died},
      {"kills the run's first process", {"pid", "uid", "landlock"}, kill_init, nullptr, run_broke},
      {"kills the supervisor", {"pid", "uid", "landlock"}, kill_supervisor, nullptr, run_broke},
      {"traces another process", others_and("seccomp"), attach, a_process, nullptr},
      {"reads another's memory by a call", others_and("seccomp"), read_memory_by_call, a_process, nullptr},
      {"opens another's memory in /proc", kOthers, open_memory, a_process, nullptr},
      {"reads another's variables", {"pid", "uid", "user", "capabilities"}, read_environment, a_process, nullptr},
      {"reads a file through another's root", kOthers, read_through_root,
       [](Scene& s) {
         a_process(s);
         s.arguments["file"] = s.file(0600);
       },
       nullptr},
      {"joins another's namespace", others_and("seccomp"), join_namespace, a_process, nullptr},
      {"takes another's descriptor", others_and("seccomp"), take_descriptor, a_process, nullptr},
      {"leaves a child that acts later", {"reap"}, leave_child, nullptr, went_off},
      {"leaves a daemon that ignores signals", {"reap"}, leave_daemon, nullptr, went_off},
  };
}

}  // namespace assay::escape::attacks::processes
