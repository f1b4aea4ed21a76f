// What is remembered of random answers is what judging them gives.
#include "synth/chance.h"

#include <algorithm>

#include "synth/factory.h"
#include "tests/synth/fixture.h"

namespace assay {
namespace {

using fixture::must;

TEST_CASE("the answers that keep some constraints are those that keep each, whatever was judged before") {
  FactoryOptions options;
  options.preset = "report_like";
  const auto factory = must(Factory::create(options));
  const Task task = must(factory->make(0)).task;
  const auto environment = must(factory->environment(0));
  DrawnCache cache;
  Rng rng(7, "chance test");
  int64_t some = 0;
  for (int round = 0; round < 40; ++round) {
    const bool repeats = rng.below(2) == 1;
    const auto drawn = cache.draw(task.answer, *environment, rng.below(2) ? kSearchStream : kChanceStream, 400, repeats);
    std::vector<size_t> order(task.constraints.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    rng.shuffle(order);
    order.resize(rng.below(order.size() + 1));
    Json json = Json::array();
    for (size_t i : order) json.push_back(task.constraints[i]);
    const Constraints constraints = must(compile_constraints(json, {task.answer, environment->tables}, "test"));
    std::vector<int32_t> expected;
    for (size_t i = 0; i < drawn->numbers.size(); ++i)
      if (std::all_of(constraints.begin(), constraints.end(), [&](const auto& c) { return c->holds(drawn->answer(i)); })) expected.push_back(static_cast<int32_t>(i));
    CHECK(*cache.keeping(drawn, json, constraints) == expected);
    CHECK(*cache.keeping(drawn, json, constraints) == expected);
    CHECK(cache.chance_rate(drawn, json, constraints).hits == static_cast<int64_t>(expected.size()));
    CHECK(cache.chance_rate(drawn, json, constraints).tries == 400);
    some += !expected.empty() && expected.size() < drawn->numbers.size();
  }
  CHECK(some > 10);
}

}  // namespace
}  // namespace assay
