#include <array>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::fibonacci_like_mod {
namespace {

using Matrix = std::array<int64_t, 4>;
Matrix times(const Matrix& a, const Matrix& b, int64_t m) {
  const auto entry = [m](int64_t p, int64_t q, int64_t r, int64_t s) { return static_cast<int64_t>((static_cast<__int128>(p) * q + static_cast<__int128>(r) * s) % m); };
  return {entry(a[0], b[0], a[1], b[2]), entry(a[0], b[1], a[1], b[3]), entry(a[2], b[0], a[3], b[2]), entry(a[2], b[1], a[3], b[3])};
}
int64_t answer(int64_t p, int64_t q, int64_t first, int64_t second, int64_t n, int64_t m) {
  Matrix result{1, 0, 0, 1}, base{p, q, 1, 0};
  for (int64_t e = n - 1; e > 0; e >>= 1, base = times(base, base, m))
    if (e & 1) result = times(result, base, m);
  return static_cast<int64_t>((static_cast<__int128>(result[2]) * second + static_cast<__int128>(result[3]) * first) % m);
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t p = rng.between(2, 9), q = rng.between(2, 9), first = rng.between(1, 50), second = rng.between(1, 50);
  const int64_t n = rng.between(20'000, 60'000) * difficulty, m = rng.between(1'000'000, 9'999'999);
  const std::vector<std::pair<std::string, std::string>> values{{"p", std::to_string(p)}, {"q", std::to_string(q)}, {"first", std::to_string(first)},
                                                                {"second", std::to_string(second)}, {"n", std::to_string(n)}, {"m", std::to_string(m)}};
  return {filled("A sequence begins with {first}, {second}; every later term is {p} times the term before it plus {q} times the term before that. What is the remainder of "
                 "term number {n} (the first term is number 1) when it is divided by {m}? Give an integer.", values),
          {}, expect_integer(answer(p, q, first, second, n, m)),
          filled(R"(a, b = {first}, {second}
for _ in range({n} - 1):
    a, b = b, ({p} * b + {q} * a) % {m}
print(a % {m}))", values)};
}

}  // namespace

Problem make() { return {"fibonacci_like_mod", "number theory", "native: matrix powers; Python: one term after the other", 1, draw}; }

}  // namespace assay::problems::fibonacci_like_mod
