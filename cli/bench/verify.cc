// Answers judged: of trips, from bytes and already parsed, half of them failing; of questions; one thread.
#include <chrono>

#include "cli/bench.h"
#include "envs/base/rng.h"
#include "synth/chance.h"
#include "synth/factory.h"
#include "verifiers/constraint_verifier.h"

namespace assay::bench::verify {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The gold of each task, and what wrong plans give.
Result<Figure> questions() {
  FactoryOptions options;
  options.archetypes = {"query"};
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  struct Asked {
    std::unique_ptr<Verifier> verifier;
    std::vector<Outcome> answers;   // the first is right
  };
  std::vector<Asked> asked;
  for (int64_t i = 0; i < 50; ++i) {
    ASSAY_ASSIGN(const MadeTask made, factory->make(i));
    ASSAY_ASSIGN(const auto environment, factory->environment(i));
    Asked& item = asked.emplace_back();
    ASSAY_ASSIGN(item.verifier, make_verifier(made.task, environment));
    item.answers.push_back({made.task.gold, {}});
    for (const MutantClaim& mutant : made.certificate.mutants) item.answers.push_back({mutant.answer, {}});
  }
  int64_t judged = 0, wrong = 0;
  const auto start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 1)
    for (const Asked& item : asked)
      for (size_t i = 0; i < item.answers.size(); ++i, ++judged) wrong += item.verifier->judge(item.answers[i]).passed != (i == 0);
  const double rate = static_cast<double>(judged) / seconds_since(start);
  if (wrong > 0) return make_error(Boundary::kInternal, "the verdicts are not the ones the answers were made for", "bench verify");
  return Figure{"verify", "answers to questions", rate, "1/s", 200'000, true, "50 tasks of query, all difficulties: the right answers and those of wrong plans, from bytes"};
}

Result<std::vector<Figure>> run() {
  FactoryOptions options;
  options.preset = "report";
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  ASSAY_ASSIGN(const MadeTask made, factory->make(0));
  ASSAY_ASSIGN(const auto environment, factory->environment(0));
  ASSAY_ASSIGN(const auto verifier, ConstraintVerifier::create(made.task, environment));
  AnswerReader reader = verifier->make_reader();
  ReadAnswer scratch;
  const ConsistentChooser chooser(made.task.answer, environment->tables);
  std::vector<Assignment> rows;
  std::vector<std::string> answers;
  int64_t wanted[2] = {1'000, 1'000};
  for (uint64_t i = 0; wanted[0] + wanted[1] > 0; ++i) {
    Rng rng(0, "bench/verify", i);
    Assignment drawn;
    chooser.draw(rng, false, drawn);
    int64_t& left = wanted[verifier->judge_rows(drawn.data()).passed];
    if (left == 0) continue;
    --left;
    answers.push_back(answer_text(made.task.answer, environment->tables, drawn));
    rows.push_back(std::move(drawn));
  }
  int64_t passed = 0, judged = 0, named = 0;
  auto start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 1)
    for (const std::string& answer : answers) {
      const QuickVerdict verdict = verifier->judge_quickly(answer, reader, scratch);
      passed += verdict.passed;
      named += __builtin_popcountll(verdict.failed);
      ++judged;
    }
  const double from_bytes = static_cast<double>(judged) / seconds_since(start);
  if (passed * 2 != judged || named < judged / 2) return make_error(Boundary::kInternal, "the verdicts are not the ones the answers were made for", "bench verify");
  judged = 0;
  start = std::chrono::steady_clock::now();
  while (seconds_since(start) < 1)
    for (const Assignment& assignment : rows) passed += verifier->judge_rows(assignment.data()).passed, ++judged;
  const double parsed = static_cast<double>(judged) / seconds_since(start);
  ASSAY_ASSIGN(Figure of_questions, questions());
  return std::vector<Figure>{{"verify", "answers from bytes", from_bytes, "1/s", 500'000, true, "report task, 2,000 answers, half failing, failing checks named by code"},
                             {"verify", "answers already parsed", parsed, "1/s", 1'500'000, true, "the same, as row numbers"},
                             std::move(of_questions)};
}

}  // namespace

BenchArea make() { return {"verify", "answers judged", run}; }

}  // namespace assay::bench::verify
