#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::ferry_journeys {
namespace {

// Paths of `steps` moves from 0 to `target` on a directed graph with multiple edges.
std::string answer(const std::vector<std::vector<int64_t>>& m, int64_t steps, size_t target) {
  std::vector<int64_t> ways(m.size(), 0);
  ways[0] = 1;
  for (int64_t i = 0; i < steps; ++i) {
    std::vector<int64_t> next(m.size(), 0);
    for (size_t a = 0; a < m.size(); ++a)
      for (size_t b = 0; b < m.size(); ++b) next[b] += ways[a] * m[a][b];
    ways = std::move(next);
  }
  return std::to_string(ways[target]);
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t size = 3 + difficulty, steps = 8 + rng.between(0, 4);
  std::vector<std::vector<int64_t>> m;
  for (int64_t i = 0; i < size; ++i) {
    m.push_back(draw_numbers(rng, size, 0, 2));
    m.back()[static_cast<size_t>((i + 1) % size)] += 1;
  }
  const size_t target = static_cast<size_t>(rng.between(1, size - 1));
  const std::vector<std::pair<std::string, std::string>> values{{"m", list_text(m)}, {"steps", std::to_string(steps)}, {"target", std::to_string(target)}};
  return {filled("Ferries connect islands numbered from 0. Row i, column j of {m} (both counted from 0) says how many different ferries go from island i to island j; a ferry may lead back to "
                 "where it starts. How many different journeys of exactly {steps} ferry rides lead from island 0 to island {target}? Give an integer.", values),
          {}, expect_integer(answer(m, steps, target)),
          filled(R"(from sympy import Matrix
print(int((Matrix({m}) ** {steps})[0, {target}])))", values)};
}

}  // namespace

Problem make() { return {"ferry_journeys", "linear algebra", "native: counts of journeys step by step; Python: power of a matrix", 1, draw}; }

}  // namespace assay::problems::ferry_journeys
