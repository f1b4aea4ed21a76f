#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::cutting_stock {
namespace {

int64_t fewest(int64_t total, const std::vector<int64_t>& pieces, const std::vector<int64_t>& costs) {
  std::vector<int64_t> table(static_cast<size_t>(total) + 1, int64_t{1} << 40);
  table[0] = 0;
  for (int64_t sum = 1; sum <= total; ++sum)
    for (size_t i = 0; i < pieces.size(); ++i)
      if (pieces[i] <= sum) table[static_cast<size_t>(sum)] = std::min(table[static_cast<size_t>(sum)], table[static_cast<size_t>(sum - pieces[i])] + costs[i]);
  return table.back();
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<int64_t> pieces, costs;
  for (int i = 0; i < 3 + difficulty; ++i) {
    pieces.push_back(rng.between(5, 60));
    costs.push_back(pieces.back() * rng.between(8, 13) + rng.between(1, 30));
  }
  pieces.push_back(1);   // so that every length can be made
  costs.push_back(rng.between(20, 40));
  const int64_t total = rng.between(200, 500) * difficulty;
  const std::vector<std::pair<std::string, std::string>> v{{"total", std::to_string(total)}, {"pieces", list_text(pieces)}, {"costs", list_text(costs)}};
  return {filled("Rails are sold in the lengths {pieces} (in metres) at the prices {costs}, in the same order, and any number of each can be bought. A track of exactly {total} metres is to be laid without cutting a rail. What is the "
                 "smallest total price? Give an integer.", v),
          {}, expect_integer(fewest(total, pieces, costs)),
          filled(R"(import heapq
offers = list(zip({pieces}, {costs}))
heap, done = [(0, 0)], set()
while heap:
    paid, length = heapq.heappop(heap)
    if length == {total}:
        print(paid)
        break
    if length in done:
        continue
    done.add(length)
    for piece, cost in offers:
        if length + piece <= {total}:
            heapq.heappush(heap, (paid + cost, length + piece)))", v)};
}

}  // namespace

Problem make() { return {"cutting_stock", "optimisation", "native: table over lengths; Python: Dijkstra over lengths", 1, draw}; }

}  // namespace assay::problems::cutting_stock
