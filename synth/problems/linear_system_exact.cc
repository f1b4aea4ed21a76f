#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::linear_system_exact {
namespace {

struct System {
  std::vector<std::vector<int64_t>> rows;
  std::vector<int64_t> right;
};
// Of three or more equations, by expansion along the first row: whether there is exactly one solution.
__int128 determinant(const std::vector<std::vector<int64_t>>& m) {
  if (m.size() == 1) return m[0][0];
  __int128 out = 0;
  for (size_t c = 0; c < m.size(); ++c) {
    std::vector<std::vector<int64_t>> minor;
    for (size_t r = 1; r < m.size(); ++r) {
      minor.emplace_back();
      for (size_t k = 0; k < m.size(); ++k)
        if (k != c) minor.back().push_back(m[r][k]);
    }
    out += (c % 2 ? -1 : 1) * m[0][c] * determinant(minor);
  }
  return out;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t size = 2 + difficulty;
  const std::vector<int64_t> solution = draw_numbers(rng, size, -40, 40);
  System s;
  do {
    s = {};
    for (int64_t i = 0; i < size; ++i) {
      s.rows.push_back(draw_numbers(rng, size, -9, 9));
      int64_t sum = 0;
      for (size_t k = 0; k < solution.size(); ++k) sum += s.rows.back()[k] * solution[k];
      s.right.push_back(sum);
    }
  } while (determinant(s.rows) == 0);
  const std::vector<std::pair<std::string, std::string>> v{{"rows", list_text(s.rows)}, {"right", list_text(s.right)}};
  return {filled("Solve the system of linear equations whose coefficients are the rows {rows} and whose right-hand sides are {right}, in the same order. All unknowns are whole numbers. Give a list of their values, in the "
                 "order of the columns.", v),
          {}, expect_integers(solution),
          filled(R"(from sympy import Matrix
print([int(x) for x in Matrix({rows}).LUsolve(Matrix({right}))]))", v)};
}

}  // namespace

Problem make() { return {"linear_system_exact", "linear algebra", "native: whole solution drawn first, the only one by the determinant; Python: sympy's exact solver", 1, draw}; }

}  // namespace assay::problems::linear_system_exact
