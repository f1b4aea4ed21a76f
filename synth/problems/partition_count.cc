#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::partition_count {
namespace {

// Ways to make `total` from parts, each taken at most `most` times.
int64_t count(int64_t total, const std::vector<int64_t>& parts, int64_t most) {
  std::vector<int64_t> ways(static_cast<size_t>(total) + 1, 0);
  ways[0] = 1;
  for (int64_t part : parts)
    for (int64_t sum = total; sum > 0; --sum)
      for (int64_t times = 1; times <= most && times * part <= sum; ++times) ways[static_cast<size_t>(sum)] += ways[static_cast<size_t>(sum - times * part)];
  return ways[static_cast<size_t>(total)];
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<int64_t> parts;
  for (int64_t part = 2; part <= 40; ++part) parts.push_back(part);
  rng.shuffle(parts);
  parts.resize(static_cast<size_t>(4 + difficulty));
  const int64_t most = rng.between(3, 4 + difficulty), total = rng.between(60, 80) + 30 * difficulty;
  const int64_t other = total + rng.between(7, 40);
  const std::vector<std::pair<std::string, std::string>> values{{"other", std::to_string(other)}, {"total", std::to_string(total)}, {"parts", list_text(parts)}, {"most", std::to_string(most)}};
  return {filled("A shop sells weights of {parts} grams, and has {most} of each in stock. In how many different ways can a customer buy weights that "
                 "together weigh exactly {total} grams, and in how many for exactly {other} grams? Two ways are the same when they take the same number of "
                 "each weight. Give a list of the two integers, in this order.", values),
          {},
          expect_integers({count(total, parts, most), count(other, parts, most)}),
          filled(R"(from functools import lru_cache
parts, most = {parts}, {most}

@lru_cache(maxsize=None)
def ways(i, left):
    if i == len(parts):
        return int(left == 0)
    return sum(ways(i + 1, left - k * parts[i]) for k in range(most + 1) if k * parts[i] <= left)

print([ways(0, {total}), ways(0, {other})]))", values)};
}

}  // namespace

Problem make() { return {"partition_count", "combinatorics", "native: table of sums; Python: memoised recursion over kinds", 1, draw}; }

}  // namespace assay::problems::partition_count
