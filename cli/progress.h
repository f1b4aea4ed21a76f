// One line on a terminal that says how far a job is: done/total, rate, time left, failures. Silent where the stream is no
// terminal. Thread-safe.
#pragma once

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>

#include "envs/base/clock.h"

namespace assay {

class Progress {
 public:
  enum class Mode { kAuto, kLive, kSilent };  // kAuto: live if the stream is a terminal

  // A total of 0 is not known.
  Progress(std::string label, int64_t total, Clock& clock, std::FILE* stream = stderr, Mode mode = Mode::kAuto);
  ~Progress();  // clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(int64_t done, int64_t failed = 0);
  // What was there already counts as done and not towards the rate.
  void skip(int64_t done);

  int64_t done() const;
  double seconds() const;
  // "synth  420/1,000  98.2/s  6 s left  3 failed".
  std::string line() const;

 private:
  void draw();  // at most ten times a second

  const std::string label_;
  const int64_t total_;
  Clock& clock_;
  std::FILE* const stream_;
  const bool live_;
  const int64_t start_us_;
  mutable std::mutex mutex_;
  int64_t done_ = 0, failed_ = 0, skipped_ = 0;
  int64_t drawn_us_ = -1;
};

}  // namespace assay
