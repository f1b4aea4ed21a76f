// How much memory running a checkpoint takes, said before anything is loaded.
#pragma once

#include <cstdint>

#include "engine/checkpoint/checkpoint.h"
#include "engine/kernels/cache.h"

namespace assay {

// Mapped weights count as well: a model whose weights do not stay in memory reads them from disk again for every token.
enum class WeightStorage { kMapped, kCopied, kFloat32 };

struct MemoryRequest {
  WeightStorage weights = WeightStorage::kMapped;
  CacheFormat cache = CacheFormat::kE4m3;
  int64_t cache_tokens = 0;   // of all sequences together; rounded up to pages of 64
};

struct MemoryPlan {
  int64_t weight_bytes = 0;
  int64_t cache_bytes = 0;
  int64_t available_bytes = 0;

  int64_t needed_bytes() const { return weight_bytes + cache_bytes; }
  // An error with what to try if more is needed than available; `where` names the checkpoint.
  Status check(const std::string& where) const;
};

// One token in all layers: the latent and rotary key in each, the indexer's key in full ones.
int64_t cache_bytes_per_token(const ModelConfig& config, CacheFormat format);

// What the machine has left: MemAvailable, or less if a control group (v2 or v1) allows less. INT64_MAX if nothing says.
int64_t available_memory_bytes();

MemoryPlan plan_memory(const Checkpoint& checkpoint, const MemoryRequest& request);

}  // namespace assay
