// Time is passed in, never read from the side, so tests decide what time it is and results cannot depend on it.
#pragma once

#include <cstdint>

namespace assay {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t monotonic_us() = 0;  // for durations and time limits
  virtual int64_t unix_ms() = 0;       // for records; never part of an identity
  virtual void sleep_ms(int64_t ms) = 0;
};

// The machine's clock; stateless, usable from any thread.
Clock& system_clock();

// Moves only when told to, or when somebody sleeps.
class ManualClock final : public Clock {
 public:
  int64_t monotonic_us() override { return now_us_; }
  int64_t unix_ms() override { return now_us_ / 1000; }
  void sleep_ms(int64_t ms) override { now_us_ += ms * 1000; }
  void advance_ms(int64_t ms) { now_us_ += ms * 1000; }

 private:
  int64_t now_us_ = 0;
};

}  // namespace assay
