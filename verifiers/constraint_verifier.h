// The verifier of tasks whose answer is chosen under constraints: bytes to verdict through the constraint language.
#pragma once

#include <memory>
#include <string>

#include "envs/environment.h"
#include "envs/task.h"
#include "envs/verifier.h"
#include "verifiers/answer_reader.h"
#include "verifiers/constraint.h"

namespace assay {

class Executor;

inline constexpr const char* kVerifierName = "constraints/1";

// What is known at once: which checks failed. Text comes on demand from ConstraintVerifier::judge().
struct QuickVerdict {
  bool passed = false;
  AnswerProblem problem = AnswerProblem::kNone;
  bool all_known = false;     // every name is an entity
  uint64_t failed = 0;        // bit i: constraint i does not hold
};

// Immutable; used by any number of threads, each with its own AnswerReader.
class ConstraintVerifier final : public Verifier {
 public:
  static Result<std::unique_ptr<ConstraintVerifier>> create(const Task& task, std::shared_ptr<const Environment> environment);

  // The whole verdict with evidence for every failed check.
  Verdict judge(std::string_view answer) const;
  Verdict judge(const Outcome& outcome) const override { return judge(outcome.answer); }

  // The same judgement as codes: half a million answers a second. `reader` from make_reader().
  QuickVerdict judge_quickly(std::string_view answer, AnswerReader& reader, ReadAnswer& scratch) const;
  QuickVerdict judge_rows(const int32_t* rows) const;
  AnswerReader make_reader() const;

  const Constraints& constraints() const { return constraints_; }
  std::string name_of(size_t constraint) const { return names_[constraint]; }
  // Names of the checks that fail, in order: "shape", "known", constraints.
  std::vector<std::string> failed_names(const QuickVerdict& verdict) const;

 private:
  ConstraintVerifier() = default;
  std::string shape_evidence(const ReadAnswer& read) const;
  std::string known_evidence(const ReadAnswer& read) const;

  std::shared_ptr<const Environment> environment_;
  AnswerShape shape_;
  int64_t answer_bytes_ = 0;
  Constraints constraints_;
  std::vector<std::string> names_;
};

// What judges a task: its constraints, the value it expects (verifiers/value_verifier.h), the change that is its goal
// (verifiers/state_verifier.h), or a program (verifiers/program_verifier.h), for which `executor` is needed and borrowed.
Result<std::unique_ptr<Verifier>> make_verifier(const Task& task, std::shared_ptr<const Environment> environment, Executor* executor = nullptr);

// The same judgement as a stand-alone Python 3 module (standard library only): `verify(answer_text, database_path)` returns
// {"passed": bool, "failed": [check name …]}. The database is the one `assay show environment ID --sqlite FILE` writes.
Result<std::string> python_verifier(const Task& task, const Environment& environment);

}  // namespace assay
