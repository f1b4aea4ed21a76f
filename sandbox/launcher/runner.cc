#include "sandbox/launcher/runner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "sandbox/launcher/files.h"

namespace assay::launcher {
namespace {

constexpr const char* kSlotDirectory = "/run/assay-slots";
constexpr const char* kRunFolder = "room on /run, and a /run that can be written";
constexpr size_t kMostRefused = 64;
constexpr int64_t kTickMs = 50;   // how often processor time is looked at

int64_t now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1'000;
}

// A slot is a locked file: any number of launchers share the ids, and a dead run's are free again at once.
Result<int> take_slot(Fd& lock) {
  if (mkdir(kSlotDirectory, 0700) != 0 && errno != EEXIST) return system_error("the folder of slots cannot be made", kSlotDirectory, kRunFolder);
  const int first = static_cast<int>(getpid() % kSlots);
  for (int i = 0; i < kSlots; ++i) {
    const int slot = (first + i) % kSlots;
    lock.reset(open((std::string(kSlotDirectory) + "/" + std::to_string(slot)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return system_error("the slot's lock cannot be opened", kSlotDirectory, kRunFolder);
    if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return slot;
  }
  return make_error(Boundary::kSandbox, "all " + std::to_string(kSlots) + " user ids for runs are taken", kSlotDirectory, "fewer runs at once on this machine");
}

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    if ((ntohl(v4.sin_addr.s_addr) >> 24) == 127 || v4.sin_addr.s_addr == 0) return "";
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) return "";
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return "";
}

class Supervisor {
 public:
  explicit Supervisor(RunJob job) : job_(std::move(job)), run_(job_.run), walls_(job_.run.walls) {}

  void supervise() {
    const Status prepared = prepare();
    Status status = prepared;
    if (status.ok()) status = launch();
    if (status.ok()) watch();
    end_everything();
    if (!status.ok()) failure_ = status.error();
    if (init_died_ && !ended_ && !failure_) judge_death();
    if (failure_) tell({{"event", "failed"}, {"error", error_body(*failure_)}});
    else report_end();
    if (cgroup_ && !cgroup_->remove()) (void)!write(2, "assay: a cgroup could not be removed\n", 37);
  }

 private:
  bool privileged() const { return !job_.machine->problem && !job_.plain; }

  Status prepare() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    ASSAY_ASSIGN(auto reports, packet_pair());
    reports_ = std::move(reports.first);
    init_reports_ = std::move(reports.second);
    if (privileged()) ASSAY_TRY(prepare_slot());
    if (job_.machine->cgroups.version == 0) return {};
    ASSAY_ASSIGN(cgroup_, Cgroup::create(job_.machine->cgroups, job_.number, run_.limits, walls_));
    return {};
  }

  Status prepare_slot() {
    ASSAY_ASSIGN(const int slot, take_slot(slot_lock_));
    uid_ = job_.machine->id_maps ? kSlotUid + 2 * static_cast<unsigned>(slot) : kLayerUid;
    init_uid_ = kSlotUid + 2 * static_cast<unsigned>(slot) + 1;
    if (job_.machine->id_maps && walls_.has(Wall::kUid)) {
      ASSAY_ASSIGN(id_map_, make_id_map(uid_));
    }
    return {};
  }

  Status launch() {
    InitSpec spec;
    spec.run = &run_;
    spec.root = std::move(job_.root);
    spec.root.id_map = id_map_.get();
    spec.root.walls = walls_;
    spec.filter = privileged() ? &job_.machine->filter : &job_.machine->plain_filter;
    spec.uid = uid_;
    spec.init_uid = init_uid_;
    spec.privileged = privileged();
    spec.reports = init_reports_.get();
    uint64_t flags = CLONE_PIDFD;
    if (privileged()) {
      flags |= CLONE_NEWNS;
      if (walls_.has(Wall::kPid)) flags |= CLONE_NEWPID;
      if (walls_.has(Wall::kNet)) flags |= CLONE_NEWNET;
      if (walls_.has(Wall::kIpc)) flags |= CLONE_NEWIPC;
      if (walls_.has(Wall::kUts)) flags |= CLONE_NEWUTS;
    }
    start_us_ = now_us();
    int handle = -1;
    clone_args arguments{};
    arguments.flags = flags;
    arguments.exit_signal = SIGCHLD;
    arguments.pidfd = reinterpret_cast<uint64_t>(&handle);
    Fd group;
    if (cgroup_) {
      ASSAY_ASSIGN(const int opened, cgroup_->open_for_clone());
      group.reset(opened);
      spec.cgroup = &*cgroup_;
    }
    if (group) {
      arguments.flags |= CLONE_INTO_CGROUP;
      arguments.cgroup = static_cast<uint64_t>(group.get());
    }
    init_ = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (init_ == 0) {
      reports_.reset();
      run_init(spec);
    }
    if (init_ < 0) return system_error("the namespaces cannot be made", "", errno == ENOSPC ? "sysctl -a | grep user.max_" : "a container needs CAP_SYS_ADMIN and the call clone3, as by docker run --privileged");
    init_handle_.reset(handle);
    init_reports_.reset();
    run_.in.reset();
    run_.out.reset();
    run_.err.reset();
    return {};
  }

  // Until the program has ended, a limit is reached, or the Executor says so.
  void watch() {
    const int64_t deadline = walls_.has(Wall::kWall) ? start_us_ + run_.limits.wall_ms * 1000 : INT64_MAX;
    while (!ended_ && limit_.empty() && !failure_ && !init_died_) {
      pollfd wait[] = {{reports_.get(), POLLIN, 0}, {run_.control.get(), POLLIN, 0}, {notify_.get(), POLLIN, 0}};
      const int64_t left = std::max<int64_t>(0, (deadline - now_us() + 999) / 1000);
      if (poll(wait, 3, static_cast<int>(std::min(left, kTickMs))) < 0 && errno != EINTR) return fail("poll");
      if (wait[2].revents & POLLIN) note_connection();
      else if (wait[2].revents) notify_.reset();
      if (wait[0].revents) take_report();
      if (wait[1].revents) take_order();
      if (ended_) return;
      if (now_us() >= deadline) limit_ = "wall";
      if (const int64_t cpu = cpu_us(); walls_.has(Wall::kCpu) && cpu > run_.limits.cpu_ms * 1000) limit_ = "cpu";
    }
  }

  int64_t cpu_us() const { return cgroup_ ? cgroup_->cpu_us() : -1; }

  void fail(const std::string& what) { failure_ = system_error(what); }

  // Init dies before the program only when its whole tree is killed: for memory, by what the program did, or by somebody outside.
  void judge_death() {
    if (started_ && cgroup_ && cgroup_->usage().out_of_memory) limit_ = "memory";
    else failure_ = make_error(Boundary::kSandbox, started_ ? "the run's first process died" : "the run could not be started", "", "assay doctor");
  }

  void take_report() {
    Report report;
    Fd fd;
    if (!receive_report(reports_.get(), report, fd)) {
      init_died_ = true;
      return;
    }
    switch (report.kind) {
      case Report::kStarted: started_ = true; program_ = std::move(fd); tell({{"event", "started"}}); break;
      case Report::kProxyListener: tell({{"event", "proxy"}}, {fd.get()}); break;
      case Report::kNotifyListener: notify_ = std::move(fd); break;
      case Report::kCannotExecute: cannot_execute_ = report.value; break;
      case Report::kExited: ended_ = true; wait_status_ = report.value; break;
      case Report::kBroken: failure_ = report.error(); break;
    }
  }

  void take_order() {
    auto packet = receive_packet(run_.control.get());
    if (!packet.ok() || packet->body.is_null()) {   // nobody waits for this run any more
      limit_ = "abandoned";
      run_.control.reset();
    } else if (packet->body.value("op", "") == "kill") {
      limit_ = packet->body.value("reason", "killed");
    } else if (program_) {
      syscall(SYS_pidfd_send_signal, program_.get(), packet->body.value("number", 0), nullptr, 0);
    }
  }

  // The program asks to connect. What it asks for is only written down: the wall is its empty network namespace, so it does
  // not matter that it may change the address while this looks at it.
  void note_connection() {
    alignas(8) char space[1024] = {}, answer_space[1024] = {};
    auto& request = *reinterpret_cast<seccomp_notif*>(space);
    if (ioctl(notify_.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return;
    const bool sendto = request.data.nr == SYS_sendto;
    const uint64_t address = request.data.args[sendto ? 4 : 1], length = request.data.args[sendto ? 5 : 2];
    sockaddr_storage asked{};
    const Fd memory(open(("/proc/" + std::to_string(request.pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
    if (memory && refused_.size() < kMostRefused &&
        pread(memory.get(), &asked, std::min<uint64_t>(length, sizeof asked), static_cast<off_t>(address)) > 0 &&
        ioctl(notify_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id) == 0)
      if (std::string text = address_text(asked); !text.empty()) refused_.insert(std::move(text));
    auto& answer = *reinterpret_cast<seccomp_notif_resp*>(answer_space);
    answer.id = request.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(notify_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }

  // After this no process of the run is alive, except those that a test let live by taking out the wall "reap".
  void end_everything() {
    end_us_ = now_us();
    notify_.reset();
    if (init_ <= 0) return;
    if (!walls_.has(Wall::kReap) && ended_) return;
    if (!ended_ || !privileged() || !walls_.has(Wall::kPid)) syscall(SYS_pidfd_send_signal, init_handle_.get(), SIGKILL, nullptr, 0);
    rusage usage{};
    while (wait4(init_, nullptr, 0, &usage) < 0 && errno == EINTR) {}
    // What the last moments of the program had to say.
    for (pollfd wait{reports_.get(), POLLIN, 0}; !ended_ && poll(&wait, 1, 0) == 1 && (wait.revents & POLLIN);) {
      Report report;
      Fd fd;
      if (!receive_report(reports_.get(), report, fd)) break;
      if (report.kind == Report::kBroken) failure_ = report.error();
      if (report.kind == Report::kExited) {
        ended_ = true;
        wait_status_ = report.value;
      }
    }
    if (!privileged() || !walls_.has(Wall::kPid)) kill_descendants();
    rusage_cpu_us_ = int64_t{usage.ru_utime.tv_sec + usage.ru_stime.tv_sec} * 1'000'000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    rusage_peak_bytes_ = usage.ru_maxrss * 1024;
  }

  // Without a process namespace: what a run leaves behind becomes a child of this process.
  void kill_descendants() {
    if (cgroup_) cgroup_->kill();
    const std::string own = "/proc/self/task/" + std::to_string(gettid()) + "/children";
    for (int round = 0; round < 10'000; ++round) {
      const std::string children = get(own);
      if (children.empty()) return;
      for (const char* at = children.c_str(); *at;) {
        char* end;
        if (const long process = strtol(at, &end, 10); process > 0) kill(static_cast<pid_t>(process), SIGKILL);
        at = *end ? end + 1 : end;
      }
      while (waitpid(-1, nullptr, WNOHANG) > 0) {}
      usleep(500);
    }
  }

  // If nobody listens any more, the next poll says so.
  void tell(const Json& event, const std::vector<int>& fds = {}) {
    if (run_.control) (void)send_packet(run_.control.get(), event, fds).ok();
  }

  void report_end() {
    const CgroupUsage usage = cgroup_ ? cgroup_->usage() : CgroupUsage{};
    Json end{{"event", "end"}, {"wall_us", end_us_ - start_us_}, {"cpu_us", usage.cpu_us >= 0 ? usage.cpu_us : rusage_cpu_us_},
             {"peak_memory_bytes", usage.peak_memory_bytes >= 0 ? usage.peak_memory_bytes : rusage_peak_bytes_}};
    const bool killed = ended_ && WIFSIGNALED(wait_status_) && WTERMSIG(wait_status_) == SIGKILL;
    if (limit_.empty() && usage.out_of_memory && killed) limit_ = "memory";
    if (limit_.empty() && ended_ && WIFSIGNALED(wait_status_) && WTERMSIG(wait_status_) == SIGXCPU) limit_ = "cpu";
    Json touched = Json::array();
    if (usage.out_of_memory && limit_ != "memory") touched.push_back("memory");
    if (usage.out_of_processes) touched.push_back("processes");
    if (ended_ && WIFSIGNALED(wait_status_) && WTERMSIG(wait_status_) == SIGXFSZ) touched.push_back("file");
    struct statfs space {};
    if (!job_.layer.empty() && statfs(job_.layer.c_str(), &space) == 0) {
      end["layer_bytes"] = static_cast<int64_t>(space.f_blocks - space.f_bfree) * space.f_bsize;
      if (space.f_bfree == 0) touched.push_back("disk");
      if (space.f_ffree == 0) touched.push_back("files");
    }
    end["touched"] = touched;
    end["refused"] = refused_;
    if (cannot_execute_) end["cannot_execute"] = cannot_execute_;
    if (!limit_.empty()) end["limit"] = limit_;
    else if (WIFSIGNALED(wait_status_)) end["signal"] = WTERMSIG(wait_status_);
    else end["exit_code"] = WEXITSTATUS(wait_status_);
    tell(end);
  }

  RunJob job_;
  RunSpec& run_;
  const Walls walls_;
  Fd slot_lock_, id_map_, reports_, init_reports_, init_handle_, program_, notify_;
  unsigned uid_ = kLayerUid, init_uid_ = kLayerUid + 1;
  std::optional<Cgroup> cgroup_;
  pid_t init_ = -1;
  bool started_ = false, ended_ = false, init_died_ = false;
  int wait_status_ = 0, cannot_execute_ = 0;
  int64_t start_us_ = 0, end_us_ = 0, rusage_cpu_us_ = 0, rusage_peak_bytes_ = 0;
  std::string limit_;
  std::optional<Error> failure_;
  std::set<std::string> refused_;
};

}  // namespace

void supervise(RunJob job) {
  prctl(PR_SET_NAME, "assay-run");
  Supervisor(std::move(job)).supervise();
  _exit(0);
}

}  // namespace assay::launcher
