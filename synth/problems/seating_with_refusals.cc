#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::seating_with_refusals {
namespace {

// Assignments of people to seats that avoid the forbidden pairs: a sum over sets of taken seats.
int64_t answer(int64_t people, const std::vector<std::vector<int64_t>>& forbidden) {
  std::vector<int64_t> ways(size_t{1} << people, 0);
  ways[0] = 1;
  for (size_t taken = 0; taken < ways.size(); ++taken) {
    const int64_t person = __builtin_popcountll(taken);
    for (int64_t seat = 0; seat < people; ++seat) {
      if (taken >> seat & 1) continue;
      bool good = true;
      for (const auto& pair : forbidden) good &= !(pair[0] == person && pair[1] == seat);
      if (good) ways[taken | size_t{1} << seat] += ways[taken];
    }
  }
  return ways.back();
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t people = 5 + difficulty;
  std::vector<std::vector<int64_t>> forbidden;
  for (int64_t person = 0; person < people; ++person)
    for (int64_t seat = 0; seat < people; ++seat)
      if (rng.below(100) < 32) forbidden.push_back({person, seat});
  const std::vector<std::pair<std::string, std::string>> values{{"people", std::to_string(people)}, {"last", std::to_string(people - 1)}, {"forbidden", list_text(forbidden)}};
  return {filled("{people} guests, numbered 0 to {last}, are to sit on {people} chairs, numbered 0 to {last}, one guest on each. The pairs [guest, chair] of this list are "
                 "not allowed: {forbidden}. In how many ways can the guests be seated? Give an integer.", values),
          {}, expect_integer(answer(people, forbidden)),
          filled(R"(from itertools import permutations
bad = set(map(tuple, {forbidden}))
print(sum(all((g, c) not in bad for g, c in enumerate(p)) for p in permutations(range({people})))))", values)};
}

}  // namespace

Problem make() { return {"seating_with_refusals", "combinatorics", "native: table over sets of taken chairs; Python: all permutations", 1, draw}; }

}  // namespace assay::problems::seating_with_refusals
