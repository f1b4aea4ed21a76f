#include "engine/runtime/workers.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace assay {
namespace {

constexpr std::align_val_t kAlignment{64};

struct Arena {
  std::byte* data = nullptr;
  size_t bytes = 0;
  ~Arena() { release(); }
  void release() {
    if (data) ::operator delete(data, kAlignment);
    data = nullptr;
  }
};

}  // namespace

struct Workers::State {
  std::mutex mutex;
  std::condition_variable start, done;
  std::vector<std::thread> threads;
  std::vector<Arena> arenas;
  const std::function<void(int64_t, int)>* body = nullptr;
  std::atomic<int64_t> next{0};
  int64_t items = 0;
  uint64_t round = 0;
  int busy = 0;
  bool ending = false;

  void take_items(int worker) {
    for (int64_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < items;) (*body)(item, worker);
  }

  void live(int worker) {
    uint64_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      start.wait(lock, [&] { return ending || round != seen; });
      if (ending) return;
      seen = round;
      lock.unlock();
      take_items(worker);
      lock.lock();
      if (--busy == 0) done.notify_one();
    }
  }
};

Workers::Workers(int threads) : state_(std::make_unique<State>()) {
  state_->arenas = std::vector<Arena>(static_cast<size_t>(threads));
  for (int worker = 1; worker < threads; ++worker)
    state_->threads.emplace_back([state = state_.get(), worker] { state->live(worker); });
}

Workers::~Workers() {
  {
    std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->start.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

int Workers::count() const { return static_cast<int>(state_->arenas.size()); }

void Workers::run(int64_t items, const std::function<void(int64_t, int)>& body) {
  if (items <= 0) return;
  State& state = *state_;
  if (items == 1 || state.threads.empty()) {
    for (int64_t item = 0; item < items; ++item) body(item, 0);
    return;
  }
  {
    std::lock_guard lock(state.mutex);
    state.body = &body;
    state.items = items;
    state.next.store(0, std::memory_order_relaxed);
    state.busy = static_cast<int>(state.threads.size());
    ++state.round;
  }
  state.start.notify_all();
  state.take_items(0);
  std::unique_lock lock(state.mutex);
  state.done.wait(lock, [&] { return state.busy == 0; });
}

std::byte* Workers::scratch(int worker, size_t bytes) {
  Arena& arena = state_->arenas[static_cast<size_t>(worker)];
  if (arena.bytes < bytes) {
    arena.release();
    arena.data = static_cast<std::byte*>(::operator new(bytes, kAlignment));
    arena.bytes = bytes;
  }
  return arena.data;
}

}  // namespace assay
