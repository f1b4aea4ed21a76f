// A program of this machine in a process of its own: not for what nobody trusts, which is an Executor's business.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "envs/base/fd.h"
#include "envs/base/status.h"

namespace assay {

// A program that runs. It has the environment of this process and nothing on standard input.
class Program {
 public:
  struct Options {
    std::vector<std::pair<int, int>> descriptors;   // (what it finds there, which one of ours); all others should close on exec
    bool group = false;                             // what it starts ends with it
  };
  // A program that is not on the PATH is an input error.
  static Result<Program> start(const std::vector<std::string>& argv, const Options& options);
  Program(Program&&) noexcept;
  ~Program();   // waits for its end; that of a group is brought about

  // Exit status; 128 + the signal that ended it.
  Result<int> wait();

 private:
  struct Process;
  explicit Program(std::unique_ptr<Process> process);

  std::unique_ptr<Process> process_;
};

// A pipe, both ends close-on-exec: ours, which does not block, and theirs.
Result<std::pair<Fd, Fd>> open_pipe(bool ours_reads);

struct ProgramResult {
  int status = 0;         // as of Program::wait
  std::string out, err;   // at most 16 MiB each; what comes after is thrown away
};

// Runs it to its end.
Result<ProgramResult> run_program(const std::vector<std::string>& argv);

// The path of the program `name` of this build: beside the one that runs, or one folder above (where tests find it); null: it is not there.
std::optional<std::string> sibling_program(const std::string& name);

using ProgramRunner = std::function<Result<ProgramResult>(const std::vector<std::string>& argv)>;

}  // namespace assay
