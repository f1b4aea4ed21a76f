// A program that is asked a line and answers a line, in a process of its own.
#pragma once

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
  virtual ~ChildLines() = default;   // ends it

  // Boundary kLimit: no answer within the time, or one that is too long; kVerifier: it ended or closed its ends. After an Error the
  // process is of no more use.
  virtual Result<std::string> ask(const std::string& line, int64_t timeout_ms) = 0;
};

}  // namespace assay
