// A finite-domain model as data: what constraints lower to, and what a solver (synth/solver.h) reads. It knows nothing of
// tables or answers and nothing of any solver, so both sides can be replaced and a naive enumeration can check them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace assay {

struct Var {
  int id = -1;
  bool valid() const { return id >= 0; }
};

// A 0/1 variable or its negation.
struct Literal {
  Var var;
  bool negated = false;
  Literal operator!() const { return {var, !negated}; }
};

enum class Relation { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

bool compare(int64_t left, Relation relation, int64_t right);

using IntArray = std::shared_ptr<const std::vector<int>>;

class ConstraintModel {
 public:
  struct Variable {
    int low = 0, high = 0;
    bool boolean = false;
    IntArray domain;   // ascending; null: all of [low, high]
  };
  // result = array[index].
  struct Element {
    IntArray array;
    Var index, result;
  };
  // sum coefficient·variable ⟨relation⟩ bound; with a literal: literal <=> that.
  struct Linear {
    std::vector<int> coefficients;
    std::vector<Var> variables;
    Relation relation;
    int bound;
    bool reified = false;
    Literal literal;
  };
  struct AllDifferent {
    std::vector<Var> variables;
  };
  // (first, second) is one of the tuples, or where these are forbidden none of them; with a literal: literal <=> that.
  struct Table {
    Var first, second;
    std::shared_ptr<const std::vector<std::pair<int, int>>> tuples;
    bool reified = false;
    Literal literal;
    bool forbidden = false;
  };
  // At least one literal is true.
  struct Clause {
    std::vector<Literal> literals;
  };
  // result <=> all literals are true.
  struct Conjunction {
    Literal result;
    std::vector<Literal> literals;
  };

  Var add(int low, int high);
  // Values outside `values` (ascending, not empty) are not considered.
  void restrict(Var variable, std::vector<int> values);
  Literal add_literal();
  Literal constant(bool value);

  std::vector<Variable> variables;
  std::vector<Element> elements;
  std::vector<Linear> linears;
  std::vector<AllDifferent> all_differents;
  std::vector<Table> tables;
  std::vector<Clause> clauses;
  std::vector<Conjunction> conjunctions;

  // The variables that make a solution, in branching order; all others follow from them. Solutions are counted over these.
  std::vector<Var> decisions;
  // Branched on before the decisions, smallest value first (a mutant that should only just fail).
  std::vector<Var> minimise_first;

 private:
  Var true_;
};

// Whether `values` (one per variable) satisfies every posted constraint: the naive checker of tests.
bool satisfies(const ConstraintModel& model, const std::vector<int>& values);

}  // namespace assay
