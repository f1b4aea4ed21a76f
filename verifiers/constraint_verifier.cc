#include "verifiers/constraint_verifier.h"

#include "verifiers/program_verifier.h"
#include "verifiers/state_verifier.h"
#include "verifiers/value_verifier.h"

namespace assay {

Result<std::unique_ptr<ConstraintVerifier>> ConstraintVerifier::create(const Task& task, std::shared_ptr<const Environment> environment) {
  std::unique_ptr<ConstraintVerifier> out(new ConstraintVerifier);
  out->environment_ = std::move(environment);
  out->shape_ = task.answer;
  out->answer_bytes_ = task.limits.answer_bytes;
  for (const AnswerField& field : task.answer.fields)
    if (field.is_entity()) {
      const Table* table = out->environment_->tables.find(field.table);
      if (!table || !table->spec.is_entity())
        return input_error("the answer's field '" + field.name + "' names no table of entities: '" + field.table + "'", "task " + task.id);
      if (field.is_given() && table->spec.key.size() != 1)
        return input_error("the given field '" + field.name + "' is of a table whose names need a scope", "task " + task.id);
    }
  ASSAY_ASSIGN(out->constraints_, compile_constraints(task.constraints, {out->shape_, out->environment_->tables}, "task " + task.id));
  for (size_t i = 0; i < out->constraints_.size(); ++i) out->names_.push_back(constraint_name(task.constraints, i));
  return out;
}

AnswerReader ConstraintVerifier::make_reader() const {
  return AnswerReader(shape_, environment_->tables, static_cast<size_t>(answer_bytes_));
}

QuickVerdict ConstraintVerifier::judge_rows(const int32_t* rows) const {
  QuickVerdict verdict;
  verdict.all_known = true;
  for (int slot = 0; slot < shape_.slots(); ++slot) verdict.all_known &= rows[slot] >= 0;
  for (size_t i = 0; i < constraints_.size(); ++i) verdict.failed |= static_cast<uint64_t>(!constraints_[i]->holds(rows)) << i;
  verdict.passed = verdict.all_known && verdict.failed == 0;
  return verdict;
}

QuickVerdict ConstraintVerifier::judge_quickly(std::string_view answer, AnswerReader& reader, ReadAnswer& scratch) const {
  reader.read(answer, scratch);
  if (scratch.problem == AnswerProblem::kNone) return judge_rows(scratch.rows.data());
  QuickVerdict verdict;
  verdict.problem = scratch.problem;
  verdict.failed = constraints_.empty() ? 0 : ~uint64_t{0} >> (64 - constraints_.size());
  return verdict;
}

std::vector<std::string> ConstraintVerifier::failed_names(const QuickVerdict& verdict) const {
  std::vector<std::string> out;
  if (verdict.problem != AnswerProblem::kNone) out.push_back("shape");
  if (!verdict.all_known) out.push_back("known");
  for (size_t i = 0; i < constraints_.size(); ++i)
    if (verdict.failed >> i & 1) out.push_back(names_[i]);
  return out;
}

std::string ConstraintVerifier::shape_evidence(const ReadAnswer& read) const {
  const std::string where = read.group < 0 ? "" : " (" + shape_.group_label + " " + std::to_string(read.group + 1) + ")";
  const std::string field = read.field < 0 ? "" : "\"" + shape_.fields[read.field].name + "\"";
  switch (read.problem) {
    case AnswerProblem::kNone: return "";
    case AnswerProblem::kTooLarge: return "the answer is larger than " + std::to_string(answer_bytes_) + " bytes";
    case AnswerProblem::kEmpty: return "there is no answer";
    case AnswerProblem::kNotJson: return "the answer is not JSON alone (no code fence or words belong around it)";
    case AnswerProblem::kNotArray: return "the answer is no JSON array";
    case AnswerProblem::kGroupCount: return "the array must have exactly " + std::to_string(shape_.groups) + " objects";
    case AnswerProblem::kNotObject: return "an element is no object" + where;
    case AnswerProblem::kUnknownKey: return "a key that was not asked for" + where;
    case AnswerProblem::kDuplicateKey: return "the key " + field + " occurs twice" + where;
    case AnswerProblem::kMissingKey: return "the key " + field + " is missing" + where;
    case AnswerProblem::kNotString: return "the value of " + field + " is no string" + where;
    case AnswerProblem::kWrongLiteral:
      return "the value of " + field + " must be \"" + shape_.fields[read.field].literals[read.group] + "\"" + where;
  }
  return "";
}

std::string ConstraintVerifier::known_evidence(const ReadAnswer& read) const {
  for (int slot = 0; slot < shape_.slots(); ++slot) {
    if (read.rows[slot] >= 0) continue;
    const AnswerField& field = shape_.fields[shape_.field_of_slot(slot)];
    const int table = environment_->tables.table_index(field.table);
    std::vector<std::string> names;
    for (int32_t row = 0; row < environment_->tables.tables[table].size(); ++row) names.emplace_back(environment_->tables.entity_name(table, row));
    const std::string written(read.names[slot].substr(0, 200));
    const std::string near = nearest_name(written, names);
    return shape_.slot_text(slot) + ": no " + environment_->tables.tables[table].spec.label + " is named exactly \"" + written + "\"" +
           (near.empty() ? "" : "; the nearest is \"" + near + "\"");
  }
  return "";
}

Verdict ConstraintVerifier::judge(std::string_view answer) const {
  AnswerReader reader = make_reader();
  ReadAnswer read;
  const QuickVerdict quick = judge_quickly(answer, reader, read);
  Verdict verdict;
  verdict.verifier = kVerifierName;
  verdict.passed = quick.passed;
  verdict.reward = quick.passed ? 1 : 0;
  const bool shaped = quick.problem == AnswerProblem::kNone;
  verdict.checks.push_back({"shape", shaped, shape_evidence(read)});
  verdict.checks.push_back({"known", quick.all_known, shaped ? known_evidence(read) : "not judged: the answer has another shape"});
  for (size_t i = 0; i < constraints_.size(); ++i) {
    const bool failed = quick.failed >> i & 1;
    verdict.checks.push_back({names_[i], !failed, !failed ? "" : shaped ? constraints_[i]->explain(read.rows.data()) : "not judged: the answer has another shape"});
  }
  return verdict;
}

Result<std::unique_ptr<Verifier>> make_verifier(const Task& task, std::shared_ptr<const Environment> environment, Executor* executor) {
  if (!task.tests.is_null()) return make_error(Boundary::kVerifier, "this task is judged by running its tests", "task " + task.id, "assay verify --predictions, assay rollout");
  if (is_program(task.expected)) {
    if (!executor) return make_error(Boundary::kSandbox, "nothing here may run the program that judges", "task " + task.id, "a sandbox: assay doctor says which work");
    ASSAY_ASSIGN(std::unique_ptr<Verifier> by_program, ProgramVerifier::create(task, *environment, *executor));
    return by_program;
  }
  if (!task.expected.is_null()) {
    ASSAY_ASSIGN(std::unique_ptr<Verifier> by_value, ValueVerifier::create(task.expected, "task " + task.id));
    return by_value;
  }
  if (!task.goal.is_null()) {
    ASSAY_ASSIGN(std::unique_ptr<Verifier> by_state, StateVerifier::create(task.goal, environment->tables, "task " + task.id));
    return by_state;
  }
  ASSAY_ASSIGN(std::unique_ptr<Verifier> by_constraints, ConstraintVerifier::create(task, std::move(environment)));
  return by_constraints;
}

}  // namespace assay
