// The first process of a run: it builds the run's root, starts the program behind every wall, gives up its own rights, reaps
// what it is left with, and reports.
#pragma once

#include "sandbox/launcher/cgroup.h"
#include "sandbox/launcher/root.h"
#include "sandbox/launcher/run_spec.h"
#include "sandbox/launcher/seccomp.h"

namespace assay::launcher {

// From init (and, until it becomes the program, the program's process) to the supervisor, over a SOCK_SEQPACKET pair.
struct Report {
  enum Kind : int { kProxyListener, kNotifyListener, kStarted, kCannotExecute, kExited, kBroken };
  Kind kind = kBroken;
  int value = 0;          // kExited: wait status; kCannotExecute: errno
  char what[256] = {}, where[512] = {}, hint[256] = {};   // kBroken: why

  static Report broken(const Error& error);
  Error error() const;
};
bool send_report(int socket, const Report& report, int fd = -1);
// False when the other end is gone.
bool receive_report(int socket, Report& report, Fd& fd);

struct InitSpec {
  const RunSpec* run = nullptr;
  RootSpec root;
  const SeccompFilter* filter = nullptr;
  unsigned uid = 0, init_uid = 0;   // of this run, on the host
  int reports = -1;                 // this end of the pair
  const Cgroup* cgroup = nullptr;   // to enter; null: none
  bool privileged = true;           // false: no namespaces, no root; only what every process may do to itself
};

// A user namespace in which the owner of layers is this user of the host: what file systems are id-mapped by.
Result<Fd> make_id_map(unsigned uid);

// errno, after a process was to get a user namespace of its own.
Error no_user_namespace();

// Never returns.
[[noreturn]] void run_init(const InitSpec& spec);

}  // namespace assay::launcher
