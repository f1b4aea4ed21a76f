#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::digit_constrained_count {
namespace {

// Numbers below 10^digits with this digit sum and remainder.
int64_t answer(int digits, int64_t sum, int64_t modulus, int64_t remainder) {
  std::vector<std::vector<int64_t>> ways(static_cast<size_t>(sum) + 1, std::vector<int64_t>(static_cast<size_t>(modulus), 0));
  ways[0][0] = 1;
  for (int i = 0; i < digits; ++i) {
    std::vector<std::vector<int64_t>> next(ways.size(), std::vector<int64_t>(static_cast<size_t>(modulus), 0));
    for (size_t s = 0; s < ways.size(); ++s)
      for (size_t r = 0; r < ways[s].size(); ++r)
        for (size_t d = 0; d < 10 && s + d < ways.size(); ++d) next[s + d][(r * 10 + d) % static_cast<size_t>(modulus)] += ways[s][r];
    ways = std::move(next);
  }
  return ways[static_cast<size_t>(sum)][static_cast<size_t>(remainder)];
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int digits = difficulty >= 4 ? 6 : difficulty >= 2 ? 5 : 4;
  const int64_t sum = rng.between(digits * 3, digits * 6), modulus = rng.between(3, 17), remainder = rng.between(0, modulus - 1);
  const std::vector<std::pair<std::string, std::string>> values{{"limit", "1" + std::string(static_cast<size_t>(digits), '0')}, {"sum", std::to_string(sum)},
                                                                {"modulus", std::to_string(modulus)}, {"remainder", std::to_string(remainder)}};
  return {filled("How many whole numbers from 0 up to but not including {limit} have digits (in base ten) that add up to {sum}, and leave the remainder {remainder} when "
                 "divided by {modulus}? Give an integer.", values),
          {}, expect_integer(answer(digits, sum, modulus, remainder)),
          filled(R"(count = 0
for n in range({limit}):
    if n % {modulus} == {remainder} and sum(map(int, str(n))) == {sum}:
        count += 1
print(count))", values)};
}

}  // namespace

Problem make() { return {"digit_constrained_count", "number theory", "native: counting digit by digit; Python: trying every number", 1, draw}; }

}  // namespace assay::problems::digit_constrained_count
