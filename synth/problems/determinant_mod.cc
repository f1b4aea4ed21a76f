#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::determinant_mod {
namespace {

int64_t determinant(std::vector<std::vector<int64_t>> m, int64_t p) {
  int64_t out = 1;
  for (size_t c = 0; c < m.size(); ++c) {
    size_t pivot = c;
    while (pivot < m.size() && ((m[pivot][c] % p) + p) % p == 0) ++pivot;
    if (pivot == m.size()) return 0;
    if (pivot != c) {
      std::swap(m[pivot], m[c]);
      out = p - out;
    }
    const int64_t inverse = power_mod((m[c][c] % p + p) % p, p - 2, p);
    out = out * ((m[c][c] % p + p) % p) % p;
    for (size_t r = c + 1; r < m.size(); ++r) {
      const int64_t factor = (m[r][c] % p + p) % p * inverse % p;
      for (size_t k = c; k < m.size(); ++k) m[r][k] = ((m[r][k] - factor * ((m[c][k] % p + p) % p)) % p + p) % p;
    }
  }
  return out;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t p = rng.pick(std::vector<int64_t>{10007, 10009, 10037, 10039, 10061, 10067});
  std::vector<std::vector<int64_t>> m;
  for (int i = 0; i < 3 + difficulty; ++i) m.push_back(draw_numbers(rng, 3 + difficulty, -30, 30));
  const std::vector<std::pair<std::string, std::string>> values{{"m", list_text(m)}, {"p", std::to_string(p)}};
  return {filled("What is the determinant of the matrix with the rows {m}, as a remainder from 0 to {p} - 1 modulo {p}? Give an integer.", values),
          {}, expect_integer(determinant(m, p)),
          filled(R"(from sympy import Matrix
print(int(Matrix({m}).det()) % {p}))", values)};
}

}  // namespace

Problem make() { return {"determinant_mod", "linear algebra", "native: elimination modulo a prime; Python: exact determinant of sympy, then the remainder", 1, draw}; }

}  // namespace assay::problems::determinant_mod
