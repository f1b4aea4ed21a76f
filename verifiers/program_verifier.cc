#include "verifiers/program_verifier.h"

#include "envs/database.h"

namespace assay {
namespace {

constexpr JsonLimits kAnswerLimits{.bytes = 64 << 10, .depth = 16};
constexpr size_t kShown = 400;

Verdict decided(std::vector<Check> checks) {
  Verdict out{0, true, std::move(checks), kProgramVerifierName};
  for (const Check& check : out.checks) out.passed &= check.passed;
  out.reward = out.passed ? 1 : 0;
  return out;
}

}  // namespace

bool is_program(const Json& expected) { return expected.is_object() && expected.value("type", Json()) == "program"; }

ProgramVerifier::ProgramVerifier(const Task& task, Executor& executor, const ModuleOptions& options)
    : parameters_(task.expected["parameters"]), judges_changes_(task.expected["judges"] == "changes"), module_(executor, task.expected["module"], options) {}

Result<std::unique_ptr<ProgramVerifier>> ProgramVerifier::create(const Task& task, const Environment& environment, Executor& executor, uint64_t hash_seed) {
  JsonReader r(task.expected, "task " + task.id, "$.expected");
  r.text("type");
  r.text("task");
  r.object("parameters");
  const std::string judges = r.text("judges");
  r.text("module");
  if (judges != "answer" && judges != "changes") r.fail("judges", "expected \"answer\" or \"changes\"");
  ASSAY_TRY(r.finish());
  ASSAY_ASSIGN(const auto database, Database::build(environment.tables));
  return std::unique_ptr<ProgramVerifier>(new ProgramVerifier(task, executor, {.database = database->bytes(), .calls_alone = true, .hash_seed = hash_seed}));
}

Result<Verdict> ProgramVerifier::try_judge(const Outcome& outcome) const {
  std::vector<Check> checks;
  Json judged = outcome.state.is_null() ? Json::object() : outcome.state;
  if (!judges_changes_) {
    const bool unchanged = judged.empty();
    Result<Json> answer = parse_json(outcome.answer, "the answer", kAnswerLimits);
    checks.push_back({"shape", answer.ok(), answer.ok() ? "" : "expected one JSON value: " + answer.error().text()});
    checks.push_back({"unchanged", unchanged, unchanged ? "" : "what was asked for is an answer, and no change"});
    if (!answer.ok()) return decided(std::move(checks));
    judged = std::move(*answer);
  }
  std::lock_guard lock(mutex_);
  ASSAY_ASSIGN(const ModuleResult result, module_.call({.function = "verify", .given = {"db"}, .values = {parameters_, std::move(judged)}}));
  if (result.code == "raised" || result.code == "rejected") checks.push_back({"verdict", false, "the verifier raised an exception: " + result.text.substr(0, kShown)});
  else if (!result.returned()) return make_error(Boundary::kVerifier, result.problem(), "the verifier");
  else if (result.value != "true" && result.value != "false") return make_error(Boundary::kVerifier, "no_verdict: it returned neither True nor False", "the verifier");
  else checks.push_back({"verdict", result.value == "true", result.value == "true" ? "" : "it is not what was asked for"});
  return decided(std::move(checks));
}

Verdict ProgramVerifier::judge(const Outcome& outcome) const {
  Result<Verdict> verdict = try_judge(outcome);
  if (verdict.ok()) return std::move(*verdict);
  std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = verdict.error();
  return decided({{"verdict", false, "there is none: " + verdict.error().text()}});
}

Status ProgramVerifier::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace assay
