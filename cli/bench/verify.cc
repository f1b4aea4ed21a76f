// Trip answers judged, from bytes and already parsed, half of them failing; one thread.
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
  return std::vector<Figure>{{"verify", "answers from bytes", from_bytes, "1/s", 500'000, true, "report task, 2,000 answers, half failing, failing checks named by code"},
                             {"verify", "answers already parsed", parsed, "1/s", 1'500'000, true, "the same, as row numbers"}};
}

}  // namespace

BenchArea make() { return {"verify", "trip answers judged", run}; }

}  // namespace assay::bench::verify
