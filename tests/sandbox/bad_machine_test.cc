// What is said where something is missing. Every case takes it away from a process of its own, by namespaces, mounts, user ids
// and system call filters that end with that process; the machine keeps everything.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "envs/interpreter.h"
#include "sandbox/backend.h"
#include "sandbox/launcher/run_spec.h"

using namespace assay;

namespace {

namespace fs = std::filesystem;

// The condition cannot be made here.
struct Impossible : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void need(bool good, const std::string& what) {
  if (!good) throw Impossible(what + ": " + strerror(errno));
}

constexpr const char* kSkipped = "skipped: ";

// What `ask` says in a process in which `spoil` went before.
std::string told(const std::function<void()>& spoil, const std::function<std::string()>& ask) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::string text;
    try {
      need(geteuid() == 0, "needs root");
      spoil();
      text = ask();
    } catch (const Impossible& impossible) {
      text = kSkipped + std::string(impossible.what());
    } catch (const std::exception& broken) {
      text = "the test broke: " + std::string(broken.what());
    }
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string out;
  char part[4096];
  for (ssize_t got; (got = read(ends[0], part, sizeof part)) > 0;) out.append(part, static_cast<size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  return out;
}

// Every word of `wanted` stands in what was said; a case that is impossible here says so aloud.
void check(const std::string& said, std::initializer_list<const char*> wanted) {
  std::printf("%s\n", said.c_str());
  if (said.starts_with(kSkipped)) return;
  for (const char* each : wanted) CHECK_THAT(said, Catch::Contains(each));
}

std::function<std::string()> executor_says(const std::string& sandbox, ExecutorOptions options = {}) {
  return [=] {
    const auto executor = make_executor(sandbox, options);
    return executor.ok() ? "works" : executor.error().text();
  };
}

void own_mounts() {
  need(unshare(CLONE_NEWNS) == 0 && mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "no mount namespace");
}

void put_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  need(out.flush().good(), path);
}

// A user namespace with root and nobody, made by somebody outside of it.
void own_user_namespace() {
  int ready[2];
  need(pipe(ready) == 0, "pipe");
  const pid_t self = getpid(), mapper = fork();
  if (mapper == 0) {
    char byte;
    close(ready[1]);
    bool good = read(ready[0], &byte, 1) == 1;
    for (const char* map : {"/gid_map", "/uid_map"}) {
      const std::string text = "0 0 1\n65534 65534 1\n";
      const int fd = open(("/proc/" + std::to_string(self) + map).c_str(), O_WRONLY);
      good &= write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    }
    _exit(good ? 0 : 1);
  }
  int status = 1;
  need(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write(ready[1], "x", 1) == 1 && waitpid(mapper, &status, 0) == mapper && status == 0, "no user namespace");
}

void put_tmpfs(const std::string& point, const std::string& options) { need(mount("test", point.c_str(), "tmpfs", 0, options.c_str()) == 0, "no tmpfs on " + point); }

// A copy where every user may execute it: the build may lie in somebody's home.
class PublicLauncher {
 public:
  PublicLauncher() {
    REQUIRE(mkdtemp(folder_.data()) != nullptr);
    fs::permissions(folder_, fs::perms(0755));
    fs::path built = fs::read_symlink("/proc/self/exe").parent_path();
    if (!fs::exists(built / "assay-launcher")) built = built.parent_path();
    fs::copy_file(built / "assay-launcher", path());
  }
  ~PublicLauncher() { fs::remove_all(folder_); }
  std::string path() const { return folder_ + "/assay-launcher"; }

 private:
  std::string folder_ = (fs::temp_directory_path() / "assay-test-XXXXXX").string();
};

std::string public_launcher() {
  static const PublicLauncher launcher;
  return launcher.path();
}

void become_nobody() {
  need(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0, "cannot become nobody");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void without_capability(int capability) {
  need(prctl(PR_CAPBSET_DROP, capability) == 0, "the bounding set");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  need(syscall(SYS_capget, &header, data) == 0, "capget");
  for (auto* set : {&data[0].effective, &data[0].permitted, &data[0].inheritable}) *set &= ~(1u << capability);
  need(syscall(SYS_capset, &header, data) == 0, "capset");
}

// From now on `number` is answered with `action` where bit `flag` of its first argument is set (any call, with 0).
int filter(int number, uint32_t flag, uint32_t action, unsigned how = 0) {
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 3),
                           BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
                           BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 0, static_cast<uint8_t>(flag != 0)),
                           BPF_STMT(BPF_RET | BPF_K, action),
                           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog all{sizeof program / sizeof *program, program};
  const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, how, &all);
  need(listener >= 0, "no system call filter");
  return static_cast<int>(listener);
}

void refuse_user_namespaces(int error) {
  for (int number : {SYS_unshare, SYS_clone}) filter(number, CLONE_NEWUSER, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error));
}

// A kernel without overlayfs: mounting one fails as there, and all other mounts succeed. `ask` runs in a thread under the filter.
std::string without_overlayfs(const std::function<std::string()>& ask) {
  std::string said;
  int ends[2];
  need(pipe(ends) == 0, "pipe");
  std::thread asking([&] {
    int listener = -1;
    try {
      listener = filter(SYS_mount, 0, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    } catch (const Impossible& impossible) {
      said = kSkipped + std::string(impossible.what());
    }
    (void)!write(ends[1], &listener, sizeof listener);
    if (listener >= 0) said = ask();
    close(ends[1]);
  });
  int listener = -1;
  need(read(ends[0], &listener, sizeof listener) == sizeof listener, "read");
  std::thread answering([listener] {
    seccomp_notif question{};
    while (listener >= 0 && ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) == 0) {
      char type[8] = {};
      const int memory = open(("/proc/" + std::to_string(question.pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
      const bool overlay = pread(memory, type, sizeof type, static_cast<off_t>(question.data.args[2])) == sizeof type && std::string_view(type, 8) == std::string_view("overlay\0", 8);
      close(memory);
      seccomp_notif_resp answer{question.id, 0, overlay ? -ENODEV : 0, overlay ? 0 : static_cast<uint32_t>(SECCOMP_USER_NOTIF_FLAG_CONTINUE)};
      ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
      question = {};
    }
  });
  answering.detach();   // it ends with the process
  asking.join();
  return said;
}

std::vector<std::string> cgroup_mounts() {
  std::vector<std::string> out;
  std::ifstream lines("/proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);)
    if (line.find(" - cgroup") != std::string::npos) {
      std::istringstream words(line);
      std::string word;
      for (int i = 0; i < 5; ++i) words >> word;
      out.push_back(word);
    }
  return out;
}

// A /proc/sys/kernel in which `name` has this value; of the others, those that bubblewrap reads.
void pretend(const std::string& name, const std::string& value) {
  const std::string folder = "/proc/sys/kernel";
  put_tmpfs(folder, "");
  for (const char* each : {"/overflowuid", "/overflowgid"}) put_file(folder + each, "65534\n");
  put_file(folder + "/" + name, value);
}

// The temporary folder is an empty file system in memory.
void small_temporary_folder(const std::string& options) {
  own_mounts();
  put_tmpfs("/mnt", options);
  setenv("TMPDIR", "/mnt", 1);
}

// /usr without these of Debian's files, as overlayfs shows a lower layer with whiteouts.
void without_files(const std::vector<std::string>& names) {
  own_mounts();
  put_tmpfs("/mnt", "");
  for (const std::string& name : names) {
    const fs::path whiteout = "/mnt/usr" + name;
    fs::create_directories(whiteout.parent_path());
    need(mknod(whiteout.c_str(), S_IFCHR, 0) == 0, "no whiteout");
  }
  need(mount("test", "/usr", "overlay", MS_RDONLY, "lowerdir=/mnt/usr:/usr") == 0, "no overlayfs");
}

std::string interpreter_says() {
  const auto executor = make_executor("native");
  if (!executor.ok()) throw Impossible(executor.error().text());
  const auto versions = Interpreter(**executor, {}, {}).versions();
  return versions.ok() ? "works" : versions.error().text();
}

bool native_works() {
  const auto executor = make_executor("native");
  if (!executor.ok()) std::printf("skipped: sandbox native: %s\n", executor.error().text().c_str());
  return executor.ok();
}

constexpr const char* kNativeFails = "the sandbox 'native' does not work here: ";
constexpr const char* kBwrapFails = "the sandbox 'bwrap' does not work here: ";
constexpr const char* kOutside = "or --sandbox external:COMMAND with a container or virtual machine";
constexpr const char* kUseBwrap = "or --sandbox bwrap, which works here";

}  // namespace

TEST_CASE("nothing is missing when nothing was taken away", "[machine]") {
  if (!native_works()) return;
  check(told([] {}, executor_says("")), {"works"});
  check(told(own_mounts, executor_says("", {.launcher = public_launcher()})), {"works"});
  check(told([] { without_files({"/share/doc/no-such-file"}); }, interpreter_says), {"works"});
}

TEST_CASE("without root, bubblewrap is named where it works", "[machine]") {
  if (!native_works()) return;
  const std::string bwrap = told(become_nobody, executor_says("bwrap", {.launcher = public_launcher()}));
  check(told(become_nobody, executor_says("", {.launcher = public_launcher()})),
        {kNativeFails, "not root", bwrap == "works" ? kUseBwrap : kOutside, "run as root"});
}

TEST_CASE("without namespaces nothing of ours isolates", "[machine]") {
  if (!native_works()) return;
  // A container of Docker's, as it is by default.
  check(told([] { without_capability(CAP_SYS_ADMIN); }, executor_says("")), {kNativeFails, "a mount namespace cannot be made: Operation not permitted", "CAP_SYS_ADMIN"});
  check(told([] { refuse_user_namespaces(EPERM); }, executor_says("")), {kNativeFails, "a user namespace cannot be made: Operation not permitted", "pivot_root", kOutside});
  check(told([] { refuse_user_namespaces(ENOSPC); }, executor_says("")), {kNativeFails, "a user namespace cannot be made: No space left on device", "user.max_user_namespaces", kOutside});
  check(told([] { filter(SYS_clone3, 0, SECCOMP_RET_ERRNO | ENOSYS); }, executor_says("")), {kNativeFails, "the namespaces cannot be made: Function not implemented", "clone3"});
}

TEST_CASE("a kernel that keeps namespaces from users is told with the switch that does it", "[machine]") {
  if (!native_works()) return;
  const auto nobody = [](const char* name, const char* value, int error) {
    return [=] {
      own_mounts();
      if (name) pretend(name, value);
      refuse_user_namespaces(error);
      become_nobody();
    };
  };
  const ExecutorOptions options{.launcher = public_launcher()};
  // Ubuntu since 23.10.
  check(told(nobody("apparmor_restrict_unprivileged_userns", "1\n", EPERM), executor_says("bwrap", options)),
        {kBwrapFails, "bwrap: ", "kernel.apparmor_restrict_unprivileged_userns=0", "as root with --sandbox native", kOutside});
  // Debian before 11.
  check(told(nobody("unprivileged_userns_clone", "0\n", EPERM), executor_says("bwrap", options)), {kBwrapFails, "kernel.unprivileged_userns_clone=1", kOutside});
  check(told(nobody(nullptr, "", EPERM), executor_says("bwrap", options)), {kBwrapFails, "bwrap: ", "a container must allow user namespaces", kOutside});
  // Both at once: neither root nor namespaces.
  check(told(nobody(nullptr, "", EPERM), executor_says("", options)), {kNativeFails, "not root", kOutside});
  // This switch belongs to each user namespace for itself.
  check(told([] {
          own_user_namespace();
          put_file("/proc/sys/user/max_user_namespaces", "0\n");
          become_nobody();
        }, executor_says("bwrap", options)),
        {kBwrapFails, "bwrap: ", "user.max_user_namespaces=10000", kOutside});
}

TEST_CASE("root of a user namespace is no root, as in a rootless container", "[machine]") {
  if (!native_works()) return;
  check(told(own_user_namespace, executor_says("")), {kNativeFails, "root of a user namespace only, as in a rootless container", "run as root of the machine", kOutside});
  check(told(own_user_namespace, executor_says("bwrap")), {kBwrapFails, "the user of runs cannot own it: Invalid argument", "as another user than its root", kOutside});
}

TEST_CASE("a chroot is told apart from a root of one's own", "[machine]") {
  if (!native_works()) return;
  check(told([] {
          own_mounts();
          need(mount("/", "/mnt", nullptr, MS_BIND | MS_REC, nullptr) == 0 && chroot("/mnt") == 0 && chdir("/") == 0, "no chroot");
        }, executor_says("", {.launcher = public_launcher()})),
        {kNativeFails, "a user namespace cannot be made: Operation not permitted", "a root entered by pivot_root, not by chroot", kOutside});
}

TEST_CASE("a kernel without overlayfs has bubblewrap", "[machine]") {
  if (!native_works()) return;
  const std::string said = told([] {}, [] { return without_overlayfs(executor_says("")); });
  check(said, {kNativeFails, "overlayfs cannot be mounted: No such device", "modprobe overlay"});
  if (!said.starts_with(kSkipped) && make_executor("bwrap").ok()) CHECK_THAT(said, Catch::Contains(kUseBwrap));
}

TEST_CASE("cgroups that are absent, read-only or used up are told so", "[machine]") {
  if (!native_works()) return;
  check(told([] {
          own_mounts();
          for (const std::string& point : cgroup_mounts()) need(umount2(point.c_str(), MNT_DETACH) == 0, point);
        }, executor_says("")),
        {kNativeFails, "no cgroups: neither version 2 nor version 1 with memory, pids and cpu is mounted", "mount -t cgroup2"});
  check(told([] {
          own_mounts();
          for (const std::string& point : cgroup_mounts())
            need(mount(point.c_str(), point.c_str(), nullptr, MS_BIND, nullptr) == 0 && mount("", point.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0, point);
        }, executor_says("")),
        {kNativeFails, "cgroup"});
  // No group more: with version 1 a place with room for none stands in the way of it.
  check(told([] {
          own_mounts();
          if (!fs::exists("/sys/fs/cgroup/pids")) throw Impossible("cgroups of version 2 are not used up without root of the machine");
          put_tmpfs("/sys/fs/cgroup/pids", "nr_inodes=1");
        }, executor_says("")),
        {kNativeFails, "/sys/fs/cgroup/pids/assay-", "the cgroup cannot be made: No space left on device", "cgroups are used up"});
}

TEST_CASE("user ids that are all taken are told so, and what was taken is free again", "[machine]") {
  if (!native_works()) return;
  constexpr int kOneSlot = 4000;   // a descriptor
  const auto take_all = [] {
    own_mounts();
    put_tmpfs("/run", "");
    mkdir("/run/assay-slots", 0700);
    const rlimit many{8192, 8192};
    need(setrlimit(RLIMIT_NOFILE, &many) == 0, "open files");
    for (int slot = 0; slot < launcher::kSlots; ++slot) {
      const int fd = open(("/run/assay-slots/" + std::to_string(slot)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      need(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0, "a slot");
      if (slot == 77) need(dup3(fd, kOneSlot, O_CLOEXEC) == kOneSlot && close(fd) == 0, "dup3");
    }
  };
  check(told(take_all, executor_says("")), {kNativeFails, "/run/assay-slots: ", "all 1024 user ids for runs are taken", "fewer runs at once"});
  check(told([&] {
          take_all();
          close(kOneSlot);
        }, executor_says("")),
        {"works"});
}

TEST_CASE("layers on a file system that cannot be id-mapped are told so", "[machine]") {
  if (!native_works()) return;
  check(told([] {
          own_mounts();
          put_tmpfs("/mnt", "");
          for (const char* name : {"/mnt/l", "/mnt/u", "/mnt/w", "/mnt/o"}) need(mkdir(name, 0755) == 0, name);
          need(mount("test", "/mnt/o", "overlay", 0, "lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w") == 0, "no overlayfs");
          setenv("TMPDIR", "/mnt/o", 1);
        }, [] {
          const auto executor = make_executor("native");
          if (!executor.ok()) return executor.error().text();
          const auto layer = (*executor)->add_layer("/usr/share/zoneinfo/Arctic", "work");
          if (!layer.ok()) return layer.error().text();
          const auto workspace = (*executor)->workspace({.layers = {*layer}});
          if (!workspace.ok()) return workspace.error().text();
          const auto run = (*executor)->run({.argv = {"true"}}, **workspace);
          if (!run.ok()) return run.error().text();
          throw Impossible(run->missing_walls.empty() ? "overlayfs can be id-mapped here" : "nothing is id-mapped here");
        }),
        {"/mnt/o/assay-layers-", "its file system cannot be id-mapped", "another TMPDIR"});
}

TEST_CASE("a full disk is told with the folder that is full", "[machine]") {
  if (!native_works()) return;
  for (const char* sandbox : {"native", "none"})   // not even a folder more
    check(told([] { small_temporary_folder("nr_inodes=1"); }, executor_says(sandbox, {.launcher = public_launcher()})),
          {"/mnt/assay-", "a temporary folder cannot be made: No space left on device", "TMPDIR"});
  // A folder, and no bytes.
  const auto full = [] {
    small_temporary_folder("size=4k,nr_inodes=40");
    put_file("/mnt/all", std::string(4096, 'x'));
  };
  check(told(full, [] {
          const auto executor = make_executor("native");
          if (!executor.ok()) return executor.error().text();
          const auto layer = (*executor)->add_layer("/usr/share/zoneinfo/Europe", "work");
          return layer.ok() ? "works" : layer.error().text();
        }),
        {"/mnt/assay-layers-", "the layer cannot be written: No space left on device", "room on the disk"});
  check(told(full, [] {
          const auto executor = make_executor("none");
          if (!executor.ok()) return executor.error().text();
          const auto workspace = (*executor)->workspace({});
          return workspace.ok() ? "works" : workspace.error().text();
        }),
        {"/mnt/assay-workspace-", "a workspace cannot be made: ", "No space left on device", "TMPDIR"});
  check(told([] {
          own_mounts();
          put_tmpfs("/run", "nr_inodes=1");
        }, executor_says("")),
        {kNativeFails, "/run/assay: the launcher's folder cannot be made: No space left on device", "room on /run"});
  check(told([] { small_temporary_folder("size=8k"); }, [] {
          const auto executor = make_executor("native");
          if (!executor.ok()) return executor.error().text();
          const auto workspace = (*executor)->workspace({});
          const auto run = (*executor)->run({.argv = {"head", "-c", "1000000", "/dev/urandom"}, .log = "/mnt/log"}, **workspace);
          return run.ok() ? "works" : run.error().text();
        }),
        {"/mnt/log.out.zst: the log cannot be written", "room on the disk"});
}

TEST_CASE("a missing kernel, interpreter or program of ours is told with its package", "[machine]") {
  if (!native_works()) return;
  check(told([] { without_files({"/lib/python3/dist-packages/ipykernel", "/lib/python3/dist-packages/ipykernel_launcher.py"}); }, interpreter_says),
        {"the Python kernel cannot be started: ", "No module named 'ipykernel", "apt-get install python3-ipykernel python3-jupyter-client"});
  check(told([] { without_files({"/lib/python3/dist-packages/jupyter_client"}); }, interpreter_says),
        {"the Python kernel cannot be started: ", "jupyter_client", "apt-get install python3-ipykernel python3-jupyter-client"});
  check(told([] { without_files({"/bin/python3"}); }, interpreter_says), {"Python cannot be started: No such file or directory: /usr/bin/python3 (try: apt-get install python3"});
  check(told([] { without_files({"/bin/bwrap"}); }, executor_says("bwrap")), {kBwrapFails, "/usr/bin/bwrap is missing", "apt-get install bubblewrap", "or --sandbox native, which works here"});
  check(told([] {}, executor_says("native", {.launcher = "/nonexistent/assay-launcher"})), {kNativeFails, "/nonexistent/assay-launcher: the launcher cannot be started: No such file or directory"});
}
