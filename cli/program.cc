#include "cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace assay {
namespace {

constexpr size_t kOutputBytes = size_t{16} << 20;

struct Pipe {
  Pipe() { open = ::pipe2(ends, O_CLOEXEC) == 0; }
  ~Pipe() {
    if (open) ::close(ends[0]);
    close_writing();
  }
  void close_writing() {
    if (open && ends[1] >= 0) ::close(std::exchange(ends[1], -1));
  }
  int ends[2] = {-1, -1};
  bool open = false;
};

// Until the other end of both is closed.
void drain(const Pipe& out, const Pipe& err, ProgramResult& result) {
  std::array<pollfd, 2> waiting = {pollfd{out.ends[0], POLLIN, 0}, pollfd{err.ends[0], POLLIN, 0}};
  std::array<std::string*, 2> texts = {&result.out, &result.err};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
    for (size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      char bytes[1 << 16];
      const ssize_t got = ::read(waiting[i].fd, bytes, sizeof bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) waiting[i].fd = -1;
      else texts[i]->append(bytes, std::min(static_cast<size_t>(got), kOutputBytes - texts[i]->size()));
    }
  }
}

}  // namespace

Result<ProgramResult> run_program(const std::vector<std::string>& argv) {
  Pipe out, err;
  if (!out.open || !err.open) return make_error(Boundary::kInternal, std::string("no pipe: ") + std::strerror(errno), argv[0]);
  std::vector<char*> arguments;
  for (const std::string& each : argv) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.ends[1], STDERR_FILENO);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT) return input_error("there is no program '" + argv[0] + "' here", argv[0]);
  if (failed != 0) return make_error(Boundary::kInternal, std::string("cannot be started: ") + std::strerror(failed), argv[0]);
  out.close_writing();
  err.close_writing();
  ProgramResult result;
  drain(out, err, result);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return make_error(Boundary::kInternal, std::string("its end was not told: ") + std::strerror(errno), argv[0]);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace assay
