// Runs a program of this machine to its end: not for what nobody trusts, which is the sandbox's business.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct ProgramResult {
  int status = 0;         // exit status; 128 + the signal that ended it
  std::string out, err;   // at most 16 MiB each; what comes after is thrown away
};

// With the environment of this process and nothing on standard input. A program that is not on the PATH is an input error.
Result<ProgramResult> run_program(const std::vector<std::string>& argv);

using ProgramRunner = std::function<Result<ProgramResult>(const std::vector<std::string>& argv)>;

}  // namespace assay
