// A program that is asked a line and answers a line, in a process of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "envs/base/status.h"

namespace assay {

// Used by one thread.
class ChildLines {
 public:
  static constexpr size_t kAnswerBytes = size_t{16} << 20;

  // `command` is run by /bin/sh, its standard error is ours.
  static Result<std::unique_ptr<ChildLines>> start(const std::string& command);
  ~ChildLines();   // ends it
  ChildLines(const ChildLines&) = delete;
  ChildLines& operator=(const ChildLines&) = delete;

  // Boundary kLimit: no answer within the time, or one that is too long; kVerifier: it ended or closed its ends. After an Error the
  // process is of no more use.
  Result<std::string> ask(const std::string& line, int64_t timeout_ms);

 private:
  ChildLines(pid_t child, int to, int from) : child_(child), to_(to), from_(from) {}

  const pid_t child_;
  const int to_, from_;
  std::string read_;   // after the last answer
};

}  // namespace assay
