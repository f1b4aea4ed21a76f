#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::prime_gaps {
namespace {

std::vector<int64_t> primes_between(int64_t low, int64_t high) {
  std::vector<char> composite(static_cast<size_t>(high) + 1, 0);
  std::vector<int64_t> out;
  for (int64_t n = 2; n <= high; ++n) {
    if (composite[static_cast<size_t>(n)]) continue;
    if (n >= low) out.push_back(n);
    for (int64_t multiple = n * n; multiple <= high; multiple += n) composite[static_cast<size_t>(multiple)] = 1;
  }
  return out;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t low = rng.between(10'000, 90'000), high = low + rng.between(3'000, 6'000) * difficulty, gap = 2 * rng.between(2, 5);
  const std::vector<int64_t> primes = primes_between(low, high);
  int64_t sum = 0;
  for (size_t i = 0; i + 1 < primes.size(); ++i)
    if (primes[i + 1] - primes[i] == gap) sum += primes[i];
  const std::vector<std::pair<std::string, std::string>> values{{"low", std::to_string(low)}, {"high", std::to_string(high)}, {"gap", std::to_string(gap)}};
  return {filled("List the primes from {low} to {high} in order. Add up every prime on this list that is followed on it by one that is larger by exactly {gap}. "
                 "Give an integer.", values),
          {}, expect_integer(sum),
          filled(R"(from sympy import primerange
primes = list(primerange({low}, {high} + 1))
print(sum(p for p, q in zip(primes, primes[1:]) if q - p == {gap})))", values)};
}

}  // namespace

Problem make() { return {"prime_gaps", "number theory", "native: sieve; Python: sympy's primes one by one", 1, draw}; }

}  // namespace assay::problems::prime_gaps
