#include "synth/certify.h"

#include <algorithm>
#include <map>

#include "envs/base/interval.h"
#include "synth/certify_state.h"
#include "synth/certify_value.h"
#include "synth/chance.h"
#include "synth/explorer.h"
#include "synth/solver.h"
#include "synth/program/certify_program.h"
#include "verifiers/constraint_verifier.h"
#include "verifiers/program_verifier.h"

namespace assay {
namespace {

class Certifier {
 public:
  Certifier(const Task& task, const MakeRequest& request, const CertifyOptions& options)
      : task_(task), request_(request), options_(options), tables_(request.environment->tables) {}

  Result<Certificate> run() {
    auto verifier = ConstraintVerifier::create(task_, request_.environment);
    if (!verifier.ok()) return verifier.error();
    verifier_ = std::move(*verifier);
    reader_.emplace(verifier_->make_reader());
    all_columns_ = std::make_unique<Lowering>(task_.answer, tables_);
    certificate_.task = task_.id;
    for (const Archetype& archetype : archetypes::all())
      if (archetype.name == task_.archetype) archetype_ = &archetype;
    if (!archetype_) return input_error("unknown archetype '" + task_.archetype + "'", "task " + task_.id);
    certificate_.versions = "language 1; certificate 3; archetype " + archetype_->name + " " + std::to_string(archetype_->version) + "; " + solver_version();
    make_again();
    ASSAY_TRY(prove_gold());
    prove_trivial_answers_fail();
    prove_equal_forms();
    mutate();
    count();
    measure_chance();
    ASSAY_TRY(prove_learnable());
    prove_no_leak();
    certificate_.sound = certificate_.problems.empty();
    seal_certificate(certificate_);
    return std::move(certificate_);
  }

 private:
  void problem(std::string what) { certificate_.problems.push_back(std::move(what)); }
  bool passes(std::string_view answer) { return verifier_->judge_quickly(answer, *reader_, scratch_).passed; }

  // The task once more from its provenance, and the gold once more through the tools on the way.
  void make_again() {
    if (!request_.domain) return problem("it cannot be made again: its domain is not at hand");
    auto again = archetype_->make_task_only(request_);
    certificate_.same_bytes = again.ok() && canonical_json(to_json(again->task)) == canonical_json(to_json(task_));
    if (!certificate_.same_bytes)
      problem(again.ok() ? "made again from its provenance it comes out differently" : "it cannot be made again: " + again.error().text());
    if (!certificate_.same_bytes) return;
    transcript_ = std::move(again->transcript);
    certificate_.calls_high = again->calls;
  }

  // The explorer finds an answer through the tools, and an episode in which its calls are made again ends in a pass.
  Status prove_gold() {
    if (transcript_.empty()) {   // it could not be made again: look for the gold alone
      auto exploration = gold_exploration(task_, *request_.environment, *request_.tools);
      if (!exploration.ok()) {
        problem("the gold cannot be found through the tools: " + exploration.error().text());
        return {};
      }
      transcript_ = std::move(exploration->transcript);
      certificate_.calls_high = exploration->calls;
    }
    const auto outcome = play_again(task_, transcript_, *request_.tools);
    if (!outcome.ok() && outcome.error().boundary != Boundary::kLimit) return outcome.error();
    certificate_.gold_passes = outcome.ok() && outcome->answer == task_.gold && passes(task_.gold);
    if (!certificate_.gold_passes)
      problem(!outcome.ok() ? outcome.error().what : outcome->answer != task_.gold ? "the tools lead to another answer than the gold" : "the gold fails its own verifier");
    if (passes(task_.gold)) gold_rows_ = scratch_.rows;
    return {};
  }

  void prove_trivial_answers_fail() {
    std::vector<std::string> answers = {"", "[]", "{}", "null", "\"\""};
    OrderedJson blank = OrderedJson::array(), bare = OrderedJson::array();
    for (int group = 0; group < task_.answer.groups; ++group) {
      OrderedJson object = OrderedJson::object();
      for (const AnswerField& field : task_.answer.fields) object[field.name] = field.is_given() ? field.literals[group] : "";
      blank.push_back(std::move(object));
      bare.push_back(OrderedJson::object());
    }
    answers.push_back(blank.dump());
    answers.push_back(bare.dump());
    bool all_tables_filled = true;
    for (const AnswerField& field : task_.answer.fields)
      if (field.is_entity()) all_tables_filled &= tables_.at(field.table).size() > 0;
    // The initial state: nothing chosen, so the first entity of every list stands everywhere.
    if (all_tables_filled) {
      Assignment first;
      for (int slot = 0; slot < task_.answer.slots(); ++slot) first.push_back(std::max(0, given_row(task_.answer, tables_, slot)));
      answers.push_back(answer_text(task_.answer, tables_, first));
    }
    certificate_.trivial_fail = true;
    for (const std::string& answer : answers) {
      if (!passes(answer)) continue;
      certificate_.trivial_fail = false;
      problem("the trivial answer '" + answer.substr(0, 80) + "' passes");
    }
  }

  // White space, key order and escapes do not change what is said.
  void prove_equal_forms() {
    auto gold = parse_json(task_.gold, "gold");
    certificate_.equal_forms_equal = gold.ok() && gold->is_array();
    if (certificate_.equal_forms_equal) {
      OrderedJson reversed = OrderedJson::array();
      for (const Json& group : *gold) {
        OrderedJson object = OrderedJson::object();
        for (auto it = group.rbegin(); it != group.rend(); ++it) object[it.key()] = it.value().get<std::string>();
        reversed.push_back(std::move(object));
      }
      for (const std::string& form : {gold->dump(3), gold->dump(-1, ' ', true), reversed.dump(), " \n\t" + task_.gold + "\r\n "})
        certificate_.equal_forms_equal &= passes(form) && scratch_.rows == gold_rows_;
    }
    if (!certificate_.equal_forms_equal) problem("another spelling of the same gold is judged differently");
  }

  bool has_scopes() const {
    return std::any_of(task_.answer.fields.begin(), task_.answer.fields.end(), [](const AnswerField& field) { return !field.scope.empty(); });
  }

  // Keeps a mutant's search small, where answers have scopes: a handful of scope entities drawn by `seed`, what is in them, and
  // only names that no other row has (an ambiguous one out of its scope may lead back to another row than the solver meant). A
  // mutant found there is a mutant; that there is none is only ever said of the whole database.
  void restrict_to_corner(Lowering& lowering, uint64_t seed) {
    constexpr size_t kScopes = 8;
    std::map<int, std::vector<int>> domains;   // [table] rows
    for (int slot = 0; slot < task_.answer.slots(); ++slot) {
      const int table = tables_.table_index(task_.answer.fields[task_.answer.field_of_slot(slot)].table);
      auto [domain, fresh] = domains.try_emplace(table);
      if (fresh) domain->second = corner_rows(table, kScopes, seed);
      if (!domain->second.empty()) lowering.model().restrict(lowering.slot(slot), domain->second);
    }
  }

  std::vector<int> corner_rows(int table, size_t scopes, uint64_t seed) {
    const Table& rows = tables_.tables[table];
    const int scope = rows.spec.scope_column();
    if (scope < 0) return draw_rows(rows.size(), scopes, seed);
    const Table& owners = tables_.at(rows.spec.columns[scope].references);
    std::vector<char> kept(static_cast<size_t>(owners.size()), 0);
    for (int owner : draw_rows(owners.size(), scopes, seed)) kept[static_cast<size_t>(owner)] = 1;
    std::vector<int> out;
    for (int32_t row = 0; row < rows.size(); ++row)
      if (kept[static_cast<size_t>(rows.cell(scope, row))] && unique_name(table, row)) out.push_back(row);
    return out;
  }

  static std::vector<int> draw_rows(int32_t size, size_t count, uint64_t seed) {
    std::vector<int> all(static_cast<size_t>(size));
    for (int32_t row = 0; row < size; ++row) all[static_cast<size_t>(row)] = row;
    Rng rng(seed, "mutant corner");
    rng.shuffle(all);
    all.resize(std::min(all.size(), count));
    std::sort(all.begin(), all.end());
    return all;
  }

  bool unique_name(int table, int32_t row) {
    auto [it, fresh] = unique_.try_emplace(table);
    if (fresh)
      for (int64_t name : tables_.tables[table].columns[tables_.tables[table].spec.name_column()])
        it->second.push_back(tables_.rows_named(table, static_cast<int32_t>(name)).size() == 1);
    return it->second[static_cast<size_t>(row)] != 0;
  }

  // Everything but branch `branch` of constraint `index`, which is violated.
  ConstraintModel mutant_model(size_t index, size_t branch, bool near, uint64_t corner) {
    const Constraints& constraints = verifier_->constraints();
    if (!others_ || others_index_ != index) {
      others_ = std::make_unique<Lowering>(*all_columns_);
      others_index_ = index;
      for (size_t i = 0; i < constraints.size(); ++i)
        if (i != index) constraints[i]->post(*others_);
    }
    Lowering lowering = *others_;
    const size_t branches = constraints[index]->branches().size();
    for (size_t b = 0; b < branches; ++b)
      if (b != branch) lowering.require(constraints[index]->reify(lowering, b));
    lowering.require(!constraints[index]->reify(lowering, branch));
    if (near) constraints[index]->prefer_near_miss(lowering, branch);
    if (corner != 0) restrict_to_corner(lowering, corner);
    return lowering.take();
  }

  MutantClaim mutant(size_t index, size_t branch, const std::string& branch_name) {
    MutantClaim claim{verifier_->name_of(index), branch_name, "undecided", ""};
    // Restarts in small corners find what a deep dive misses (heavy tails). Corners and near misses leave answers out: only a pass
    // over everything may say "impossible".
    struct Pass {
      bool near, corner;
      int64_t nodes;
    };
    const bool corners = has_scopes();
    const Pass passes[] = {{true, true, 200}, {false, true, 400}, {false, true, 400}, {false, true, 800}, {false, true, 800}, {false, false, options_.node_limit}};
    for (size_t p = 0; p < std::size(passes); ++p) {
      const Pass& pass = passes[p];
      const uint64_t seed = 1 + (index * 64 + branch) * 8 + p;
      const bool corner = pass.corner && corners;
      const ConstraintModel model = mutant_model(index, branch, pass.near, corner ? seed : 0);
      if (pass.near && model.minimise_first.empty()) continue;
      const SolveOptions effort{pass.nodes, seed};
      QuickVerdict verdict;
      const Solved solved = solve_until(model, effort, [&](const std::vector<int>& values) {
        const Assignment rows(values.begin(), values.begin() + task_.answer.slots());
        claim.answer = answer_text(task_.answer, tables_, rows);
        verdict = verifier_->judge_quickly(claim.answer, *reader_, scratch_);
        return scratch_.rows == rows;
      });
      if (solved.outcome == SolveOutcome::kFound)
        claim.outcome = verdict.passed ? "survived" : verdict.failed == uint64_t{1} << index ? "killed" : "mismatch";
      else
        claim.answer.clear();
      if (solved.outcome == SolveOutcome::kFound) break;
      if (solved.outcome == SolveOutcome::kInfeasible && !corner && !pass.near) {
        claim.outcome = "impossible";
        break;
      }
      // Proved impossible in a corner at once: likely so everywhere, which only the last pass can say.
      if (solved.outcome == SolveOutcome::kInfeasible && solved.nodes <= 1) p = std::max(p, std::size(passes) - 2);
    }
    return claim;
  }

  void mutate() {
    for (size_t i = 0; i < verifier_->constraints().size(); ++i) {
      const auto branches = verifier_->constraints()[i]->branches();
      bool load_bearing = false, decided = true;
      for (size_t b = 0; b < branches.size(); ++b) {
        MutantClaim claim = mutant(i, b, branches[b]);
        load_bearing |= claim.outcome == "killed";
        decided &= claim.outcome != "undecided";
        if (claim.outcome == "survived") problem("a mutant survives: " + claim.constraint + ", " + claim.branch);
        if (claim.outcome == "mismatch") problem("solver and verifier disagree about " + claim.constraint + ", " + claim.branch);
        certificate_.mutants.push_back(std::move(claim));
      }
      if (!load_bearing && decided) certificate_.redundant.push_back(verifier_->name_of(i));
      if (!load_bearing && !decided) problem("not known whether " + verifier_->name_of(i) + " is load-bearing: the solver's limit was reached");
    }
    // Redundancy is allowed where the report's own task has it, and named; a task made of nothing but redundancy is no task.
    if (certificate_.redundant.size() == verifier_->constraints().size()) problem("no constraint is load-bearing");
  }

  void count() {
    Lowering lowering = *all_columns_;
    for (const auto& constraint : verifier_->constraints()) constraint->post(lowering);
    const ConstraintModel model = lowering.take();
    const Counted counted = count_solutions(model, options_.count_limit, options_.node_limit);
    certificate_.solver_nodes = counted.nodes_to_first;
    if (counted.solutions == 0 && counted.exact && certificate_.gold_passes) problem("the solver finds no solution where there is one");
    certificate_.solutions = std::max<int64_t>(counted.solutions, certificate_.gold_passes ? 1 : 0);
    certificate_.solutions_exact = counted.exact;
    if (counted.solutions == 0 && counted.exact) problem("the task has no solution");
    certificate_.interacting = interacting_constraints(verifier_->constraints());
  }

  void measure_chance() {
    const auto cache = DrawnCache::of(request_);
    const auto rate = [&](const char* stream, int64_t tries, bool repeats) {
      return cache->chance_rate(cache->draw(task_.answer, *request_.environment, stream, tries, repeats), task_.constraints, verifier_->constraints());
    };
    const ChanceRate chance = rate(kChanceStream, options_.chance_tries, false);
    certificate_.chance_hits = chance.hits;
    certificate_.chance_tries = chance.tries;
    const ChanceRate feasible = rate(kFeasibleStream, options_.feasible_tries, true);
    certificate_.feasible_hits = feasible.hits;
    certificate_.feasible_tries = feasible.tries;
    std::tie(certificate_.feasible_low, certificate_.feasible_high) = wilson_interval(feasible.hits, feasible.tries);
  }

  Status prove_learnable() {
    auto report = request_.report;
    if (!report) {
      ASSAY_ASSIGN(report, check_environment(request_.environment));
    }
    for (const std::string& what : report->problems) problem(what);
    bool all = report->problems.empty();
    std::set<ColumnNeed> needs;
    for (const auto& constraint : verifier_->constraints()) needs.merge(constraint->needs());
    for (const ColumnNeed& need : needs)
      if (!report->learnable.count({need.table, need.column})) {
        all = false;
        problem("no tool reveals " + tables_.tables[need.table].spec.name + "." + tables_.tables[need.table].spec.columns[need.column].name);
      }
    for (const AnswerField& field : task_.answer.fields)
      if (field.is_entity() && !report->listable.count(tables_.table_index(field.table))) {
        all = false;
        problem("no tool lists the table '" + field.table + "'");
      }
    certificate_.learnable = all;
    certificate_.calls_low = lower_bound_of_calls();
    if (certificate_.gold_passes && certificate_.calls_low > certificate_.calls_high) problem("the bounds on calls cross");
    return {};
  }

  // Facts that justify the gold, no two of which one call can reveal, each need a call of their own; and the submission one.
  int64_t lower_bound_of_calls() const {
    if (gold_rows_.empty()) return 0;
    std::vector<Fact> facts;
    for (const auto& constraint : verifier_->constraints()) constraint->facts(gold_rows_.data(), facts);
    const std::vector<ToolSpec> own = request_.plain ? std::vector<ToolSpec>() : plain_tools(request_.environment->tools);
    const std::vector<ToolSpec>& tools = request_.plain ? request_.plain->specs() : own;
    std::set<std::string> used;
    int64_t calls = 1;
    for (const Fact& fact : std::set<Fact>(facts.begin(), facts.end())) {
      const auto ways = calls_revealing(fact, tables_, tools);
      if (ways.empty() || std::any_of(ways.begin(), ways.end(), [&](const std::string& way) { return used.count(way) > 0; })) continue;
      used.insert(ways.begin(), ways.end());
      ++calls;
    }
    return calls;
  }

  void prove_no_leak() {
    std::string shown = task_.system + "\n" + task_.prompt;
    for (const ToolSpec& tool : request_.environment->tools) shown += "\n" + public_tool_json(tool).dump();
    certificate_.no_leak = shown.find(task_.gold) == std::string::npos;
    for (int slot = 0; slot < static_cast<int>(gold_rows_.size()); ++slot) {
      const AnswerField& field = task_.answer.fields[task_.answer.field_of_slot(slot)];
      if (field.is_given()) continue;
      const std::string_view name = tables_.entity_name(tables_.table_index(field.table), gold_rows_[slot]);
      if (name.size() < 4 || shown.find(name) == std::string::npos) continue;
      certificate_.no_leak = false;
      problem("the prompt or the tools name \"" + std::string(name) + "\", which is part of the gold");
    }
    if (shown.find(task_.gold) != std::string::npos) problem("the gold stands in the prompt or the tools");
  }

  const Task& task_;
  const MakeRequest& request_;
  const CertifyOptions& options_;
  const Tables& tables_;
  const Archetype* archetype_ = nullptr;
  std::unique_ptr<ConstraintVerifier> verifier_;
  std::optional<AnswerReader> reader_;
  ReadAnswer scratch_;
  Conversation transcript_;   // of the explorer
  Assignment gold_rows_;
  std::map<int, std::vector<char>> unique_;   // [table][row] whether no other row has its name
  std::unique_ptr<Lowering> all_columns_;   // nothing posted: its copies share the columns they read
  std::unique_ptr<Lowering> others_;        // every constraint but others_index_ posted
  size_t others_index_ = 0;
  Certificate certificate_;
};

}  // namespace

int64_t interacting_constraints(const Constraints& constraints) {
  std::map<int, int> readers;   // slot -> constraints that read it
  std::vector<std::set<int>> read;
  for (const auto& constraint : constraints) {
    const auto slots = constraint->slots();
    read.emplace_back(slots.begin(), slots.end());
    for (int slot : read.back()) ++readers[slot];
  }
  return std::count_if(read.begin(), read.end(), [&](const std::set<int>& slots) {
    return std::any_of(slots.begin(), slots.end(), [&](int slot) { return readers[slot] > 1; });
  });
}

int64_t plain_calls_of(const Certificate& certificate) {
  const auto plain = certificate.measures.find("plain_calls");
  return plain == certificate.measures.end() ? certificate.calls_high : plain->second;
}

Result<Certificate> certify(const Task& task, const MakeRequest& request, const CertifyOptions& options) {
  if (is_program(task.expected)) return certify_program(task, request);
  if (!task.goal.is_null()) return certify_state(task, request);
  if (!task.expected.is_null()) return certify_value(task, request);
  return Certifier(task, request, options).run();
}

}  // namespace assay
