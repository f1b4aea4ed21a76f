#include "engine/runtime/block_manager.h"

#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "envs/base/rng.h"

namespace assay {
namespace {

using Tokens = std::vector<int32_t>;

Tokens block_of(int32_t value) { return Tokens(kPageTokens, value); }

// What the pages of one sequence hold, by the test's own account.
struct Holder {
  std::vector<int32_t> pages;
  Tokens values;       // block i holds block_of(values[i]) once it is published
  size_t published = 0;
};

}  // namespace

TEST_CASE("no block is leaked, doubled or found with another past, whatever is done") {
  constexpr int64_t kPages = 37;
  const uint64_t seed = GENERATE(range<uint64_t>(0, 20));
  CAPTURE(seed);
  Rng rng(seed, "test/block_manager");
  BlockManager blocks(kPages);
  std::vector<Holder> holders;
  std::map<int32_t, Tokens> past;   // of each published page: the values of all blocks up to it
  for (int operation = 0; operation < 3000; ++operation) {
    const uint64_t what = rng.below(100);
    if (what < 10) holders.emplace_back();
    if (holders.empty()) continue;
    Holder& holder = holders[rng.below(holders.size())];
    const int32_t parent = holder.published == 0 ? BlockManager::kNone : holder.pages[holder.published - 1];
    if (what < 35) {   // a page to write to
      const bool any = blocks.unheld() > 0;
      const int32_t page = blocks.take();
      REQUIRE((page != BlockManager::kNone) == any);
      if (!any) continue;
      for (const Holder& other : holders) REQUIRE(std::count(other.pages.begin(), other.pages.end(), page) == 0);
      past.erase(page);
      holder.pages.push_back(page);
      holder.values.push_back(static_cast<int32_t>(rng.below(3)));
    } else if (what < 60) {   // the next page is full
      if (holder.published == holder.pages.size()) continue;
      const int32_t page = holder.pages[holder.published];
      blocks.publish(page, parent, block_of(holder.values[holder.published]));
      ++holder.published;
      past[page] = Tokens(holder.values.begin(), holder.values.begin() + static_cast<std::ptrdiff_t>(holder.published));
      // Whoever holds an equal context is told so.
      for (const Holder& other : holders)
        for (size_t i = 0; i < other.published; ++i)
          if (blocks.same_context(other.pages[i], page)) REQUIRE(past[other.pages[i]] == past[page]);
    } else if (what < 80) {   // what another computed
      if (holder.published < holder.pages.size()) continue;
      const int32_t value = static_cast<int32_t>(rng.below(3));
      const int32_t page = blocks.find(parent, block_of(value));
      if (page == BlockManager::kNone) continue;
      Tokens expected = holder.values;
      expected.push_back(value);
      REQUIRE(past.at(page) == expected);
      holder.pages.push_back(page);
      holder.values.push_back(value);
      ++holder.published;
    } else if (what < 90) {   // the last page goes
      if (holder.pages.empty()) continue;
      blocks.release(holder.pages.back());
      holder.pages.pop_back();
      holder.values.pop_back();
      holder.published = std::min(holder.published, holder.pages.size());
    } else if (what < 95) {   // a fork of what is full
      Holder fork{{holder.pages.begin(), holder.pages.begin() + static_cast<std::ptrdiff_t>(holder.published)},
                  {holder.values.begin(), holder.values.begin() + static_cast<std::ptrdiff_t>(holder.published)}, holder.published};
      for (const int32_t page : fork.pages) blocks.hold(page);
      holders.push_back(std::move(fork));
    } else if (what < 99) {   // the sequence ends
      while (!holder.pages.empty()) blocks.release(holder.pages.back()), holder.pages.pop_back();
      std::swap(holder, holders.back());
      holders.pop_back();
    }
    std::set<int32_t> held;
    for (const Holder& each : holders) held.insert(each.pages.begin(), each.pages.end());
    REQUIRE(blocks.unheld() + static_cast<int64_t>(held.size()) == kPages);
  }
  for (Holder& holder : holders)
    while (!holder.pages.empty()) blocks.release(holder.pages.back()), holder.pages.pop_back();
  CHECK(blocks.unheld() == kPages);
  std::set<int32_t> all;
  for (int64_t i = 0; i < kPages; ++i) all.insert(blocks.take());
  CHECK(all.size() == kPages);
  CHECK_FALSE(all.contains(BlockManager::kNone));
  CHECK(blocks.take() == BlockManager::kNone);
}

TEST_CASE("what was let go is found until its page is needed, the end of a context giving way first") {
  BlockManager blocks(3);
  const int32_t a = blocks.take(), b = blocks.take();
  blocks.publish(a, BlockManager::kNone, block_of(1));
  blocks.publish(b, a, block_of(2));
  blocks.release(b);
  blocks.release(a);
  REQUIRE(blocks.find(BlockManager::kNone, block_of(1)) == a);
  REQUIRE(blocks.find(a, block_of(2)) == b);
  CHECK(blocks.find(BlockManager::kNone, block_of(2)) == BlockManager::kNone);
  blocks.release(b);
  blocks.release(a);
  blocks.take();   // the page that never held anything
  CHECK(blocks.take() == b);
  REQUIRE(blocks.find(BlockManager::kNone, block_of(1)) == a);
  CHECK(blocks.find(a, block_of(2)) == BlockManager::kNone);
}

TEST_CASE("a block computed twice is one context, and nothing is found after it was forgotten") {
  BlockManager blocks(4);
  const int32_t a = blocks.take(), twin = blocks.take(), next = blocks.take();
  blocks.publish(a, BlockManager::kNone, block_of(1));
  blocks.publish(twin, BlockManager::kNone, block_of(1));
  CHECK(blocks.same_context(a, twin));
  CHECK_FALSE(blocks.same_context(a, BlockManager::kNone));
  blocks.publish(next, twin, block_of(2));
  CHECK(blocks.find(a, block_of(2)) == next);
  blocks.release(next);
  blocks.release(next);
  blocks.release(a);
  blocks.release(twin);
  blocks.forget();
  CHECK(blocks.find(BlockManager::kNone, block_of(1)) == BlockManager::kNone);
  CHECK(blocks.unheld() == 4);
}

}  // namespace assay
