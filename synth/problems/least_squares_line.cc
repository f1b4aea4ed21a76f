#include <cmath>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::least_squares_line {
namespace {

struct Sums {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
};

ProblemInstance draw(Rng& rng, int difficulty) {
  Sums s;
  std::vector<std::vector<int64_t>> points;
  const int64_t slope = rng.between(-9, 9);
  for (int i = 0; i < 6 + 4 * difficulty; ++i) {
    const int64_t x = rng.between(-60, 60), y = slope * x + rng.between(-90, 90) + 40;
    points.push_back({x, y});
    s.n += 1;
    s.x += static_cast<double>(x);
    s.y += static_cast<double>(y);
    s.xx += static_cast<double>(x * x);
    s.xy += static_cast<double>(x * y);
  }
  const double a = (s.n * s.xy - s.x * s.y) / (s.n * s.xx - s.x * s.x), b = (s.y - a * s.x) / s.n;
  const std::vector<std::pair<std::string, std::string>> values{{"points", list_text(points)}, {"rounding", rounding_text(4)}};
  return {filled("Fit a straight line y = a * x + b to the points [x, y] of this list, so that the sum of the squares of the vertical distances is smallest: {points}. Give an object "
                 "with the keys \"a\" and \"b\", both {rounding}.", values),
          {}, Json{{"type", "object"}, {"fields", {{"a", expect_rounded(a, 4)}, {"b", expect_rounded(b, 4)}}}},
          filled(R"(import json
import numpy as np
x, y = np.array({points}, float).T
(a, b), *_ = np.linalg.lstsq(np.stack([x, np.ones_like(x)], 1), y, rcond=None)
print(json.dumps({"a": round(a, 4), "b": round(b, 4)})))", values)};
}

}  // namespace

Problem make() { return {"least_squares_line", "linear algebra", "native: normal equations; Python: numpy's least squares", 1, draw}; }

}  // namespace assay::problems::least_squares_line
