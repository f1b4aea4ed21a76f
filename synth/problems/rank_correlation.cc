#include <cmath>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::rank_correlation {
namespace {

double tau_b(const std::vector<int64_t>& x, const std::vector<int64_t>& y) {
  double agree = 0, x_pairs = 0, y_pairs = 0;
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const int a = (x[i] > x[j]) - (x[i] < x[j]), b = (y[i] > y[j]) - (y[i] < y[j]);
      agree += a * b;
      x_pairs += a != 0;
      y_pairs += b != 0;
    }
  return agree / std::sqrt(x_pairs * y_pairs);
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t count = 8 + 6 * difficulty;
  const std::vector<int64_t> x = draw_numbers(rng, count, 1, 30);
  std::vector<int64_t> y = draw_numbers(rng, count, 1, 25);
  for (size_t i = 0; i < y.size(); ++i) y[i] += x[i] / 2;
  const std::vector<std::pair<std::string, std::string>> v{{"x", list_text(x)}, {"y", list_text(y)}, {"rounding", rounding_text(4)}};
  return {filled("Two judges gave the same performers these marks, in the same order: {x} and {y}. Compute Kendall's tau-b between the two lists, which takes ties into account. Give a number {rounding}.", v),
          {}, expect_rounded(tau_b(x, y), 4),
          filled(R"(from scipy.stats import kendalltau
print(round(float(kendalltau({x}, {y}, variant="b")[0]), 4)))", v)};
}

}  // namespace

Problem make() { return {"rank_correlation", "statistics", "native: counting pairs; Python: scipy's Kendall tau", 1, draw}; }

}  // namespace assay::problems::rank_correlation
