#include "synth/solver.h"

#include <algorithm>
#include <gecode/int.hh>
#include <gecode/minimodel.hh>
#include <gecode/search.hh>
#include <map>
#include <memory>

#include "synth/solver_element.h"

namespace assay {
namespace {

using Gecode::BoolVar;
using Gecode::IntVar;

Gecode::IntRelType relation_type(Relation relation) {
  switch (relation) {
    case Relation::kEqual: return Gecode::IRT_EQ;
    case Relation::kNotEqual: return Gecode::IRT_NQ;
    case Relation::kLess: return Gecode::IRT_LE;
    case Relation::kLessEqual: return Gecode::IRT_LQ;
    case Relation::kGreater: return Gecode::IRT_GR;
    case Relation::kGreaterEqual: return Gecode::IRT_GQ;
  }
  return Gecode::IRT_EQ;
}

class Space final : public Gecode::Space {
 public:
  // `scratch`: for its elements and those of its copies.
  Space(const ConstraintModel& model, const SolveOptions& options, std::vector<int>& scratch) {
    make_variables(model);
    post_elements(model, scratch);
    for (const auto& linear : model.linears) {
      if (linear.reified && is_equality_of_two(linear) && known_to_differ(model, linear.variables[0], linear.variables[1]))
        Gecode::rel(*this, truth(linear.literal), Gecode::IRT_EQ, linear.relation == Relation::kNotEqual ? 1 : 0);
      else
        post(linear);
    }
    for (const auto& different : model.all_differents) {
      Gecode::IntVarArgs args;
      for (Var v : different.variables) args << integer(v);
      Gecode::distinct(*this, args, few_values(args) ? Gecode::IPL_DOM : Gecode::IPL_VAL);
    }
    post_tables(model);
    for (const auto& clause : model.clauses) post_or(clause.literals);
    for (const auto& conjunction : model.conjunctions) {
      Gecode::BoolVarArgs args;
      for (Literal l : conjunction.literals) args << truth(l);
      Gecode::rel(*this, Gecode::BOT_AND, args, truth(conjunction.result));
    }
    branch_on(model, options);
    map_.clear();
    channels_.clear();
    negations_.clear();
  }

  Space(Space& other) : Gecode::Space(other) {
    ints_.update(*this, other.ints_);
    bools_.update(*this, other.bools_);
  }
  Gecode::Space* copy() override { return new Space(*this); }

  std::vector<int> values(const ConstraintModel& model) const {
    std::vector<int> out;
    int i = 0, b = 0;
    for (const auto& variable : model.variables) {
      if (variable.boolean) out.push_back(bools_[b].assigned() ? bools_[b].val() : 0), ++b;
      else out.push_back(ints_[i].assigned() ? ints_[i].val() : ints_[i].min()), ++i;
    }
    return out;
  }

 private:
  IntVar integer(Var v) {
    const auto& [boolean, index] = map_[v.id];
    if (!boolean) return ints_[index];
    const auto [it, fresh] = channels_.try_emplace(index);
    if (fresh) it->second = Gecode::channel(*this, bools_[index]);
    return it->second;
  }
  BoolVar truth(Literal literal) {
    const int index = map_[literal.var.id].second;
    if (!literal.negated) return bools_[index];
    const auto [it, fresh] = negations_.try_emplace(index);
    if (fresh) it->second = Gecode::expr(*this, !bools_[index]);
    return it->second;
  }

  void make_variables(const ConstraintModel& model) {
    Gecode::IntVarArgs ints;
    Gecode::BoolVarArgs bools;
    for (const auto& variable : model.variables) {
      map_.emplace_back(variable.boolean, variable.boolean ? bools.size() : ints.size());
      if (variable.boolean) bools << BoolVar(*this, variable.low, variable.high);
      else if (variable.domain) ints << IntVar(*this, Gecode::IntSet(variable.domain->data(), static_cast<int>(variable.domain->size())));
      else ints << IntVar(*this, variable.low, variable.high);
    }
    ints_ = Gecode::IntVarArray(*this, ints);
    bools_ = Gecode::BoolVarArray(*this, bools);
  }

  void post_elements(const ConstraintModel& model, std::vector<int>& scratch) {
    for (const auto& element : model.elements) scratch.resize(std::max(scratch.size(), element.array->size()));
    for (const auto& element : model.elements) {
      if (element.array->empty()) return fail();
      if (model.variables[element.result.id].boolean) post_element(*this, *element.array, scratch.data(), integer(element.index), bools_[map_[element.result.id].second]);
      else post_element(*this, *element.array, scratch.data(), integer(element.index), integer(element.result));
    }
  }

  static bool is_equality_of_two(const ConstraintModel::Linear& linear) {
    return linear.variables.size() == 2 && linear.coefficients[0] == 1 && linear.coefficients[1] == -1 && linear.bound == 0 &&
           (linear.relation == Relation::kEqual || linear.relation == Relation::kNotEqual);
  }
  // Propagators do not see that equal variables cannot be among different ones; without this, proving so enumerates them.
  static bool known_to_differ(const ConstraintModel& model, Var a, Var b) {
    for (const auto& different : model.all_differents) {
      int found = 0;
      for (Var v : different.variables) found += v.id == a.id || v.id == b.id;
      if (a.id != b.id && found == 2) return true;
    }
    return false;
  }

  void post(const ConstraintModel::Linear& linear) {
    const auto relation = relation_type(linear.relation);
    // The two shapes that nearly all constraints have get their own, stronger propagators.
    if (linear.variables.size() == 2 && linear.coefficients[0] == 1 && linear.coefficients[1] == -1 && linear.bound == 0) {
      const IntVar x = integer(linear.variables[0]), y = integer(linear.variables[1]);
      if (linear.reified) Gecode::rel(*this, x, relation, y, Gecode::Reify(truth(linear.literal)));
      else Gecode::rel(*this, x, relation, y);
      return;
    }
    if (linear.variables.size() == 1 && linear.coefficients[0] == 1) {
      if (linear.reified) Gecode::rel(*this, integer(linear.variables[0]), relation, linear.bound, Gecode::Reify(truth(linear.literal)));
      else Gecode::rel(*this, integer(linear.variables[0]), relation, linear.bound);
      return;
    }
    Gecode::IntVarArgs args;
    for (Var v : linear.variables) args << integer(v);
    const Gecode::IntArgs coefficients(linear.coefficients);
    if (linear.reified) Gecode::linear(*this, coefficients, args, relation, linear.bound, Gecode::Reify(truth(linear.literal)));
    else Gecode::linear(*this, coefficients, args, relation, linear.bound);
  }

  void post_tables(const ConstraintModel& model) {
    std::map<const void*, Gecode::TupleSet> sets;
    for (const auto& table : model.tables) {
      auto [it, fresh] = sets.try_emplace(table.tuples.get());
      if (fresh) {
        it->second = Gecode::TupleSet(2);
        for (const auto& [first, second] : *table.tuples) it->second.add(Gecode::IntArgs({first, second}));
        it->second.finalize();
      }
      Gecode::IntVarArgs args;
      args << integer(table.first) << integer(table.second);
      if (table.reified) Gecode::extensional(*this, args, it->second, !table.forbidden, Gecode::Reify(truth(table.literal)));
      else Gecode::extensional(*this, args, it->second, !table.forbidden);
    }
  }

  void post_or(const std::vector<Literal>& literals) {
    if (literals.empty()) return fail();
    Gecode::BoolVarArgs positive, negative;
    for (Literal l : literals) (l.negated ? negative : positive) << BoolVar(bools_[map_[l.var.id].second]);
    Gecode::clause(*this, Gecode::BOT_OR, positive, negative, 1);
  }

  // Whether variables that must differ may run out of values, which only the strong (and dear) propagator sees early.
  static bool few_values(const Gecode::IntVarArgs& args) {
    return std::all_of(args.begin(), args.end(), [&](const IntVar& v) { return v.size() <= 3u * static_cast<unsigned>(args.size()); });
  }

  void branch_on(const ConstraintModel& model, const SolveOptions& options) {
    for (Var v : model.minimise_first) Gecode::branch(*this, integer(v), Gecode::INT_VAL_MIN());
    Gecode::IntVarArgs decisions;
    for (Var v : model.decisions) decisions << integer(v);
    if (options.order_seed != 0) {
      Gecode::Rnd random(static_cast<unsigned>(options.order_seed));
      Gecode::branch(*this, decisions, Gecode::INT_VAR_NONE(), Gecode::INT_VAL_RND(random));
    } else {
      Gecode::branch(*this, decisions, Gecode::INT_VAR_SIZE_MIN(), Gecode::INT_VAL_MIN());
    }
  }

  // Only while posting.
  std::vector<std::pair<bool, int>> map_;   // variable -> (boolean, index)
  std::map<int, IntVar> channels_;          // boolean -> the same as an integer
  std::map<int, BoolVar> negations_;        // boolean -> its opposite
  Gecode::IntVarArray ints_;
  Gecode::BoolVarArray bools_;
};

}  // namespace

namespace {

// `take` is called with each solution until it returns true; then the outcome is kFound.
Solved search(const ConstraintModel& model, const SolveOptions& options, const std::function<bool(const Space&, int64_t nodes)>& take) {
  Solved out;
  std::vector<int> scratch;
  Gecode::Search::NodeStop stop(static_cast<unsigned long>(options.node_limit));
  Gecode::Search::Options how;
  how.threads = 1;
  how.stop = &stop;
  how.clone = false;   // the engine takes the space over
  Gecode::DFS<Space> engine(new Space(model, options, scratch), how);
  while (std::unique_ptr<Space> found{engine.next()}) {
    if (!take(*found, static_cast<int64_t>(engine.statistics().node))) continue;
    out.outcome = SolveOutcome::kFound;
    out.nodes = static_cast<int64_t>(engine.statistics().node);
    return out;
  }
  out.outcome = engine.stopped() ? SolveOutcome::kLimit : SolveOutcome::kInfeasible;
  out.nodes = static_cast<int64_t>(engine.statistics().node);
  return out;
}

}  // namespace

Solved solve_until(const ConstraintModel& model, const SolveOptions& options, const std::function<bool(const std::vector<int>&)>& accept) {
  std::vector<int> values;
  Solved out = search(model, options, [&](const Space& found, int64_t) {
    values = found.values(model);
    return accept(values);
  });
  out.values = std::move(values);
  return out;
}

Solved solve(const ConstraintModel& model, const SolveOptions& options) {
  return solve_until(model, options, [](const std::vector<int>&) { return true; });
}

Counted count_solutions(const ConstraintModel& model, int64_t limit, int64_t node_limit) {
  Counted out;
  const Solved end = search(model, {node_limit, 0}, [&](const Space&, int64_t nodes) {
    if (out.solutions == 0) out.nodes_to_first = nodes;
    return ++out.solutions == limit;
  });
  out.exact = end.outcome == SolveOutcome::kInfeasible;
  out.nodes = end.nodes;
  if (out.solutions == 0) out.nodes_to_first = end.nodes;
  return out;
}

std::string solver_version() { return std::string("gecode ") + GECODE_VERSION; }

}  // namespace assay
