// The scheduler with nothing behind it: what it plans is taken for computed.
#include "engine/runtime/scheduler.h"

#include <catch2/catch.hpp>

#include <map>

namespace assay::test {
namespace {

struct Stage {
  Stage(int64_t pages, const Scheduler::Limits& limits) : blocks(pages), scheduler(blocks, limits) {}

  // A sequence that opens a turn on `length` tokens; sequences of one `kind` begin alike.
  Sequence& submit(int64_t length, int32_t kind) {
    Sequence& sequence = *sequences.emplace_back(std::make_unique<Sequence>());
    sequence.tokens.assign(static_cast<size_t>(length), kind);
    sequence.turn.emplace();
    scheduler.submit(sequence);
    return sequence;
  }

  // Plans and computes a step; whoever computed its last token draws one. Tokens of each sequence.
  std::map<const Sequence*, int64_t> step() {
    std::map<const Sequence*, int64_t> planned;
    for (const StepPart& part : scheduler.next()) {
      Sequence& sequence = *part.sequence;
      REQUIRE(planned.emplace(&sequence, part.tokens).second);
      const int64_t before = sequence.cached.length;
      sequence.cached.length += part.tokens;
      REQUIRE(sequence.cached.length <= static_cast<int64_t>(sequence.cached.pages.size()) * kPageTokens);
      scheduler.computed(sequence, before);
      REQUIRE(part.samples == (sequence.missing() == 0));
      if (part.samples) sequence.tokens.push_back(999);
    }
    return planned;
  }

  BlockManager blocks;
  Scheduler scheduler;
  std::vector<std::unique_ptr<Sequence>> sequences;
};

using Planned = std::map<const Sequence*, int64_t>;

}  // namespace

TEST_CASE("decoding goes first, prefills are cut to what is left, and newcomers wait for their place") {
  Stage stage(100, {.sequences = 2, .tokens = 50});
  const Sequence& first = stage.submit(30, 1);
  const Sequence& second = stage.submit(100, 2);
  const Sequence& third = stage.submit(10, 3);
  CHECK(stage.step() == Planned{{&first, 30}, {&second, 20}});
  CHECK(stage.step() == Planned{{&first, 1}, {&second, 49}});
  CHECK(stage.step() == Planned{{&first, 1}, {&second, 31}});
  CHECK(stage.step() == Planned{{&first, 1}, {&second, 1}});
  stage.scheduler.finish(*stage.sequences[0]);
  CHECK(stage.step() == Planned{{&second, 1}, {&third, 10}});
}

TEST_CASE("who needs a block that another is about to compute waits for it, and others pass") {
  Stage stage(100, {.sequences = 8, .tokens = 100});
  const Sequence& first = stage.submit(200, 1);
  const Sequence& twin = stage.submit(210, 1);
  const Sequence& other = stage.submit(70, 2);
  CHECK(stage.step() == Planned{{&first, 100}});
  CHECK(stage.step() == Planned{{&first, 100}});
  CHECK(stage.step() == Planned{{&first, 1}, {&twin, 18}, {&other, 70}});
  CHECK(twin.cached.pages[2] == first.cached.pages[2]);
  CHECK(twin.cached.pages[3] != first.cached.pages[3]);
  CHECK(stage.scheduler.counts().reused == 192);
}

TEST_CASE("where pages run out, the youngest gives way and comes back to compute what it had") {
  Stage stage(4, {.sequences = 4, .tokens = 200});
  const Sequence& old = stage.submit(127, 1);
  const Sequence& young = stage.submit(126, 2);
  CHECK(stage.step() == Planned{{&old, 127}, {&young, 73}});
  CHECK(stage.step() == Planned{{&old, 1}, {&young, 53}});
  CHECK(stage.step() == Planned{{&old, 1}});   // its third page, and the young one's second went with it
  CHECK(stage.scheduler.counts().preemptions == 1);
  CHECK(young.cached.pages.empty());
  CHECK(stage.step() == Planned{{&old, 1}});   // 127 tokens need two pages, and one is left
  stage.scheduler.finish(*stage.sequences[0]);
  const Planned back = stage.step();
  REQUIRE(back.count(&young) == 1);
  CHECK(back.at(&young) + stage.scheduler.counts().reused == 127);
}

TEST_CASE("kept pages give way, the least recently used first, but not to one who would not fit all the same") {
  Stage stage(6, {.sequences = 4, .tokens = 1000});
  const Sequence& running = stage.submit(120, 1);
  for (const int32_t kind : {2, 3}) stage.submit(100, kind);
  stage.step();
  stage.scheduler.finish(*stage.sequences[1]);
  stage.scheduler.finish(*stage.sequences[2]);
  const Sequence& large = stage.submit(300, 4);   // five pages, and the running one has two of six
  CHECK(stage.step() == Planned{{&running, 1}});
  CHECK(stage.scheduler.counts().dropped == 0);
  stage.scheduler.remove(*stage.sequences[3]);
  const Sequence& small = stage.submit(70, 5);
  CHECK(stage.step() == Planned{{&running, 1}, {&small, 70}});
  CHECK(stage.scheduler.counts().dropped == 1);
  CHECK(stage.sequences[1]->cached.pages.empty());
  CHECK(stage.sequences[2]->cached.pages.size() == 2);
  CHECK(large.cached.pages.empty());
}

TEST_CASE("while it drains only turns that have begun go on, preempted ones too") {
  Stage stage(4, {.sequences = 4, .tokens = 200});
  const Sequence& old = stage.submit(127, 1);
  const Sequence& young = stage.submit(126, 2);
  for (int i = 0; i < 3; ++i) stage.step();
  REQUIRE(stage.scheduler.counts().preemptions == 1);
  const Sequence& late = stage.submit(5, 3);
  stage.scheduler.drain(true);
  stage.scheduler.finish(*stage.sequences[0]);
  CHECK(stage.scheduler.has_begun());
  const Planned drained = stage.step();
  CHECK(drained.count(&young) == 1);
  CHECK(drained.count(&late) == 0);
  stage.scheduler.finish(*stage.sequences[1]);
  CHECK_FALSE(stage.scheduler.has_begun());
  CHECK(stage.step().empty());
  stage.scheduler.forget_all();
  CHECK(stage.blocks.unheld() == 4);
  stage.scheduler.drain(false);
  CHECK(stage.step() == Planned{{&late, 5}});
  CHECK(old.cached.pages.empty());
}

TEST_CASE("a sequence that is cut keeps its last block only where that was not full") {
  Stage stage(10, {.sequences = 4, .tokens = 1000});
  Sequence& sequence = stage.submit(150, 1);
  stage.step();
  stage.scheduler.finish(sequence);
  sequence.turn.reset();
  stage.scheduler.truncate(sequence, 140, 140);
  CHECK(sequence.cached.length == 140);
  stage.scheduler.truncate(sequence, 140, 139);
  CHECK(sequence.cached.length == 139);
  stage.scheduler.truncate(sequence, 100, 100);
  CHECK(sequence.length() == 100);
  CHECK(sequence.cached.length == 64);
  CHECK(sequence.cached.pages.size() == 1);
}

}  // namespace assay::test
