// How much memory running a checkpoint takes, said before anything is loaded: its weights, its cache, and what an
// engine adds: the buffers of a step (indexer scores and prefill included) and, on the host, its records.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/checkpoint/checkpoint.h"
#include "engine/device/host_memory.h"
#include "engine/model/kv_cache.h"

namespace assay {

struct MemoryPlan {
  int64_t weight_bytes = 0;
  int64_t cache_bytes = 0;
  int64_t step_bytes = 0, record_bytes = 0;   // of an engine; see Model::step_bytes
  int64_t available_bytes = 0;                // of the device
  std::optional<int64_t> host_available_bytes;   // where the device has a memory of its own, and records lie in another

  int64_t needed_bytes() const;   // of the device; at most INT64_MAX
  // An error (kLimit) with what to try if more is needed than available; `where` names the checkpoint.
  Status check(const std::string& where) const;
};

// Sums that exceed 64 bits stay at the largest number. cache.tokens >= 0.
MemoryPlan plan_memory(const Checkpoint& checkpoint, const KvCache::Plan& cache, int64_t available_bytes = available_memory_bytes());

}  // namespace assay
