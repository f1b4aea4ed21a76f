#include "sandbox/launcher/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/protocol.h"

namespace assay::launcher {
namespace {

constexpr const char* kAllowed[] = {
    // Files.
    "access", "faccessat", "faccessat2", "open", "openat", "openat2", "creat", "close", "close_range", "read", "readv", "pread64", "preadv",
    "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2", "lseek", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs",
    "fstatfs", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "chdir", "fchdir", "rename", "renameat", "renameat2", "link",
    "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown",
    "fchownat", "lchown", "umask", "truncate", "ftruncate", "fallocate", "fadvise64", "readahead", "sync", "fsync", "fdatasync", "syncfs",
    "sync_file_range", "copy_file_range", "sendfile", "splice", "tee", "vmsplice", "utime", "utimes", "utimensat", "futimesat", "flock", "fcntl",
    "dup", "dup2", "dup3", "pipe", "pipe2", "getxattr", "lgetxattr", "fgetxattr", "setxattr", "lsetxattr", "fsetxattr", "listxattr",
    "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr", "inotify_init", "inotify_init1", "inotify_add_watch",
    "inotify_rm_watch", "memfd_create",
    // Waiting for files.
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd",
    "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime", "timerfd_gettime", "io_setup", "io_destroy", "io_submit",
    "io_cancel", "io_getevents", "io_pgetevents",
    // Memory.
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore", "mlock", "mlock2", "munlock", "mlockall", "munlockall",
    "membarrier", "pkey_alloc", "pkey_free", "pkey_mprotect", "shmget", "shmat", "shmdt", "shmctl", "get_mempolicy", "set_mempolicy", "mbind",
    // Processes and threads.
    "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "getpid", "getppid", "gettid", "getpgid", "setpgid",
    "getpgrp", "getsid", "setsid", "set_tid_address", "set_robust_list", "get_robust_list", "rseq", "futex", "futex_waitv", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler", "sched_setscheduler", "sched_setparam", "sched_getattr",
    "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "getpriority", "setpriority", "ioprio_get", "ioprio_set",
    "getcpu", "getrlimit", "setrlimit", "prlimit64", "getrusage", "times", "sysinfo", "uname", "pidfd_open", "pidfd_send_signal", "prctl",
    "arch_prctl", "getrandom", "capget", "capset", "restart_syscall",
    // Users: asking is free, and becoming somebody else fails in a namespace of one user.
    "getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "getresgid", "setuid", "setgid", "setreuid", "setregid",
    "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups",
    // Signals.
    "kill", "tkill", "tgkill", "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "rt_sigsuspend", "rt_sigreturn", "sigaltstack", "pause",
    // Time.
    "time", "gettimeofday", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "alarm", "getitimer", "setitimer",
    "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
    // Sockets; which families is said below.
    "bind", "listen", "accept", "accept4", "getsockname", "getpeername", "getsockopt", "setsockopt", "shutdown", "sendmsg", "sendmmsg", "recvfrom",
    "recvmsg", "recvmmsg",
    // System V and POSIX queues and semaphores, in a namespace of their own.
    "semget", "semop", "semctl", "semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", "mq_timedsend",
    "mq_timedreceive", "mq_notify", "mq_getsetattr",
};

constexpr uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
                                 0x00000080 /* CLONE_NEWTIME */;

class Builder {
 public:
  Builder() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
  ~Builder() { seccomp_release(context_); }

  // A call that this libseccomp does not know by name cannot be listed, and so stays refused.
  template <typename... Conditions>
  void rule(uint32_t action, const char* name, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0) return;
    if (const int error = seccomp_rule_add(context_, action, number, sizeof...(conditions), conditions...); error != 0 && !error_) error_ = -error;
  }
  void attribute(scmp_filter_attr name, uint32_t value) {
    if (const int error = seccomp_attr_set(context_, name, value); error != 0 && !error_) error_ = -error;
  }

  Result<SeccompFilter> compile() {
    Fd file(memfd_create("seccomp", MFD_CLOEXEC));
    if (!error_ && file)
      if (const int error = seccomp_export_bpf(context_, file.get()); error != 0) error_ = -error;
    errno = error_;
    if (error_ || !file) return system_error("the system call filter cannot be built");
    SeccompFilter out;
    out.program.resize(static_cast<size_t>(lseek(file.get(), 0, SEEK_END)) / sizeof(sock_filter));
    const size_t bytes = out.program.size() * sizeof(sock_filter);
    if (pread(file.get(), out.program.data(), bytes, 0) != static_cast<ssize_t>(bytes)) return system_error("the system call filter cannot be read");
    return out;
  }

 private:
  scmp_filter_ctx context_;
  int error_ = 0;
};

void allow_sockets(Builder& builder, Watch watch) {
  // No AF_VSOCK (it ignores network namespaces), AF_ALG, AF_PACKET or anything newer.
  for (const char* name : {"socket", "socketpair"}) {
    for (int family : {AF_UNIX, AF_INET, AF_INET6}) builder.rule(SCMP_ACT_ALLOW, name, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
    // Which interfaces there are; no other netlink protocol.
    builder.rule(SCMP_ACT_ALLOW, name, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2(SCMP_CMP_EQ, 0));
  }
  if (watch == Watch::kNothing) {
    builder.rule(SCMP_ACT_ALLOW, "connect");
    builder.rule(SCMP_ACT_ALLOW, "sendto");
    return;
  }
  builder.rule(SCMP_ACT_NOTIFY, "connect");
  builder.rule(SCMP_ACT_NOTIFY, "sendto", SCMP_A4(SCMP_CMP_NE, 0));
  builder.rule(SCMP_ACT_ALLOW, "sendto", SCMP_A4(SCMP_CMP_EQ, 0));
}

}  // namespace

Result<SeccompFilter> make_seccomp_filter(Watch watch) {
  Builder builder;
  builder.attribute(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  builder.attribute(SCMP_FLTATR_CTL_OPTIMIZE, 2);   // a binary tree: the cost of a call does not grow with the list
  for (const char* name : kAllowed) builder.rule(SCMP_ACT_ALLOW, name);
  builder.rule(SCMP_ACT_ERRNO(ENOSYS), "clone3");
  builder.rule(SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaces, 0));
  builder.rule(SCMP_ACT_ALLOW, "unshare", SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaces, 0));
  // Device nodes need rights that are not there; pipes and plain files are fine.
  for (int type : {S_IFREG, S_IFIFO, S_IFSOCK}) {
    builder.rule(SCMP_ACT_ALLOW, "mknod", SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, static_cast<scmp_datum_t>(type)));
    builder.rule(SCMP_ACT_ALLOW, "mknodat", SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, static_cast<scmp_datum_t>(type)));
  }
  for (scmp_datum_t persona : {scmp_datum_t{PER_LINUX}, scmp_datum_t{0xffffffff}})
    builder.rule(SCMP_ACT_ALLOW, "personality", SCMP_A0(SCMP_CMP_EQ, persona));
  // A request is 32 bits for the kernel, whatever stands above them.
  const auto ioctl_is = [](scmp_datum_t request) { return SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, request); };
  for (scmp_datum_t request : {scmp_datum_t{TCGETS}, scmp_datum_t{TCSETS}, scmp_datum_t{TCSETSW}, scmp_datum_t{TCSETSF}, scmp_datum_t{TIOCGWINSZ}, scmp_datum_t{TIOCSWINSZ},
                               scmp_datum_t{TIOCGPGRP}, scmp_datum_t{TIOCSPGRP}, scmp_datum_t{TIOCSCTTY}, scmp_datum_t{TIOCNOTTY}, scmp_datum_t{TIOCGPTN},
                               scmp_datum_t{TIOCSPTLCK}, scmp_datum_t{TIOCGSID}, scmp_datum_t{TIOCGPTPEER}, scmp_datum_t{TCFLSH}, scmp_datum_t{TCSBRK}, scmp_datum_t{FIONREAD}, scmp_datum_t{TIOCOUTQ},
                               scmp_datum_t{FIONBIO}, scmp_datum_t{FIOCLEX}, scmp_datum_t{FIONCLEX}, scmp_datum_t{FIOASYNC},
                               scmp_datum_t{0x8912} /* SIOCGIFCONF */, scmp_datum_t{0x8913} /* SIOCGIFFLAGS */, scmp_datum_t{0x8915} /* SIOCGIFADDR */,
                               scmp_datum_t{0x8927} /* SIOCGIFHWADDR */, scmp_datum_t{0x8933} /* SIOCGIFINDEX */, scmp_datum_t{0x8910} /* SIOCGIFNAME */,
                               scmp_datum_t{0x8921} /* SIOCGIFMTU */, scmp_datum_t{0x80086601} /* FS_IOC_GETFLAGS */})
    builder.rule(SCMP_ACT_ALLOW, "ioctl", ioctl_is(request));
  allow_sockets(builder, watch);
  return builder.compile();
}

int load_seccomp(const SeccompFilter& filter, Watch watch) {
  sock_fprog program{static_cast<unsigned short>(filter.program.size()), const_cast<sock_filter*>(filter.program.data())};
  const unsigned flags = watch == Watch::kConnections ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

}  // namespace assay::launcher
