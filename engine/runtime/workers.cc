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

// A step of the model is hundreds of loops with little between them, and to wake a sleeper takes longer than many of them last. So
// who waits looks again for about as long as waking takes (some 40 ns a look), and only then sleeps.
constexpr int kLooks = 1000;

template <typename Condition>
bool happens_soon(const Condition& condition) {
  for (int look = 0; look < kLooks; ++look) {
    if (condition()) return true;
    __builtin_ia32_pause();
  }
  return false;
}

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
  // The loop at hand: written before `open`, and read by nobody who is not `inside` and found it open. Its caller closes it when no
  // item is left and waits for those inside, not for workers that have not come: they find the next loop, or nothing.
  const std::function<void(int64_t, int)>* body = nullptr;
  int64_t items = 0;
  std::atomic<int64_t> next{0};
  std::atomic<bool> open{false};
  std::atomic<int> inside{0};
  std::atomic<uint64_t> round{0};      // counts loops; changes, as `ending` does, under the mutex that workers sleep with
  std::atomic<bool> ending{false};

  void take_items(int worker) {
    for (int64_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < items;) (*body)(item, worker);
  }

  void live(int worker) {
    for (uint64_t seen = 0;;) {
      const auto called = [&] { return ending || round != seen; };
      if (!happens_soon(called)) {
        std::unique_lock lock(mutex);
        start.wait(lock, called);
      }
      if (ending) return;
      seen = round;
      ++inside;
      if (open) take_items(worker);
      if (--inside == 0) {
        std::lock_guard lock(mutex);
        done.notify_one();
      }
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
  state.body = &body;
  state.items = items;
  state.next.store(0, std::memory_order_relaxed);
  state.open = true;
  {
    std::lock_guard lock(state.mutex);
    ++state.round;
  }
  state.start.notify_all();
  state.take_items(0);
  state.open = false;
  const auto finished = [&] { return state.inside == 0; };
  if (happens_soon(finished)) return;
  std::unique_lock lock(state.mutex);
  state.done.wait(lock, finished);
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
