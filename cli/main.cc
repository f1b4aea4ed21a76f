// The program: signals, and what becomes of standard output.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <unistd.h>

#include "cli/command_line.h"

namespace assay {
namespace {

// A signal handler can reach nothing else.
std::atomic<bool> cancelled{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// The first one lets the verb end in order, the second one does not wait; the store is consistent either way.
void on_interrupt(int) {
  if (cancelled.exchange(true)) _exit(130);
  constexpr char kNotice[] = "\nassay: stopping after what is under way (once more: at once)\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kNotice, sizeof kNotice - 1);
}

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

// Standard output that could not be written is a failure, unless its reader has left.
int finish_output(int status) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
  if (errno == EPIPE) return status;
  std::fprintf(stderr, "assay: standard output: %s\n", std::strerror(errno));
  return kSomeFailed;
}

}  // namespace
}  // namespace assay

int main(int argc, char** argv) {
  assay::install_signal_handlers();
  try {
    return assay::finish_output(assay::CommandLine(&assay::cancelled).run(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "assay: internal error: %s\n", error.what());
    return assay::kSomeFailed;
  }
}
