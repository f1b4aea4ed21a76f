#include <numeric>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::permutation_order {
namespace {

int64_t order_of(const std::vector<int64_t>& permutation) {
  int64_t order = 1;
  std::vector<char> seen(permutation.size(), 0);
  for (size_t i = 0; i < permutation.size(); ++i) {
    int64_t length = 0;
    for (size_t at = i; !seen[at]; at = static_cast<size_t>(permutation[at])) seen[at] = 1, ++length;
    if (length) order = std::lcm(order, length);
  }
  return order;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<int64_t> permutation;
  int64_t order = 0;
  // Short orders are too common to ask for.
  while (order < 30 * difficulty || order > 30'000) {
    permutation.clear();
    for (int64_t i = 0; i < 20 + 8 * difficulty; ++i) permutation.push_back(i);
    rng.shuffle(permutation);
    order = order_of(permutation);
  }
  const int64_t weight = rng.between(3, 997);
  const std::vector<std::pair<std::string, std::string>> v{{"permutation", list_text(permutation)}, {"weight", std::to_string(weight)}};
  return {filled("Cards numbered from 0 lie in order. A shuffle moves the card at place i to place p[i] (places are counted from 0), where p = {permutation}. Let n be the smallest positive number of times the shuffle must be "
                 "repeated until all cards lie in order again. What is {weight} * n? Give an integer.", v),
          {}, expect_integer(weight * order),
          filled(R"(p = {permutation}
start = list(range(len(p)))
cards, n = start, 0
while True:
    moved = [None] * len(p)
    for place, card in enumerate(cards):
        moved[p[place]] = card
    cards, n = moved, n + 1
    if cards == start:
        break
print({weight} * n))", v)};
}

}  // namespace

Problem make() { return {"permutation_order", "number theory", "native: lengths of cycles; Python: applying it until all are back", 1, draw}; }

}  // namespace assay::problems::permutation_order
