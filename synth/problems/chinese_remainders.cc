#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::chinese_remainders {
namespace {

int64_t answer(const std::vector<int64_t>& moduli, const std::vector<int64_t>& remainders) {
  int64_t value = remainders[0], step = moduli[0];
  for (size_t i = 1; i < moduli.size(); ++i) {
    while (value % moduli[i] != remainders[i]) value += step;
    step *= moduli[i];
  }
  return value;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<int64_t> primes{11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53};
  rng.shuffle(primes);
  primes.resize(static_cast<size_t>(3 + difficulty));
  std::vector<int64_t> remainders;
  for (int64_t prime : primes) remainders.push_back(rng.between(1, prime - 1));
  const std::vector<std::pair<std::string, std::string>> values{{"moduli", list_text(primes)}, {"remainders", list_text(remainders)}};
  return {filled("What is the smallest positive whole number that leaves the remainders {remainders} when it is divided by the numbers {moduli}, in the same "
                 "order? Give an integer.", values),
          {}, expect_integer(answer(primes, remainders)),
          filled(R"(from sympy.ntheory.modular import crt
print(int(crt({moduli}, {remainders})[0])))", values)};
}

}  // namespace

Problem make() { return {"chinese_remainders", "number theory", "native: steps of growing size; Python: sympy's crt", 1, draw}; }

}  // namespace assay::problems::chinese_remainders
