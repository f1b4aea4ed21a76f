#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::shortest_route_with_pass {
namespace {

int64_t shortest(int64_t towns, const std::vector<std::vector<int64_t>>& roads) {
  std::vector<int64_t> plain(static_cast<size_t>(towns), int64_t{1} << 40), used = plain;
  plain[0] = 0;
  for (bool changed = true; changed;) {
    changed = false;
    const auto improve = [&](int64_t& to, int64_t value) {
      if (value < to) to = value, changed = true;
    };
    for (const auto& road : roads) {
      const size_t a = static_cast<size_t>(road[0]), b = static_cast<size_t>(road[1]);
      for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
        improve(plain[to], plain[from] + road[2]);
        improve(used[to], used[from] + road[2]);
        improve(used[to], plain[from]);
      }
    }
  }
  return std::min(plain.back(), used.back());
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t towns = 6 + 4 * difficulty;
  std::vector<std::vector<int64_t>> roads;
  for (int64_t i = 1; i < towns; ++i) roads.push_back({rng.between(std::max<int64_t>(0, i - 3), i - 1), i, rng.between(20, 400)});
  for (int64_t i = 0; i < towns; ++i) {
    const int64_t a = rng.between(0, towns - 3);
    roads.push_back({a, rng.between(a + 1, std::min(towns - 1, a + 4)), rng.between(60, 700)});
  }
  const std::vector<std::pair<std::string, std::string>> values{{"towns", std::to_string(towns)}, {"last", std::to_string(towns - 1)}, {"roads", list_text(roads)}};
  return {filled("Toll roads join {towns} towns numbered from 0; each of {roads} is [town, town, toll] and can be used in both directions. A traveller with one voucher, good for one free "
                 "ride on any single road, goes from town 0 to town {last}. What is the smallest total toll? Give an integer.", values),
          {}, expect_integer(shortest(towns, roads)),
          filled(R"(import heapq
roads = {}
for a, b, toll in {roads}:
    roads.setdefault(a, []).append((b, toll))
    roads.setdefault(b, []).append((a, toll))
heap, seen = [(0, 0, False)], set()
while heap:
    paid, town, used = heapq.heappop(heap)
    if town == {last}:
        print(paid)
        break
    if (town, used) in seen:
        continue
    seen.add((town, used))
    for other, toll in roads[town]:
        heapq.heappush(heap, (paid + toll, other, used))
        if not used:
            heapq.heappush(heap, (paid, other, True)))", values)};
}

}  // namespace

Problem make() { return {"shortest_route_with_pass", "optimisation", "native: relaxation until nothing changes; Python: Dijkstra over pairs of town and pass", 1, draw}; }

}  // namespace assay::problems::shortest_route_with_pass
