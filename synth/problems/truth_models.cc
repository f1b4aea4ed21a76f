#include "synth/problem.h"
#include "synth/problem_text.h"

namespace assay::problems::truth_models {
namespace {

struct Clause {
  std::vector<int64_t> literals;   // 1-based, negative for "not"
};
bool holds(const Clause& clause, size_t pattern) {
  int true_ones = 0;
  for (int64_t literal : clause.literals) true_ones += (pattern >> (std::abs(literal) - 1) & 1) == (literal > 0);
  return true_ones == 1 || true_ones == static_cast<int>(clause.literals.size());
}

ProblemInstance draw(Rng& rng, int difficulty) {
  const int64_t variables = 8 + difficulty;
  std::vector<Clause> clauses;
  std::vector<std::vector<int64_t>> shown;
  for (int i = 0; i < 2 + difficulty / 2; ++i) {
    Clause clause;
    std::vector<int64_t> all;
    for (int64_t k = 1; k <= variables; ++k) all.push_back(k);
    rng.shuffle(all);
    for (int k = 0; k < 4; ++k) clause.literals.push_back(rng.below(2) ? all[static_cast<size_t>(k)] : -all[static_cast<size_t>(k)]);
    shown.push_back(clause.literals);
    clauses.push_back(std::move(clause));
  }
  const int64_t at_least = rng.between(2, 5);
  int64_t models = 0, switched_on = 0;
  for (size_t pattern = 0; pattern < size_t{1} << variables; ++pattern) {
    bool good = __builtin_popcountll(pattern) >= at_least;
    for (const Clause& clause : clauses) good &= holds(clause, pattern);
    models += good;
    if (good) switched_on += __builtin_popcountll(pattern);
  }
  const std::vector<std::pair<std::string, std::string>> v{{"variables", std::to_string(variables)}, {"clauses", list_text(shown)}, {"least", std::to_string(at_least)}};
  return {filled("A panel has {variables} switches, numbered from 1, each on or off. Each rule of {clauses} lists four conditions: a number k stands for \"switch k is on\", -k for \"switch k is off\"; of the four, "
                 "either exactly one or all must be true. At least {least} switches must be on. Over all settings that obey every rule, how many are there, and how many switches are on in all of them together? "
                 "Give a list of the two integers, in this order.", v),
          {}, expect_integers({models, switched_on}),
          filled(R"(from itertools import product
rules, settings, on = {clauses}, 0, 0
for s in product([False, True], repeat={variables}):
    if sum(s) >= {least} and all(sum(s[abs(k) - 1] == (k > 0) for k in rule) in (1, 4) for rule in rules):
        settings += 1
        on += sum(s)
print([settings, on]))", v)};
}

}  // namespace

Problem make() { return {"truth_models", "logic", "native: bit patterns; Python: expressions over itertools.product", 1, draw}; }

}  // namespace assay::problems::truth_models
