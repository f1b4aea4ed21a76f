// An ordered parallel map: workers compute items in any order, one sink receives them in index order, so any number of
// threads gives the same result. At most `look_ahead` items are computed or waiting at once, so memory stays flat.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "envs/base/status.h"

namespace assay {

struct JobOptions {
  int jobs = 1;              // 1: everything happens on the calling thread
  int64_t look_ahead = 0;    // 0: eight for each job
  const std::atomic<bool>* cancelled = nullptr;  // once true no item is started; those under way end and reach the sink
};

// What ordered_map is made of: items are addressed by (index, slot), where slot < slot_count(options) is free for the item
// from before its work until after its sink.
size_t slot_count(const JobOptions& options);
Result<int64_t> run_jobs(int64_t first, int64_t last, const JobOptions& options,
                         const std::function<Status(int64_t index, int worker, size_t slot)>& work,
                         const std::function<Status(int64_t index, size_t slot)>& sink);

// Calls make(index, worker) for first <= index < last, on the thread of that worker (0 <= worker < jobs), and
// sink(index, item) in index order on the calling thread. Returns the index after the last one that reached the sink: `last`,
// or less after cancellation. The error of the smallest failing index, or of the sink, ends it; all smaller ones have been sunk.
template <typename T>
Result<int64_t> ordered_map(int64_t first, int64_t last, const JobOptions& options,
                            const std::function<Result<T>(int64_t index, int worker)>& make,
                            const std::function<Status(int64_t index, T item)>& sink) {
  std::vector<std::optional<T>> slots(slot_count(options));
  return run_jobs(
      first, last, options,
      [&](int64_t index, int worker, size_t slot) -> Status {
        ASSAY_ASSIGN(slots[slot], make(index, worker));
        return {};
      },
      [&](int64_t index, size_t slot) -> Status {
        T item = std::move(*slots[slot]);
        slots[slot].reset();
        return sink(index, std::move(item));
      });
}

// Calls `beat` every `every_ms` on a thread of its own, until the object is gone; a call that is under way is waited for.
class Heartbeat {
 public:
  Heartbeat(int64_t every_ms, std::function<void()> beat);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
