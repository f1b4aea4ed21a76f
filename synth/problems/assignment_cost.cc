#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::assignment_cost {
namespace {

int64_t cheapest(const std::vector<std::vector<int64_t>>& cost) {
  std::vector<int64_t> table(size_t{1} << cost.size(), int64_t{1} << 40);
  table[0] = 0;
  for (size_t taken = 0; taken < table.size(); ++taken) {
    const size_t job = static_cast<size_t>(__builtin_popcountll(taken));
    for (size_t worker = 0; job < cost.size() && worker < cost.size(); ++worker)
      if (!(taken >> worker & 1)) table[taken | size_t{1} << worker] = std::min(table[taken | size_t{1} << worker], table[taken] + cost[job][worker]);
  }
  return table.back();
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<std::vector<int64_t>> cost;
  for (int i = 0; i < 4 + 2 * difficulty; ++i) cost.push_back(draw_numbers(rng, 4 + 2 * difficulty, 20, 400));
  const std::vector<std::pair<std::string, std::string>> values{{"cost", list_text(cost)}};
  return {filled("Each of several jobs goes to one worker, and each worker does one job. Row i, column j of {cost} is what it costs to have job i done by worker j. What is the smallest total cost? "
                 "Give an integer.", values),
          {}, expect_integer(cheapest(cost)),
          filled(R"(import numpy as np
from scipy.optimize import linear_sum_assignment
cost = np.array({cost})
print(int(cost[linear_sum_assignment(cost)].sum())))", values)};
}

}  // namespace

Problem make() { return {"assignment_cost", "optimisation", "native: table over sets of workers; Python: scipy's Hungarian method", 1, draw}; }

}  // namespace assay::problems::assignment_cost
