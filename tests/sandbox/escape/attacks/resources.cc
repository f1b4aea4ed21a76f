// More of the machine than a run was given. Every bomb is bounded by itself.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sandbox/escape/probe.h"

namespace assay::escape::attacks::resources {
namespace {

constexpr int64_t kMega = 1 << 20;

int fork_bomb(const Arguments&) {
  int made = 0;
  for (; made < 100; ++made) {
    const pid_t child = fork();
    if (child < 0) break;
    if (child == 0) {
      pause();
      _exit(0);
    }
  }
  return outcome(made == 100);
}

int thread_bomb(const Arguments&) {
  for (int i = 0; i < 100; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, [](void*) -> void* { return pause(), nullptr; }, nullptr) != 0) return kStopped;
  }
  return kSucceeded;
}

bool touch(int64_t bytes) {
  void* all = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return false;
  for (int64_t i = 0; i < bytes; i += 4096) static_cast<volatile char*>(all)[i] = 1;
  return true;
}

int memory_bomb(const Arguments&) { return outcome(touch(200 * kMega)); }

// Four processes of a quarter each.
int memory_of_many(const Arguments&) {
  for (int i = 0; i < 4; ++i)
    if (fork() == 0) {
      touch(50 * kMega);
      usleep(300'000);
      _exit(0);
    }
  int good = 0;
  for (int status; wait(&status) > 0;) good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return outcome(good == 4);
}

bool fill(const std::string& path, int64_t bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const std::string block(static_cast<size_t>(kMega), 'x');
  for (int64_t done = 0; done < bytes; done += kMega)
    if (write(fd, block.data(), block.size()) != kMega) return false;
  close(fd);
  return true;
}

int memory_in_shared_folder(const Arguments&) { return outcome(fill("/dev/shm/big", 48 * kMega)); }
int disk_bomb(const Arguments&) {
  for (int i = 0; i < 4; ++i)
    if (!fill("f" + std::to_string(i), 4 * kMega)) return kStopped;
  return kSucceeded;
}
int large_file(const Arguments&) {
  signal(SIGXFSZ, SIG_IGN);
  return outcome(fill("large", 8 * kMega));
}
int sparse_file(const Arguments&) {
  signal(SIGXFSZ, SIG_IGN);
  const int fd = open("sparse", O_WRONLY | O_CREAT, 0644);
  return outcome(ftruncate(fd, 64 * kMega) == 0);
}
int file_bomb(const Arguments&) {
  for (int i = 0; i < 300; ++i) {
    const int fd = open(("n" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT, 0644);
    if (fd < 0) return kStopped;
    close(fd);
  }
  return kSucceeded;
}
int descriptor_bomb(const Arguments&) {
  for (int i = 0; i < 300; ++i)
    if (dup(1) < 0) return kStopped;
  return kSucceeded;
}

int64_t cpu_ms() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}
int burn(const Arguments&) {
  while (cpu_ms() < 700) {}
  return kSucceeded;
}
int burn_in_many(const Arguments&) {
  for (int i = 0; i < 7; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      while (cpu_ms() < 100) {}
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  }
  return kSucceeded;
}
int sleep_on(const Arguments&) {
  for (int each = 1; each < NSIG; ++each) signal(each, SIG_IGN);
  usleep(1'200'000);
  return kSucceeded;
}
// 10 GB, if it were let; where it is, 64 MB are enough to tell.
int flood(const Arguments& a) {
  const int64_t blocks = a.count("all") ? 10'240 : 64;
  const std::string block(static_cast<size_t>(kMega), 'x');
  for (int64_t i = 0; i < blocks; ++i)
    if (write(1, block.data(), block.size()) < 0) return kStopped;
  return kSucceeded;
}
int dump_core(const Arguments&) {
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_CORE, &limit);
  abort();
}
bool core_was_dumped(Scene&, const Result<RunResult>&, Workspace& workspace) {
  const auto changes = workspace.changes();
  if (!changes.ok()) return false;
  for (const auto& change : *changes)
    if (change.path.starts_with("work/core")) return true;
  return false;
}

}  // namespace

std::vector<Attack> make() {
  const RunLimits few{.wall_ms = 10'000, .processes = 20}, little{.wall_ms = 10'000, .memory_bytes = 40 * kMega}, small{.wall_ms = 10'000, .disk_bytes = 6 * kMega};
  const RunLimits small_file{.wall_ms = 10'000, .file_bytes = kMega}, few_files{.wall_ms = 10'000, .files = 100}, few_open{.wall_ms = 10'000, .open_files = 100};
  const RunLimits short_cpu{.wall_ms = 10'000, .cpu_ms = 250}, short_wall{.wall_ms = 300}, quiet{.wall_ms = 10'000, .output_bytes = kMega};
  return {
      {"forks without end", {"processes"}, fork_bomb, nullptr, nullptr, few},
      {"starts threads without end", {"processes"}, thread_bomb, nullptr, nullptr, few},
      {"takes more memory", {"memory"}, memory_bomb, nullptr, nullptr, little},
      {"takes more memory in many processes", {"memory"}, memory_of_many, nullptr, nullptr, little},
      {"takes memory by files", {"memory"}, memory_in_shared_folder, nullptr, nullptr, little},
      {"fills the disk", {"disk"}, disk_bomb, nullptr, nullptr, small},
      {"writes a large file", {"rlimits"}, large_file, nullptr, nullptr, small_file},
      {"makes a sparse file", {"rlimits"}, sparse_file, nullptr, nullptr, small_file},
      {"makes files without end", {"files"}, file_bomb, nullptr, nullptr, few_files},
      {"opens files without end", {"rlimits"}, descriptor_bomb, nullptr, nullptr, few_open},
      {"burns the processor", {"cpu"}, burn, nullptr, nullptr, short_cpu},
      {"burns the processor in one process after the other", {"cpu"}, burn_in_many, nullptr, nullptr, short_cpu},
      {"sleeps on, deaf to signals", {"wall"}, sleep_on, nullptr, nullptr, short_wall},
      {"floods its output", {"output"}, flood, nullptr, nullptr, quiet},
      {"dumps its core", {"rlimits"}, dump_core, nullptr, core_was_dumped},
  };
}

}  // namespace assay::escape::attacks::resources
