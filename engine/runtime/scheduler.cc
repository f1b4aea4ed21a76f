#include "engine/runtime/scheduler.h"

#include <algorithm>

namespace assay {
namespace {

int64_t pages_for(int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

int64_t page_count(const Sequence& sequence) { return static_cast<int64_t>(sequence.cached.pages.size()); }

}  // namespace

void Scheduler::submit(Sequence& sequence) {
  ASSAY_ASSERT(sequence.turn && sequence.missing() > 0 && pages_for(sequence.length()) <= blocks_.pages());
  waiting_.push_back(&sequence);
  kept_.remove(&sequence);
  kept_.push_back(&sequence);
}

void Scheduler::truncate(Sequence& sequence, int64_t length, int64_t computed) {
  ASSAY_ASSERT(!sequence.turn && length <= sequence.length());
  sequence.tokens.resize(static_cast<size_t>(length));
  if (sequence.cached.length <= computed) return;
  const bool in_last = computed / kPageTokens == sequence.cached.length / kPageTokens;
  sequence.cached.length = in_last ? computed : computed / kPageTokens * kPageTokens;
  give_up(sequence, pages_for(sequence.cached.length));
}

void Scheduler::share(const Sequence& from, Sequence& to) {
  ASSAY_ASSERT(to.cached.pages.empty());
  const int64_t blocks = from.cached.length / kPageTokens;
  to.cached.pages.assign(from.cached.pages.begin(), from.cached.pages.begin() + blocks);
  to.cached.length = blocks * kPageTokens;
  for (const int32_t page : to.cached.pages) blocks_.hold(page);
  kept_.push_back(&to);
}

std::vector<StepPart> Scheduler::next() {
  std::vector<StepPart> step;
  int64_t rows = limits_.tokens;
  const int64_t preemptions = counts_.preemptions;
  for (const bool decoding : {true, false})
    for (size_t i = 0; i < running_.size() && rows > 0; ++i)
      if ((running_[i]->missing() == 1) == decoding) add(*running_[i], rows, step);
  if (counts_.preemptions == preemptions) admit(rows, step);   // otherwise room was wanting just now
  return step;
}

// The part of a running sequence, if it gets the pages; younger ones may lose theirs. They have no part yet: only the youngest can be in
// its prefill, for nobody is admitted while a prefill is cut.
void Scheduler::add(Sequence& sequence, int64_t& rows, std::vector<StepPart>& step) {
  const int64_t tokens = std::min(sequence.missing(), rows);
  while (!extend(sequence, sequence.cached.length + tokens)) {
    Sequence* const youngest = running_.back();
    ASSAY_ASSERT(step.empty() || step.back().sequence != youngest);
    preempt(*youngest);
    if (youngest == &sequence) return;
  }
  step.push_back({&sequence, tokens, tokens == sequence.missing()});
  rows -= tokens;
}

void Scheduler::admit(int64_t& rows, std::vector<StepPart>& step) {
  for (size_t i = 0; i < waiting_.size() && rows > 0 && static_cast<int64_t>(running_.size()) < limits_.sequences;) {
    Sequence& sequence = *waiting_[i];
    if (draining_ && !sequence.turn->begun) {
      ++i;
      continue;
    }
    adopt(sequence);
    if (is_awaited(sequence)) {
      ++i;
      continue;
    }
    kept_.remove(&sequence);   // its own pages are not what gives way
    if (!make_room(pages_for(sequence.length()) - page_count(sequence))) {
      kept_.push_front(&sequence);
      return;
    }
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    running_.push_back(&sequence);
    OpenTurn& turn = *sequence.turn;
    counts_.reused += sequence.cached.length;
    if (!turn.begun) turn.reused = sequence.cached.length;
    turn.begun = true;
    add(sequence, rows, step);
  }
}

// Takes up published blocks; the last token is left to compute, for its logits.
void Scheduler::adopt(Sequence& sequence) {
  for (;;) {
    const int64_t block = sequence.cached.length / kPageTokens;
    if ((block + 1) * kPageTokens >= sequence.length()) return;
    const int32_t page = blocks_.find(sequence.block_before(block), sequence.block(block));
    if (page == BlockManager::kNone) return;
    give_up(sequence, block);
    sequence.cached.pages.push_back(page);
    sequence.cached.length = (block + 1) * kPageTokens;
  }
}

// Whether a running sequence is about to compute the block that this one needs next.
bool Scheduler::is_awaited(const Sequence& sequence) const {
  const int64_t block = sequence.cached.length / kPageTokens;
  if ((block + 1) * kPageTokens >= sequence.length()) return false;
  const auto computes_it = [&](const Sequence* other) {
    return other->cached.length / kPageTokens == block && other->length() >= (block + 1) * kPageTokens &&
           blocks_.same_context(other->block_before(block), sequence.block_before(block)) && std::ranges::equal(other->block(block), sequence.block(block));
  };
  return std::any_of(running_.begin(), running_.end(), computes_it);
}

bool Scheduler::extend(Sequence& sequence, int64_t tokens) {
  const int64_t missing = pages_for(tokens) - page_count(sequence);
  if (!make_room(missing)) return false;
  for (int64_t i = 0; i < missing; ++i) sequence.cached.pages.push_back(blocks_.take());
  return true;
}

// Takes nothing from anybody if all that can be taken is too little.
bool Scheduler::make_room(int64_t pages) {
  int64_t there = blocks_.unheld();
  for (const Sequence* sequence : kept_) there += page_count(*sequence);
  if (there < pages) return false;
  while (blocks_.unheld() < pages) {
    const auto kept = std::find_if(kept_.begin(), kept_.end(), [](const Sequence* sequence) { return !sequence->cached.pages.empty(); });
    if (kept == kept_.end()) return false;
    give_up(**kept, 0);
    ++counts_.dropped;
  }
  return true;
}

void Scheduler::preempt(Sequence& sequence) {
  give_up(sequence, 0);
  std::erase(running_, &sequence);
  waiting_.push_front(&sequence);
  kept_.push_back(&sequence);
  ++sequence.turn->preemptions;
  ++counts_.preemptions;
}

// Keeps the first `pages` pages; later ones go first, so that what others find is given up from its end.
void Scheduler::give_up(Sequence& sequence, int64_t pages) {
  while (page_count(sequence) > pages) {
    blocks_.release(sequence.cached.pages.back());
    sequence.cached.pages.pop_back();
  }
  sequence.cached.length = std::min(sequence.cached.length, pages * kPageTokens);
}

void Scheduler::computed(Sequence& sequence, int64_t before) {
  for (int64_t block = before / kPageTokens; block < sequence.cached.length / kPageTokens; ++block)
    blocks_.publish(sequence.cached.pages[static_cast<size_t>(block)], sequence.block_before(block), sequence.block(block));
}

void Scheduler::finish(Sequence& sequence) {
  std::erase(running_, &sequence);
  std::erase(waiting_, &sequence);
  kept_.remove(&sequence);
  kept_.push_back(&sequence);
}

void Scheduler::remove(Sequence& sequence) {
  finish(sequence);
  kept_.pop_back();
  give_up(sequence, 0);
}

void Scheduler::forget_all() {
  ASSAY_ASSERT(!has_begun());
  for (Sequence* sequence : kept_) give_up(*sequence, 0);
  blocks_.forget();
}

bool Scheduler::has_begun() const {
  return !running_.empty() || std::any_of(waiting_.begin(), waiting_.end(), [](const Sequence* sequence) { return sequence->turn->begun; });
}

}  // namespace assay
