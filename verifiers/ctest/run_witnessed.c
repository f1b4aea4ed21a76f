/* run_witnessed MAIN_WITNESS.so PROGRAM ARGUMENT…: runs the program and ends as it did, but for status 0, which is believed only if main of
   this very process returned it. If nobody has seen that, this dies by SIGKILL: CTest calls it an exception, which not even WILL_FAIL or
   a PASS_REGULAR_EXPRESSION make a pass. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBroken = 125, kNotFound = 127 };

static int die_of(int number) {
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(number, SIG_DFL);
  raise(number);
  return kBroken;
}

static int run(const char* witness, int pipe, char** program) {
  char descriptor[16];
  snprintf(descriptor, sizeof descriptor, "%d", pipe);
  if (setenv("LD_PRELOAD", witness, 1) != 0 || setenv("ASSAY_WITNESS", descriptor, 1) != 0) return kBroken;
  execvp(program[0], program);
  perror(program[0]);
  return kNotFound;
}

int main(int count, char** arguments) {
  int ends[2], status = 0, end[2];
  if (count < 3 || pipe(ends) != 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return kBroken;
  const pid_t child = fork();
  if (child == 0) _exit(run(arguments[1], ends[1], arguments + 2));
  if (child < 0 || waitpid(child, &status, 0) != child) return kBroken;
  if (WIFSIGNALED(status)) return die_of(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
  while (read(ends[0], end, sizeof end) == sizeof end)
    if (end[0] == child && (end[1] & 0xff) == 0) return 0;
  fprintf(stderr, "%s ended with status 0, but its main function has not returned that\n", arguments[2]);
  return die_of(SIGKILL);
}
