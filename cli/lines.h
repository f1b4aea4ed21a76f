// Lines of a stream from outside, bounded: a line that is too long is reported once and passed over, never held.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "envs/base/status.h"

namespace assay {

// A file to read lines from; standard input for "-".
Result<std::unique_ptr<std::FILE, int (*)(std::FILE*)>> open_lines(const std::string& path);

class LineReader {
 public:
  // `stream` is borrowed. `cancelled`, if given, is looked at when a signal interrupts a read.
  LineReader(std::FILE* stream, size_t limit_bytes, const std::atomic<bool>* cancelled = nullptr)
      : stream_(stream), limit_bytes_(limit_bytes), cancelled_(cancelled) {}

  enum class Outcome { kLine, kTooLong, kEnd, kFailed };  // kFailed: errno says why
  // The next line without its line feed (and carriage return).
  Outcome next(std::string& line);
  int64_t number() const { return number_; }  // of the line returned last, from 1

 private:
  bool fill();  // false at the end or on failure

  std::FILE* stream_;
  size_t limit_bytes_;
  const std::atomic<bool>* cancelled_;
  int64_t number_ = 0;
  std::string buffer_;
  size_t begin_ = 0;
  bool failed_ = false;
};

}  // namespace assay
