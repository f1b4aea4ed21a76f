#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::weighted_quantiles {
namespace {

int64_t quantile(std::vector<std::vector<int64_t>> pairs, int64_t percent) {
  std::sort(pairs.begin(), pairs.end());
  int64_t total = 0, reached = 0;
  for (const auto& pair : pairs) total += pair[1];
  for (const auto& pair : pairs)
    if ((reached += pair[1]) * 100 >= percent * total) return pair[0];
  return pairs.back()[0];
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<std::vector<int64_t>> pairs;
  for (int i = 0; i < 10 + 8 * difficulty; ++i) pairs.push_back({rng.between(100, 9'999), rng.between(1, 40)});
  const int64_t low = rng.between(5, 30), middle = rng.between(40, 60), high = rng.between(70, 95);
  const std::vector<std::pair<std::string, std::string>> v{{"pairs", list_text(pairs)}, {"low", std::to_string(low)}, {"middle", std::to_string(middle)}, {"high", std::to_string(high)}};
  return {filled("Each pair [income, households] of {pairs} says how many households have that income. The p-th percentile is the smallest income for which at least p percent of all households have that income or less. Give a "
                 "list of the percentiles for p = {low}, {middle} and {high}, as integers.", v),
          {}, expect_integers({quantile(pairs, low), quantile(pairs, middle), quantile(pairs, high)}),
          filled(R"(import numpy as np
pairs = np.array({pairs})
all_of_them = np.sort(np.repeat(pairs[:, 0], pairs[:, 1]))
print([int(all_of_them[-(-p * len(all_of_them) // 100) - 1]) for p in ({low}, {middle}, {high})]))", v)};
}

}  // namespace

Problem make() { return {"weighted_quantiles", "statistics", "native: cumulative weights in order; Python: numpy repeat", 1, draw}; }

}  // namespace assay::problems::weighted_quantiles
