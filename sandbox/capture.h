// A stream of a program, bounded: its head and its tail are kept, the rest is counted, and all of it may go compressed into a
// file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "envs/executor.h"

namespace assay {

class Capture {
 public:
  // `log`: the file for the whole stream (zstd), or empty.
  Capture(int64_t kept_bytes, const std::string& log);
  ~Capture();
  Capture(Capture&&) noexcept;
  void add(std::string_view bytes);
  int64_t bytes() const { return bytes_; }
  // Ends the log. An error if it could not be written whole.
  Result<StreamResult> finish();

 private:
  struct Log;
  size_t half_;
  int64_t bytes_ = 0;
  std::string head_, tail_;   // tail_ holds up to two halves, so that it is cut rarely
  std::unique_ptr<Log> log_;
};

}  // namespace assay
