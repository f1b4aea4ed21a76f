// The solver against plain enumeration, on small random models of every kind of constraint.
#include <catch2/catch.hpp>

#include "envs/base/rng.h"
#include "synth/solver.h"

namespace assay {
namespace {

struct Small {
  ConstraintModel model;
  std::vector<Var> variables;
};

// Five variables of up to four values and a few constraints between them; every variable is a decision.
Small random_model(uint64_t seed) {
  Rng rng(seed, "solver test");
  Small small;
  ConstraintModel& m = small.model;
  for (int i = 0; i < 5; ++i) small.variables.push_back(m.add(0, static_cast<int>(rng.between(1, 3))));
  const Literal literal = m.add_literal(), other = m.add_literal();
  m.decisions = small.variables;
  m.decisions.push_back(literal.var);
  m.decisions.push_back(other.var);
  auto any = [&] { return small.variables[rng.below(small.variables.size())]; };
  auto relation = [&] { return static_cast<Relation>(rng.below(6)); };
  m.linears.push_back({{1, 1}, {small.variables[0], small.variables[1]}, relation(), static_cast<int>(rng.between(0, 4)), false, {}});
  m.linears.push_back({{1, -1}, {small.variables[1], small.variables[2]}, relation(), 0, true, literal});
  m.linears.push_back({{2, 1, -1}, {any(), small.variables[3], small.variables[4]}, relation(), static_cast<int>(rng.between(-1, 4)), true, !other});
  if (rng.below(2)) m.all_differents.push_back({{small.variables[1], small.variables[2], small.variables[3]}});
  m.elements.push_back({std::make_shared<const std::vector<int>>(std::vector<int>{2, 0, 1, 3}), small.variables[3], small.variables[4]});
  auto tuples = std::make_shared<std::vector<std::pair<int, int>>>();
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < 4; ++b)
      if (rng.below(3)) tuples->emplace_back(a, b);
  if (rng.below(8) == 0) tuples->clear();
  m.tables.push_back({small.variables[0], small.variables[2], tuples, rng.below(2) == 0, literal, rng.below(2) == 0});
  if (rng.below(2)) m.clauses.push_back({{literal, !other}});
  if (rng.below(2)) m.conjunctions.push_back({other, {literal, !m.constant(false)}});
  if (rng.below(2)) m.restrict(small.variables[0], {0});
  return small;
}

int64_t enumerate(const ConstraintModel& model) {
  std::vector<int> values;
  for (const auto& variable : model.variables) values.push_back(variable.low);
  int64_t solutions = 0;
  for (;;) {
    solutions += satisfies(model, values);
    size_t i = 0;
    for (; i < values.size() && ++values[i] > model.variables[i].high; ++i) values[i] = model.variables[i].low;
    if (i == values.size()) return solutions;
  }
}

TEST_CASE("solutions found hold, and counts are those of plain enumeration") {
  int feasible = 0, infeasible = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    const Small small = random_model(seed);
    const int64_t expected = enumerate(small.model);
    const Counted counted = count_solutions(small.model, 1'000'000, 1'000'000);
    CHECK(counted.exact);
    CHECK(counted.solutions == expected);
    for (uint64_t order : {uint64_t{0}, seed + 1}) {
      const Solved solved = solve(small.model, {100'000, order});
      CHECK((solved.outcome == SolveOutcome::kFound) == (expected > 0));
      if (solved.outcome == SolveOutcome::kFound) CHECK(satisfies(small.model, solved.values));
      if (order == 0) CHECK(counted.nodes_to_first == solved.nodes);
    }
    ++(expected > 0 ? feasible : infeasible);
  }
  CHECK(feasible > 30);
  CHECK(infeasible > 30);
}

TEST_CASE("an element leaves its result what its array says and nothing else, also where values came close together only now") {
  ConstraintModel model;
  const Var index = model.add(0, 4), result = model.add(0, 1'400);
  model.decisions = {result, index};
  model.elements.push_back({std::make_shared<const std::vector<int>>(std::vector<int>{0, 700, 702, 1'400, 701}), index, result});
  CHECK(count_solutions(model, 100, 100).solutions == 5);
  model.restrict(index, {1, 2});   // 700 and 702 are all that is left
  const Counted counted = count_solutions(model, 100, 100);
  CHECK(counted.solutions == 2);
  CHECK(counted.nodes == 3);   // no value that the array does not say is tried
}

TEST_CASE("a limit of solutions or nodes is reported as such") {
  ConstraintModel model;
  for (int i = 0; i < 6; ++i) model.decisions.push_back(model.add(0, 9));
  const Counted some = count_solutions(model, 100, 1'000'000);
  CHECK(some.solutions == 100);
  CHECK_FALSE(some.exact);
  model.all_differents.push_back({model.decisions});
  model.linears.push_back({{1, 1, 1, 1, 1, 1}, model.decisions, Relation::kEqual, 1, false, {}});
  CHECK(solve(model).outcome == SolveOutcome::kInfeasible);
}

}  // namespace
}  // namespace assay
