// System calls that no test suite needs, each of which has been the door of an escape from some kernel; and ways around a
// filter of calls.
#include <errno.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sandbox/escape/probe.h"

namespace assay::escape::attacks::calls {
namespace {

int of_call(long returned) { return returned < 0 && errno == ENOSYS ? kUnsupported : outcome(returned >= 0); }

int io_uring(const Arguments&) {
  io_uring_params parameters{};
  return of_call(syscall(SYS_io_uring_setup, 4, &parameters));
}
int key(const Arguments&) { return of_call(syscall(SYS_add_key, "user", "assay", "x", 1, -2)); }
int keyring(const Arguments&) { return of_call(syscall(SYS_keyctl, 0, -3, 1)); }
int bpf_map(const Arguments&) {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  return of_call(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}
int perf(const Arguments&) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.exclude_kernel = attributes.exclude_hv = 1;
  return of_call(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}
int page_faults(const Arguments&) { return of_call(syscall(SYS_userfaultfd, 1)); }
int no_randomness(const Arguments&) { return outcome(personality(ADDR_NO_RANDOMIZE) >= 0); }
int compare(const Arguments&) { return of_call(syscall(SYS_kcmp, getpid(), getpid(), 0, 0, 1)); }
int watch_all(const Arguments&) { return of_call(syscall(SYS_fanotify_init, 0x200, O_RDONLY)); }
int descriptors_table(const Arguments&) {
  char space[64];
  return of_call(syscall(SYS_modify_ldt, 0, space, sizeof space));
}
int kernel_log(const Arguments&) { return outcome(klogctl(10, nullptr, 0) > 0); }
int handle(const Arguments&) {
  alignas(8) char space[256] = {};
  *reinterpret_cast<unsigned*>(space) = 128;
  int mount;
  return of_call(syscall(SYS_name_to_handle_at, AT_FDCWD, "/usr", space, &mount, 0));
}

int trace_child(const Arguments&) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const bool good = ptrace(PTRACE_ATTACH, child, nullptr, nullptr) == 0;
  kill(child, SIGKILL);
  return outcome(good);
}

int read_child(const Arguments&) {
  static volatile int secret = 7;
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  int got = 0;
  iovec local{&got, sizeof got}, remote{const_cast<int*>(&secret), sizeof got};
  const bool good = process_vm_readv(child, &local, 1, &remote, 1, 0) == sizeof got && got == 7;
  kill(child, SIGKILL);
  return outcome(good);
}

// 20 is getpid for a 32-bit program, and writev for the filter, if it forgets to ask which.
int compatible(const Arguments&) {
#if defined(__x86_64__)
  long result = 20;
  asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
  return result == -ENOSYS ? kUnsupported : outcome(result == getpid());
#else
  return kUnsupported;
#endif
}

// A call that the filter refuses, by its other number.
int x32(const Arguments&) {
  const long number = 0x40000000L + SYS_add_key;
  return of_call(syscall(number, "user", "assay", "x", 1, -2));
}

auto family(int family, int type, int protocol = 0) {
  return [=](const Arguments&) {
    const int fd = socket(family, type, protocol);
    return fd < 0 && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT) ? kUnsupported : outcome(fd >= 0);
  };
}

}  // namespace

std::vector<Attack> make() {
  std::vector<Attack> out;
  const std::pair<const char*, std::function<int(const Arguments&)>> by_filter_alone[] = {
      {"sets up an io_uring", io_uring}, {"adds a key", key}, {"joins a keyring", keyring}, {"catches page faults", page_faults},
      {"turns address randomness off", no_randomness}, {"compares kernel pointers", compare}, {"watches file systems", watch_all},
      {"reads its descriptor table", descriptors_table}, {"makes a file handle", handle},
      {"traces its own child", trace_child}, {"reads its child's memory", read_child}, {"calls by 32-bit numbers", compatible}, {"calls by x32 numbers", x32},
      {"opens a socket to the hypervisor", family(40, SOCK_STREAM)}, {"opens a socket to the kernel's cryptography", family(38, SOCK_SEQPACKET)},
      {"listens to the kernel's device events", family(16, SOCK_DGRAM, 15)}, {"asks the kernel about others' sockets", family(16, SOCK_DGRAM, 4)},
      {"opens a Bluetooth socket", family(31, SOCK_RAW, 1)}};
  for (const auto& [name, inside] : by_filter_alone) out.push_back({name, {"seccomp"}, inside, nullptr, nullptr});
  // Where the machine's own settings keep these for root, the walls around root stop them, too.
  const std::vector<std::string> alone{"seccomp"}, with_root{"seccomp", "capabilities", "uid", "user"};
  const auto setting = [](const char* name) { return atoi(contents(std::string("/proc/sys/kernel/") + name).c_str()); };
  out.push_back({"makes a BPF map", setting("unprivileged_bpf_disabled") ? with_root : alone, bpf_map, nullptr, nullptr});
  out.push_back({"reads the kernel's log", setting("dmesg_restrict") ? with_root : alone, kernel_log, nullptr, nullptr});
  out.push_back({"counts events", setting("perf_event_paranoid") > 2 ? with_root : alone, perf, nullptr, nullptr});
  return out;
}

}  // namespace assay::escape::attacks::calls
