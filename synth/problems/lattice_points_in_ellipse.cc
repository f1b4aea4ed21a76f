#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::lattice_points_in_ellipse {
namespace {

int64_t answer(int64_t a, int64_t b, int64_t bound) {
  int64_t count = 0;
  for (int64_t x = 0; a * x * x <= bound; ++x) {
    int64_t y = 0;
    while (a * x * x + b * (y + 1) * (y + 1) <= bound) ++y;
    count += (x ? 2 : 1) * (2 * y + 1);
  }
  return count;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t a = rng.between(2, 9), b = rng.between(2, 9), bound = rng.between(2'000, 9'000) * difficulty;
  const std::vector<std::pair<std::string, std::string>> v{{"a", std::to_string(a)}, {"b", std::to_string(b)}, {"bound", std::to_string(bound)}};
  return {filled("How many pairs of whole numbers (x, y), negative ones and zero included, satisfy {a} * x * x + {b} * y * y <= {bound}? Give an integer.", v),
          {}, expect_integer(answer(a, b, bound)),
          filled(R"(import numpy as np
side = np.arange(-int({bound} ** 0.5) - 1, int({bound} ** 0.5) + 2)
x, y = np.meshgrid(side, side)
print(int(({a} * x * x + {b} * y * y <= {bound}).sum())))", v)};
}

}  // namespace

Problem make() { return {"lattice_points_in_ellipse", "number theory", "native: row by row with integer square roots; Python: all points by numpy", 1, draw}; }

}  // namespace assay::problems::lattice_points_in_ellipse
