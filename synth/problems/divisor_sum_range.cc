#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::divisor_sum_range {
namespace {

int64_t answer(int64_t low, int64_t high, int64_t limit) {
  std::vector<int64_t> sums(static_cast<size_t>(high) + 1, 0);
  for (int64_t d = 1; d <= high; ++d)
    for (int64_t multiple = 2 * d; multiple <= high; multiple += d) sums[static_cast<size_t>(multiple)] += d;
  int64_t total = 0;
  for (int64_t n = low; n <= high; ++n)
    if (sums[static_cast<size_t>(n)] > n + limit) total += n;
  return total;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t low = rng.between(1'000, 9'000), high = low + rng.between(500, 900) * difficulty, limit = rng.between(10, 400);
  const std::vector<std::pair<std::string, std::string>> values{{"low", std::to_string(low)}, {"high", std::to_string(high)}, {"limit", std::to_string(limit)}};
  return {filled("The proper divisors of a number are all its positive divisors but itself. Add up all whole numbers n from {low} to {high}, both included, "
                 "whose proper divisors have a sum of more than n + {limit}. Give an integer.", values),
          {}, expect_integer(answer(low, high, limit)),
          filled(R"(from sympy import divisor_sigma
print(sum(n for n in range({low}, {high} + 1) if int(divisor_sigma(n)) - n > n + {limit})))", values)};
}

}  // namespace

Problem make() { return {"divisor_sum_range", "number theory", "native: sieve of divisor sums; Python: factorisation of each number", 1, draw}; }

}  // namespace assay::problems::divisor_sum_range
