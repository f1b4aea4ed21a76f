#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::trimmed_statistics {
namespace {

struct Summary {
  int64_t median_twice = 0, kept_sum = 0, kept = 0;
};
Summary summarise(std::vector<int64_t> values, int64_t percent) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size(), cut = n * static_cast<size_t>(percent) / 100;
  Summary out;
  out.median_twice = values[(n - 1) / 2] + values[n / 2];
  for (size_t i = cut; i < n - cut; ++i) out.kept_sum += values[i], ++out.kept;
  return out;
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const std::vector<int64_t> values = draw_numbers(rng, 15 + 12 * difficulty + rng.between(0, 5), -500, 2'000);
  const int64_t percent = rng.between(8, 22);
  const Summary s = summarise(values, percent);
  const std::vector<std::pair<std::string, std::string>> v{{"values", list_text(values)}, {"percent", std::to_string(percent)}, {"rounding", rounding_text(4)}};
  return {filled("Take the numbers {values}. Their trimmed mean leaves out the smallest k and the largest k of them, where k is {percent} percent of their count, rounded down to a whole number. "
                 "By how much is the trimmed mean larger than the median (negative if it is smaller)? Give a number {rounding}.", v),
          {}, expect_rounded(static_cast<double>(s.kept_sum) / static_cast<double>(s.kept) - static_cast<double>(s.median_twice) / 2, 4),
          filled(R"(import statistics
values = {values}
k = len(values) * {percent} // 100
print(round(statistics.fmean(sorted(values)[k:len(values) - k]) - statistics.median(values), 4)))", v)};
}

}  // namespace

Problem make() { return {"trimmed_statistics", "statistics", "native: sorting and exact sums; Python: numpy and statistics", 1, draw}; }

}  // namespace assay::problems::trimmed_statistics
