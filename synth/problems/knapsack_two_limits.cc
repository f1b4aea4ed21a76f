#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::knapsack_two_limits {
namespace {

int64_t best(const std::vector<std::vector<int64_t>>& items, int64_t weight, int64_t volume) {
  std::vector<std::vector<int64_t>> table(static_cast<size_t>(weight) + 1, std::vector<int64_t>(static_cast<size_t>(volume) + 1, 0));
  for (const auto& item : items)
    for (int64_t w = weight; w >= item[0]; --w)
      for (int64_t v = volume; v >= item[1]; --v) {
        int64_t& here = table[static_cast<size_t>(w)][static_cast<size_t>(v)];
        here = std::max(here, table[static_cast<size_t>(w - item[0])][static_cast<size_t>(v - item[1])] + item[2]);
      }
  return table.back().back();
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<std::vector<int64_t>> items;
  for (int i = 0; i < 6 + 3 * difficulty; ++i) items.push_back({rng.between(4, 30), rng.between(3, 25), rng.between(15, 250)});
  const int64_t weight = 35 + 15 * difficulty + rng.between(0, 15), volume = 30 + 12 * difficulty + rng.between(0, 12);
  const std::vector<std::pair<std::string, std::string>> values{{"items", list_text(items)}, {"weight", std::to_string(weight)}, {"volume", std::to_string(volume)}};
  return {filled("A courier may load parcels of at most {weight} kg and {volume} litres altogether. Each parcel of this list is [kg, litres, fee]: {items}. Each is taken whole or not at all. What is the "
                 "largest total fee that can be earned? Give an integer.", values),
          {}, expect_integer(best(items, weight, volume)),
          filled(R"(from functools import lru_cache
items = {items}

@lru_cache(maxsize=None)
def best(i, weight, volume):
    if i == len(items):
        return 0
    w, v, fee = items[i]
    skip = best(i + 1, weight, volume)
    return skip if w > weight or v > volume else max(skip, fee + best(i + 1, weight - w, volume - v))

print(best(0, {weight}, {volume})))", values)};
}

}  // namespace

Problem make() { return {"knapsack_two_limits", "optimisation", "native: table over both limits; Python: branch by items with memory", 1, draw}; }

}  // namespace assay::problems::knapsack_two_limits
