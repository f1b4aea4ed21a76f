#include "engine/model/kv_cache.h"

#include <algorithm>
#include <string>

namespace assay {
namespace {

struct Offsets {
  std::vector<size_t> latents, index_keys;
  size_t bytes = 0;
};

int64_t page_count(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

LatentLayout latent_layout_of(const ModelConfig& config, CacheFormat format) {
  return {format, config.kv_lora_rank, config.qk_rope_head_dim};
}

IndexLayout index_layout_of(const ModelConfig& config, CacheFormat format) { return {format, config.index_head_dim}; }

Offsets offsets_of(const ModelConfig& config, const KvCache::Plan& plan) {
  const size_t pages = static_cast<size_t>(page_count(plan.tokens));
  Offsets offsets;
  for (int64_t layer = 0; layer < config.num_hidden_layers(); ++layer) {
    offsets.latents.push_back(offsets.bytes);
    offsets.bytes += pages * latent_layout_of(config, plan.format).page_bytes();
    const bool full = config.layers[static_cast<size_t>(layer)].indexer == IndexerType::kFull;
    offsets.index_keys.push_back(full ? offsets.bytes : SIZE_MAX);
    if (full) offsets.bytes += pages * index_layout_of(config, plan.format).page_bytes();
  }
  return offsets;
}

}  // namespace

size_t KvCache::bytes_needed(const ModelConfig& config, const Plan& plan) { return offsets_of(config, plan).bytes; }

Result<std::unique_ptr<KvCache>> KvCache::create(const ModelConfig& config, const Plan& plan, Device& device) {
  ASSAY_ASSERT(plan.tokens > 0);
  const Offsets offsets = offsets_of(config, plan);
  std::unique_ptr<KvCache> cache(new KvCache(page_count(plan.tokens)));
  Result<std::shared_ptr<std::byte>> memory = device.allocate(offsets.bytes);
  if (!memory.ok())
    return make_error(Boundary::kLimit, "no memory for a cache of " + std::to_string(plan.tokens) + " tokens: " + memory.error().what, "cache",
                      "ask for fewer tokens, or for the FP8 cache");
  cache->latent_ = latent_layout_of(config, plan.format);
  cache->index_ = index_layout_of(config, plan.format);
  cache->memory_ = std::move(*memory);
  cache->bytes_ = offsets.bytes;
  cache->latent_offsets_ = offsets.latents;
  cache->index_offsets_ = offsets.index_keys;
  return cache;
}

std::byte* KvCache::index_keys(int64_t layer) const {
  const size_t offset = index_offsets_[static_cast<size_t>(layer)];
  return offset == SIZE_MAX ? nullptr : memory_.get() + offset;
}

Status KvCache::reserve(CachedSequence& sequence, int64_t tokens) {
  const int64_t missing = page_count(tokens) - static_cast<int64_t>(sequence.pages.size());
  if (missing > blocks_.unheld())
    return make_error(Boundary::kLimit, "the cache has no room for " + std::to_string(tokens) + " tokens of a sequence: " + std::to_string(free_tokens()) +
                      " are free", "cache", "make the cache larger, or play fewer sequences at once");
  for (int64_t i = 0; i < missing; ++i) sequence.pages.push_back(blocks_.take());
  return {};
}

void KvCache::release(CachedSequence& sequence) {
  for (const int32_t page : sequence.pages) blocks_.release(page);
  sequence = {};
}

}  // namespace assay
