// Which tokens the next step computes. Decides by counts of pages and tokens alone, so it is the same on every device; what it
// decides is seen in times, never in bits.
//
// Oldest first: decoding sequences, then prefills cut to fit, then newcomers. A newcomer takes up every block that is published; it
// waits while another is about to compute the block that it needs next, so a group pays for its prompt once. Where pages run out,
// caches kept between turns give way, the least recently used first; then the youngest sequence is preempted: its pages go, and it
// comes back as a newcomer, at the head of the queue, to compute again what is no longer found.
#pragma once

#include <deque>
#include <list>
#include <vector>

#include "engine/runtime/block_manager.h"
#include "engine/runtime/sequence.h"

namespace assay {

struct StepPart {
  Sequence* sequence = nullptr;
  int64_t tokens = 0;      // the next ones of sequence->tokens; pages are there
  bool samples = false;    // these are the last
};

// Sequences stay where they are while the scheduler knows them.
class Scheduler {
 public:
  struct Limits {
    int64_t sequences = 0;   // in one step
    int64_t tokens = 0;      // in one step
  };
  struct Counts {
    int64_t reused = 0, preemptions = 0, dropped = 0;
  };

  Scheduler(BlockManager& blocks, const Limits& limits) : blocks_(blocks), limits_(limits) {}

  // A turn was opened; a token at least is missing, and all it can grow to fits into the pages.
  void submit(Sequence& sequence);
  // Cuts a sequence without an open turn to its first `length` tokens, of which at most `computed` stay computed. A block that was full
  // is not written again: of the last one nothing stays then.
  void truncate(Sequence& sequence, int64_t length, int64_t computed);
  // Its computed full blocks are the other's as well, which has none.
  void share(const Sequence& from, Sequence& to);
  // Empty only if nothing can go on.
  std::vector<StepPart> next();
  // The sequence has computed tokens beyond its first `before`: full blocks are published.
  void computed(Sequence& sequence, int64_t before);
  // The turn is over: what is computed is kept.
  void finish(Sequence& sequence);
  // Gives up all pages; forgets the sequence.
  void remove(Sequence& sequence);
  // Nothing that is computed is used again. No turn has begun.
  void forget_all();

  // Until it is taken back only turns that have begun go on.
  void drain(bool on) { draining_ = on; }
  bool has_begun() const;   // whether any turn has
  const Counts& counts() const { return counts_; }

 private:
  bool extend(Sequence& sequence, int64_t tokens);
  bool make_room(int64_t pages);
  void preempt(Sequence& sequence);
  void add(Sequence& sequence, int64_t& rows, std::vector<StepPart>& step);
  void admit(int64_t& rows, std::vector<StepPart>& step);
  void adopt(Sequence& sequence);
  bool is_awaited(const Sequence& sequence) const;
  void give_up(Sequence& sequence, int64_t pages);

  BlockManager& blocks_;
  const Limits limits_;
  std::deque<Sequence*> waiting_;
  std::vector<Sequence*> running_;   // oldest first
  std::list<Sequence*> kept_;        // not running, perhaps with pages; least recently used first
  bool draining_ = false;
  Counts counts_;
};

}  // namespace assay
