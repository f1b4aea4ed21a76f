// A fixed crew of threads for loops inside one step of the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace assay {

class Workers {
 public:
  // `threads` >= 1; the caller of run() is one of them.
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int count() const;

  // Calls body(item, worker) for every item in [0, items), each once, in any order, and returns when all are done; worker is
  // in [0, count()). Called from one thread at a time, never from inside a body. A body may not throw.
  void run(int64_t items, const std::function<void(int64_t item, int worker)>& body);

  // At least `bytes` of memory of this worker's own, aligned to 64, kept until the next call with the same worker.
  std::byte* scratch(int worker, size_t bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay
