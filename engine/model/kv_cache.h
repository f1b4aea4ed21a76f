// The paged cache of all layers: latents for attention and keys for the indexer, addressed through one page table a sequence.
// A page is 64 tokens; page p of every layer belongs to the same sequence, so one list of page numbers serves the whole model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/checkpoint/model_config.h"
#include "engine/device/device.h"
#include "engine/runtime/block_manager.h"
#include "envs/base/status.h"

namespace assay {

// One sequence's place in a cache. Move it, never copy it: it owns its pages until KvCache::release.
struct CachedSequence {
  std::vector<int32_t> pages;
  int64_t length = 0;   // tokens computed so far
};

class KvCache {
 public:
  struct Plan {
    CacheFormat format = CacheFormat::kE4m3;
    int64_t tokens = 0;   // in all sequences together, rounded up to pages
  };

  // Bytes that create() will take.
  static size_t bytes_needed(const ModelConfig& config, const Plan& plan);
  // Fails with Boundary::kLimit when the memory cannot be had. The device outlives the cache.
  static Result<std::unique_ptr<KvCache>> create(const ModelConfig& config, const Plan& plan, Device& device);

  // Who holds which page. The two below are all that a sequence needs that shares nothing.
  BlockManager& blocks() { return blocks_; }
  // Gives the sequence pages for `tokens` tokens in all. On failure (kLimit: no pages left) the sequence is as it was.
  Status reserve(CachedSequence& sequence, int64_t tokens);
  void release(CachedSequence& sequence);

  const LatentLayout& latent_layout() const { return latent_; }
  const IndexLayout& index_layout() const { return index_; }
  std::byte* latents(int64_t layer) const { return memory_.get() + latent_offsets_[static_cast<size_t>(layer)]; }
  // Layers that share another's selection have no keys: null.
  std::byte* index_keys(int64_t layer) const;
  // page * 64 + offset, for the append kernels.
  static int64_t slot(const CachedSequence& sequence, int64_t position) {
    return int64_t{sequence.pages[static_cast<size_t>(position / kPageTokens)]} * kPageTokens + position % kPageTokens;
  }
  size_t bytes() const { return bytes_; }
  int64_t free_tokens() const { return blocks_.unheld() * kPageTokens; }

 private:
  explicit KvCache(int64_t pages) : blocks_(pages) {}

  LatentLayout latent_;
  IndexLayout index_;
  std::shared_ptr<std::byte> memory_;
  size_t bytes_ = 0;
  std::vector<size_t> latent_offsets_;
  std::vector<size_t> index_offsets_;   // SIZE_MAX: none
  BlockManager blocks_;
};

}  // namespace assay
