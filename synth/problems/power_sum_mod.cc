#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::power_sum_mod {
namespace {

int64_t answer(int64_t terms, int64_t exponent, int64_t modulus) {
  int64_t sum = 0;
  for (int64_t i = 1; i <= terms; ++i) sum = (sum + power_mod(i, exponent + i, modulus)) % modulus;
  return sum;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t terms = rng.between(300, 600) * difficulty, exponent = rng.between(5, 40), modulus = rng.between(900'000, 999'999);
  const std::vector<std::pair<std::string, std::string>> values{{"terms", std::to_string(terms)}, {"exponent", std::to_string(exponent)}, {"modulus", std::to_string(modulus)}};
  return {filled("For k = 1, 2, ..., {terms}, raise k to the power {exponent} + k. What is the remainder of the sum of all these powers when it is divided "
                 "by {modulus}? Give an integer.", values),
          {}, expect_integer(answer(terms, exponent, modulus)),
          filled(R"(total = 0
for k in range(1, {terms} + 1):
    value = 1
    for _ in range({exponent} + k):
        value = value * k % {modulus}
    total += value
print(total % {modulus}))", values)};
}

}  // namespace

Problem make() { return {"power_sum_mod", "number theory", "native: square and multiply; Python: one step after the other", 1, draw}; }

}  // namespace assay::problems::power_sum_mod
