#include "cli/jobs.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace assay {
namespace {

bool is_cancelled(const JobOptions& options) {
  return options.cancelled && options.cancelled->load(std::memory_order_relaxed);
}

class Run {
 public:
  using Work = std::function<Status(int64_t, int, size_t)>;
  using Sink = std::function<Status(int64_t, size_t)>;

  Run(int64_t first, int64_t last, const JobOptions& options, const Work& work, const Sink& sink)
      : last_(last), options_(options), work_(work), sink_(sink), next_(first), sunk_(first),
        slots_(slot_count(options)) {}

  Result<int64_t> run() {
    std::vector<std::thread> threads;
    for (int worker = 0; worker < options_.jobs; ++worker) threads.emplace_back([this, worker] { compute(worker); });
    Status status = drain();
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    space_.notify_all();
    for (std::thread& thread : threads) thread.join();
    if (!status.ok()) return status.error();
    return sunk_;
  }

 private:
  struct Slot {
    bool done = false;
    Status status;
  };

  size_t slot_of(int64_t index) const { return static_cast<size_t>(index) % slots_.size(); }

  void compute(int worker) {
    std::unique_lock lock(mutex_);
    while (true) {
      space_.wait(lock, [&] { return stop_ || next_ >= last_ || next_ - sunk_ < static_cast<int64_t>(slots_.size()); });
      if (is_cancelled(options_)) stop_ = true;
      if (stop_ || next_ >= last_) break;
      const int64_t index = next_++;
      lock.unlock();
      Status status = work_(index, worker, slot_of(index));
      lock.lock();
      stop_ |= !status.ok();
      slots_[slot_of(index)] = {true, std::move(status)};
      done_.notify_one();
    }
    done_.notify_one();
  }

  // Items are claimed in order, so everything below the first failure has been claimed and will come.
  Status drain() {
    std::unique_lock lock(mutex_);
    while (true) {
      Slot& slot = slots_[slot_of(sunk_)];
      done_.wait(lock, [&] { return slot.done || (sunk_ == next_ && (stop_ || next_ >= last_)); });
      if (!slot.done) return {};
      slot.done = false;
      if (!slot.status.ok()) return std::exchange(slot.status, {});
      lock.unlock();
      Status status = sink_(sunk_, slot_of(sunk_));
      lock.lock();
      if (!status.ok()) return status;
      ++sunk_;
      space_.notify_all();
    }
  }

  const int64_t last_;
  const JobOptions& options_;
  const Work& work_;
  const Sink& sink_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable space_, done_;
  int64_t next_, sunk_;
  bool stop_ = false;
  std::vector<Slot> slots_;
};

}  // namespace

size_t slot_count(const JobOptions& options) {
  if (options.jobs <= 1) return 1;
  return static_cast<size_t>(std::max<int64_t>(options.look_ahead > 0 ? options.look_ahead : 8 * options.jobs, options.jobs));
}

Result<int64_t> run_jobs(int64_t first, int64_t last, const JobOptions& options,
                         const std::function<Status(int64_t index, int worker, size_t slot)>& work,
                         const std::function<Status(int64_t index, size_t slot)>& sink) {
  if (options.jobs > 1) return Run(first, last, options, work, sink).run();
  for (int64_t index = first; index < last; ++index) {
    if (is_cancelled(options)) return index;
    ASSAY_TRY(work(index, 0, 0));
    ASSAY_TRY(sink(index, 0));
  }
  return std::max(first, last);
}

struct Heartbeat::State {
  std::mutex mutex;
  std::condition_variable stopped;
  bool stop = false;
  std::thread thread;
};

Heartbeat::Heartbeat(int64_t every_ms, std::function<void()> beat) : state_(std::make_unique<State>()) {
  state_->thread = std::thread([state = state_.get(), every_ms, beat = std::move(beat)] {
    std::unique_lock lock(state->mutex);
    while (!state->stopped.wait_for(lock, std::chrono::milliseconds(every_ms), [&] { return state->stop; })) {
      lock.unlock();
      beat();
      lock.lock();
    }
  });
}

Heartbeat::~Heartbeat() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->stopped.notify_all();
  state_->thread.join();
}

}  // namespace assay
