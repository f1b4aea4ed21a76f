#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::circle_elimination {
namespace {

std::vector<int64_t> last_ones(int64_t people, const std::vector<int64_t>& counts, size_t left) {
  std::vector<int64_t> ring;
  for (int64_t i = 1; i <= people; ++i) ring.push_back(i);
  size_t at = 0;
  for (size_t round = 0; ring.size() > left; ++round) {
    at = (at + static_cast<size_t>(counts[round % counts.size()]) - 1) % ring.size();
    ring.erase(ring.begin() + static_cast<std::ptrdiff_t>(at));
    if (at == ring.size()) at = 0;
  }
  return ring;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t people = rng.between(40, 90) * difficulty;
  const std::vector<int64_t> counts = draw_numbers(rng, 3, 2, 15);
  std::vector<int64_t> ring = last_ones(people, counts, 3);
  std::sort(ring.begin(), ring.end());
  const std::vector<std::pair<std::string, std::string>> values{{"people", std::to_string(people)}, {"counts", list_text(counts)}};
  return {filled("{people} children stand in a circle, numbered 1 to {people} clockwise. Counting clockwise begins with child 1. In turn, they count up to the numbers of {counts} "
                 "(after the last number comes the first again); the child on whom a count ends leaves the circle, and the next count begins with the child after it. "
                 "Which three children are left? Give a list of their numbers in increasing order.", values),
          {}, expect_integers(ring),
          filled(R"(from collections import deque
from itertools import cycle
ring = deque(range(1, {people} + 1))
for count in cycle({counts}):
    if len(ring) == 3:
        break
    ring.rotate(1 - count)
    ring.popleft()
print(sorted(ring)))", values)};
}

}  // namespace

Problem make() { return {"circle_elimination", "simulation", "native: ring of indices; Python: deque", 1, draw}; }

}  // namespace assay::problems::circle_elimination
