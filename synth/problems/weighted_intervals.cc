#include <algorithm>

#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::weighted_intervals {
namespace {

int64_t best(std::vector<std::vector<int64_t>> jobs, int64_t pause) {
  std::sort(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) { return a[1] < b[1]; });
  std::vector<int64_t> table(jobs.size() + 1, 0);
  for (size_t i = 0; i < jobs.size(); ++i) {
    size_t before = i;
    while (before > 0 && jobs[before - 1][1] + pause > jobs[i][0]) --before;
    table[i + 1] = std::max(table[i], table[before] + jobs[i][2]);
  }
  return table.back();
}

ProblemInstance draw(Rng& rng, int difficulty) {
  std::vector<std::vector<int64_t>> jobs;
  for (int i = 0; i < 8 + 6 * difficulty; ++i) {
    const int64_t start = rng.between(0, 60 + 30 * difficulty);
    jobs.push_back({start, start + rng.between(5, 30), rng.between(10, 199)});
  }
  const int64_t pause = rng.between(1, 6);
  const std::vector<std::pair<std::string, std::string>> values{{"jobs", list_text(jobs)}, {"pause", std::to_string(pause)}};
  return {filled("A hall can be let for these events, each [start, end, rent]: {jobs}. Only one event can be held at a time, and after an event ends at least {pause} time units must pass before "
                 "the next one starts. What is the largest total rent? Give an integer.", values),
          {}, expect_integer(best(jobs, pause)),
          filled(R"(from functools import lru_cache
jobs = sorted({jobs})

@lru_cache(maxsize=None)
def best(i, free):
    if i == len(jobs):
        return 0
    start, end, rent = jobs[i]
    skip = best(i + 1, free)
    return max(skip, rent + best(i + 1, end + {pause})) if start >= free else skip

print(best(0, 0)))", values)};
}

}  // namespace

Problem make() { return {"weighted_intervals", "optimisation", "native: table over sorted ends; Python: memoised choice by start", 1, draw}; }

}  // namespace assay::problems::weighted_intervals
