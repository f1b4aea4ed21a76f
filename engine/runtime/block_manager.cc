#include "engine/runtime/block_manager.h"

#include <algorithm>

#include "envs/base/rng.h"
#include "envs/base/status.h"

namespace assay {

BlockManager::BlockManager(int64_t pages) : blocks_(static_cast<size_t>(pages)) {
  ASSAY_ASSERT(pages > 0);
  for (int32_t page = 0; page < pages; ++page) at(page).idle = idle_.insert(idle_.end(), page);
}

size_t BlockManager::KeyHash::operator()(const Key& key) const {
  uint64_t hash = mix64(key.parent + 1);
  for (const int32_t token : key.tokens) hash = mix64(hash + static_cast<uint32_t>(token) + 0x9e3779b97f4a7c15ULL);
  return hash;
}

BlockManager::Key BlockManager::key_of(int32_t parent, std::span<const int32_t> tokens) const {
  ASSAY_ASSERT(static_cast<int64_t>(tokens.size()) == kPageTokens);
  ASSAY_ASSERT(parent == kNone || node_of(parent) != 0);
  Key key{node_of(parent), {}};
  std::copy(tokens.begin(), tokens.end(), key.tokens.begin());
  return key;
}

int32_t BlockManager::take() {
  if (idle_.empty()) return kNone;
  const int32_t page = idle_.front();
  idle_.pop_front();
  Block& block = at(page);
  unpublish(block);
  block.holders = 1;
  return page;
}

void BlockManager::hold(int32_t page) {
  ASSAY_ASSERT(at(page).holders > 0);
  ++at(page).holders;
}

void BlockManager::release(int32_t page) {
  Block& block = at(page);
  ASSAY_ASSERT(block.holders > 0);
  if (--block.holders > 0) return;
  if (!block.key) block.node = 0;   // nobody can find it
  block.idle = idle_.insert(block.key ? idle_.end() : idle_.begin(), page);
}

int32_t BlockManager::find(int32_t parent, std::span<const int32_t> tokens) {
  const auto found = published_.find(key_of(parent, tokens));
  if (found == published_.end()) return kNone;
  Block& block = at(found->second);
  if (block.holders++ == 0) idle_.erase(block.idle);
  return found->second;
}

void BlockManager::publish(int32_t page, int32_t parent, std::span<const int32_t> tokens) {
  Block& block = at(page);
  ASSAY_ASSERT(block.holders > 0 && block.node == 0);
  const auto [place, is_new] = published_.try_emplace(key_of(parent, tokens), page);
  if (!is_new) {
    block.node = at(place->second).node;
    return;
  }
  block.key = &place->first;
  block.node = ++nodes_;
}

void BlockManager::forget() {
  for (Block& block : blocks_) block.key = nullptr, block.node = 0;
  published_.clear();
}

void BlockManager::unpublish(Block& block) {
  if (block.key) published_.erase(published_.find(*block.key));
  block.key = nullptr;
  block.node = 0;
}

}  // namespace assay
