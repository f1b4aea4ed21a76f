// A Python interpreter that keeps its state: one real Jupyter kernel in a sandbox, driven over a narrow pipe
// (envs/interpreter/driver.py).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "envs/executor.h"
#include "envs/tool.h"

namespace assay {

struct InterpreterLimits {
  int64_t call_ms = 120'000;               // of one call; then it is interrupted, and if that does not help, killed
  int64_t text_bytes = 32 << 10;           // of what one call shows
  int64_t images = 8;                      // of one call
  int64_t image_bytes = 4 << 20;           // of one image
  int64_t memory_bytes = int64_t{2} << 30;
  int64_t session_ms = 60 * 60 * 1000;     // of all calls and pauses together
};

struct CellResult {
  enum class Status { kOk, kError, kTimeout, kDied };
  Status status = Status::kOk;
  // Standard output and error, shown values and the traceback in the order in which they came; "[image 1]" where one was shown.
  std::string text;
  std::vector<Image> images;   // PNG and JPEG
  bool state_lost = false;   // the kernel had to be started again: variables are gone
  int64_t wall_us = 0;
};

// Used by one thread. Everything a program does is a CellResult; an Error (boundary kSandbox) is the machinery's, and says
// which package is missing where that is the reason.
class Interpreter {
 public:
  // Lazy: nothing is started before the first call, so an Interpreter nobody uses costs nothing. `files` (name -> content) lie in
  // the working directory. `executor` is borrowed.
  Interpreter(Executor& executor, std::map<std::string, std::string> files, const InterpreterLimits& limits);
  ~Interpreter();

  Result<CellResult> run(const std::string& code);
  // The state of another session, by running its cells again in a fresh one; an error if they end otherwise than they did.
  Status replay(const std::vector<std::string>& cells, const std::vector<CellResult>& results);

  // Versions the kernel speaks of: "python 3.11; numpy 1.24.2". Starts it if need be.
  Result<std::string> versions();
  // The working directory, as it is now.
  Workspace* workspace() { return workspace_.get(); }

 private:
  Status start();
  Error driver_died();

  Executor& executor_;
  const std::map<std::string, std::string> files_;
  const InterpreterLimits limits_;
  std::unique_ptr<Workspace> workspace_;
  std::unique_ptr<Process> driver_;
  std::string versions_;
};

}  // namespace assay
