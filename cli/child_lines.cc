#include "cli/child_lines.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

extern char** environ;

namespace assay {
namespace {

Error system_error(const std::string& doing, int code) { return make_error(Boundary::kVerifier, "cannot " + doing + ": " + std::strerror(code), "the verifier's program"); }

int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Result<std::unique_ptr<ChildLines>> ChildLines::start(const std::string& command) {
  int to[2], from[2];
  if (::pipe2(to, O_CLOEXEC) != 0) return system_error("make a pipe", errno);
  if (::pipe2(from, O_CLOEXEC) != 0) {
    const int code = errno;
    ::close(to[0]), ::close(to[1]);
    return system_error("make a pipe", code);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);   // what it starts ends with it
  const std::string shell = "/bin/sh", option = "-c";
  char* const arguments[] = {const_cast<char*>(shell.c_str()), const_cast<char*>(option.c_str()), const_cast<char*>(command.c_str()), nullptr};
  pid_t child = 0;
  const int code = ::posix_spawn(&child, shell.c_str(), &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(to[0]), ::close(from[1]);
  if (code != 0) {
    ::close(to[1]), ::close(from[0]);
    return system_error("start", code);
  }
  ::fcntl(to[1], F_SETFL, O_NONBLOCK);
  ::fcntl(from[0], F_SETFL, O_NONBLOCK);
  return std::unique_ptr<ChildLines>(new ChildLines(child, to[1], from[0]));
}

ChildLines::~ChildLines() {
  ::close(to_), ::close(from_);
  ::kill(-child_, SIGKILL);
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {}
}

Result<std::string> ChildLines::ask(const std::string& line, int64_t timeout_ms) {
  const std::string request = line + "\n";
  const int64_t end_ms = now_ms() + timeout_ms;
  size_t written = 0;
  for (;;) {
    if (const size_t end = read_.find('\n'); written == request.size() && end != std::string::npos) {
      std::string answer = read_.substr(0, end);
      read_.erase(0, end + 1);
      return answer;
    }
    if (read_.size() > kAnswerBytes) return make_error(Boundary::kLimit, "an answer of more than " + std::to_string(kAnswerBytes) + " bytes", "the verifier's program");
    const int64_t left_ms = end_ms - now_ms();
    if (left_ms <= 0) return make_error(Boundary::kLimit, "no answer within " + std::to_string(timeout_ms) + " ms", "the verifier's program");
    pollfd ends[] = {{from_, POLLIN, 0}, {to_, static_cast<short>(written < request.size() ? POLLOUT : 0), 0}};
    if (::poll(ends, written < request.size() ? 2 : 1, static_cast<int>(std::min<int64_t>(left_ms, 1000))) < 0 && errno != EINTR) return system_error("wait", errno);
    if (ends[1].revents & (POLLOUT | POLLERR)) {
      const ssize_t put = ::write(to_, request.data() + written, request.size() - written);
      if (put < 0 && errno != EAGAIN && errno != EINTR) return system_error("ask", errno);
      if (put > 0) written += static_cast<size_t>(put);
    }
    if (ends[0].revents & (POLLIN | POLLHUP)) {
      char block[1 << 16];
      const ssize_t got = ::read(from_, block, sizeof block);
      if (got < 0 && errno != EAGAIN && errno != EINTR) return system_error("read the answer", errno);
      if (got == 0) return make_error(Boundary::kVerifier, "it ended before it answered", "the verifier's program");
      if (got > 0) read_.append(block, static_cast<size_t>(got));
    }
  }
}

}  // namespace assay
