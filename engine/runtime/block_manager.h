// Who holds which page of the cache, and which pages hold what others can use.
//
// A block is one page: 64 tokens of a context. It is written by one sequence until it is full; a full block may be published, is never
// written again, and can be held by any number of sequences. A published block that nobody holds can still be found until its
// page is needed; the one that was let go first gives way first.
//
// A block is found by its tokens and the published block before it, so the published blocks are a trie of contexts. It is walked by
// hash, and every hit is compared in full: a collision costs time and never gives a sequence a past that is not its own.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/kernels/cache.h"

namespace assay {

class BlockManager {
 public:
  static constexpr int32_t kNone = -1;

  explicit BlockManager(int64_t pages);   // > 0

  // A page to write to, held once; kNone if all are held.
  int32_t take();
  // One holder more, or less, of a held page.
  void hold(int32_t page);
  void release(int32_t page);

  // The published block of these 64 tokens after `parent`, a published block (kNone: at the beginning), now held once more; kNone if
  // there is none.
  int32_t find(int32_t parent, std::span<const int32_t> tokens);
  // Lets others find a held block that is full. Where an equal one is published already, that stays the one to be found, and blocks
  // after either are the same.
  void publish(int32_t page, int32_t parent, std::span<const int32_t> tokens);
  // Whether contexts that end in these published blocks are equal; kNone: the empty context.
  bool same_context(int32_t a, int32_t b) const { return node_of(a) == node_of(b); }
  // Nothing that is published now is found again.
  void forget();

  int64_t pages() const { return static_cast<int64_t>(blocks_.size()); }
  int64_t unheld() const { return static_cast<int64_t>(idle_.size()); }   // take() succeeds so often

 private:
  struct Key {
    uint64_t parent = 0;
    std::array<int32_t, kPageTokens> tokens;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Block {
    int64_t holders = 0;
    uint64_t node = 0;           // of the trie; 0: not published
    const Key* key = nullptr;    // in published_, if this page is the one that is found
    std::list<int32_t>::iterator idle;
  };

  Block& at(int32_t page) { return blocks_[static_cast<size_t>(page)]; }
  uint64_t node_of(int32_t page) const { return page == kNone ? 0 : blocks_[static_cast<size_t>(page)].node; }
  Key key_of(int32_t parent, std::span<const int32_t> tokens) const;
  void unpublish(Block& block);

  std::vector<Block> blocks_;
  std::list<int32_t> idle_;                            // held by nobody; the next to be taken first
  std::unordered_map<Key, int32_t, KeyHash> published_;
  uint64_t nodes_ = 0;                                 // ever made, so that none is used twice
};

}  // namespace assay
