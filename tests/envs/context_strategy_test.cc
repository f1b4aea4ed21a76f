#include "envs/context_strategy.h"

#include "tests/envs/fixture.h"

namespace assay {
namespace {

using fixture::must;

const Conversation kOpening = {{Role::kSystem, "s", "", {}, ""}, {Role::kUser, "q", "", {}, ""}};

int64_t one_each(std::string_view text) { return static_cast<int64_t>(text.size()); }

ContextOptions options(ContextStrategy strategy, int64_t window_tokens) { return {strategy, window_tokens, one_each}; }

// A step of one call; its result holds the number.
void step(ContextWindow& window, int number, Usage usage = {}) {
  window.add_answer({Role::kAssistant, "", "", {{"c", "f", "{}"}}, ""}, usage);
  window.add({Role::kTool, std::to_string(number), "", {}, "c"});
}

std::string seen(const ContextWindow& window) {
  std::string out;
  for (const Message& message : window.visible()) out += message.role == Role::kAssistant ? "a" : message.text.substr(0, 3);
  return out;
}

TEST_CASE("the strategies have names, and an unknown one lists them") {
  for (const ContextStrategy strategy : {ContextStrategy::kSummary, ContextStrategy::kDiscard75, ContextStrategy::kDiscardAll})
    CHECK(must(context_strategy_named(context_strategy_name(strategy))) == strategy);
  CHECK(must(context_strategy_named("discard-75%")) == ContextStrategy::kDiscard75);
  CHECK_THAT(context_strategy_named("discard").error().what, Catch::Contains("known: summary, discard-75, discard-all"));
}

TEST_CASE("a window overflows at 80% of its tokens, once there is something to drop") {
  const ContextOptions wide = options(ContextStrategy::kDiscardAll, 100);
  ContextWindow window(kOpening, wide);
  CHECK(window.tokens() == 2 * 8 + 2);
  window.add_answer({Role::kAssistant, "", "", {}, ""}, {.prompt_tokens = 60, .completion_tokens = 10});
  CHECK(window.tokens() == 70);            // as reported
  window.add({Role::kTool, "x", "", {}, ""});
  CHECK(window.tokens() == 79);            // and what came since, counted
  CHECK_FALSE(window.overflows());
  window.add_answer({Role::kAssistant, "", "", {}, ""}, {.prompt_tokens = 75, .completion_tokens = 5});
  CHECK(window.overflows());
  const ContextOptions tiny = options(ContextStrategy::kDiscardAll, 5);
  ContextWindow opening_alone(kOpening, tiny);
  CHECK_FALSE(opening_alone.overflows());
  const ContextOptions none = options(ContextStrategy::kNone, 0);
  ContextWindow unbounded(kOpening, none);
  step(unbounded, 1, {.prompt_tokens = 1 << 30});
  CHECK_FALSE(unbounded.overflows());
}

TEST_CASE("discard-75% drops three quarters of the steps, rounded up, discard-all all of them; the record keeps everything") {
  struct Case {
    ContextStrategy strategy;
    int steps;
    std::string left;
  };
  for (const Case& each : {Case{ContextStrategy::kDiscard75, 8, "a7a8"}, {ContextStrategy::kDiscard75, 7, "a7"}, {ContextStrategy::kDiscard75, 4, "a4"},
                           {ContextStrategy::kDiscard75, 5, "a5"}, {ContextStrategy::kDiscard75, 1, ""}, {ContextStrategy::kDiscardAll, 8, ""}}) {
    const ContextOptions chosen = options(each.strategy, 1000);
    ContextWindow window(kOpening, chosen);
    for (int i = 1; i <= each.steps; ++i) step(window, i, i == each.steps ? Usage{.prompt_tokens = 900} : Usage{});
    REQUIRE(window.overflows());
    window.discard();
    CHECK(seen(window) == "sq" + each.left);
    CHECK(window.messages().size() == 2 + 2 * static_cast<size_t>(each.steps));
    REQUIRE(window.resets().size() == 1);
    CHECK(window.resets()[0].message == static_cast<int64_t>(window.messages().size()));
    CHECK(window.resets()[0].kept_from == window.resets()[0].message - static_cast<int64_t>(each.left.size()));
    CHECK(window.resets()[0].tokens == 900 + 8 + 1);
    CHECK(window.tokens() < 100);  // counted anew
    step(window, 9);
    CHECK(seen(window) == "sq" + each.left + "a9");
  }
}

TEST_CASE("what still overflows is dropped too") {
  const ContextOptions narrow = options(ContextStrategy::kDiscard75, 100);
  ContextWindow window(kOpening, narrow);
  for (int i = 1; i <= 7; ++i) step(window, i);
  window.add_answer({Role::kAssistant, "", "", {{"c", "f", "{}"}}, ""}, {});
  window.add({Role::kTool, std::string(200, 'x'), "", {}, "c"});
  window.discard();
  CHECK(seen(window) == "sq");
  CHECK(window.resets().size() == 2);
  CHECK_FALSE(window.overflows());
}

TEST_CASE("a summary begins again from the opening and itself") {
  const ContextOptions chosen = options(ContextStrategy::kSummary, 1000);
  ContextWindow window(kOpening, chosen);
  step(window, 1, {.prompt_tokens = 900});
  REQUIRE(window.overflows());
  window.ask_for_summary();
  CHECK(window.visible().back().role == Role::kUser);
  CHECK(window.visible().size() == 5);
  window.add_answer({Role::kAssistant, "NOTES", "", {}, ""}, {.prompt_tokens = 950, .completion_tokens = 5});
  window.restart_from_summary();
  REQUIRE(window.visible().size() == 3);
  CHECK_THAT(window.visible()[2].text, Catch::EndsWith("NOTES"));
  CHECK(window.visible()[2].role == Role::kUser);
  CHECK(window.messages().size() == 7);
  REQUIRE(window.resets().size() == 1);
  CHECK(window.resets()[0] == ContextReset{6, 6, 955});
  CHECK_FALSE(window.overflows());
}

TEST_CASE("a context record reads back and is checked") {
  const ContextRecord record{"discard-75", 1000, {{8, 6, 900}, {12, 12, 850}}};
  CHECK(must(context_record_from_json(to_json(record), "t")) == record);
  Json bad = to_json(record);
  bad["resets"][1]["tokens"] = -1;
  CHECK_THAT(context_record_from_json(bad, "t").error().where, Catch::Contains("resets[1].tokens"));
}

}  // namespace
}  // namespace assay
