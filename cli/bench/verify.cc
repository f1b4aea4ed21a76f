// Answers judged: of trips, from bytes and already parsed, half of them failing; of questions; one thread.
#include <chrono>
#include <ctime>
#include <filesystem>

#include "cli/bench.h"
#include "cli/bench/temporary_folder.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/rescore.h"
#include "envs/base/rng.h"
#include "synth/chance.h"
#include "synth/factory.h"
#include "verifiers/constraint_verifier.h"

namespace assay::bench::verify {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Of all threads; both sides of a quotient wait for nothing, and this does not see other programs.
double processor_seconds_since(std::clock_t start) { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; }

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

// Rollouts of 30 tool results each, right and wrong ones in turn, judged again from a store; and their answers by the verifier alone.
Result<std::vector<Figure>> stored() {
  constexpr int64_t kRollouts = 20'000;
  FactoryOptions options;
  options.preset = "report";
  ASSAY_ASSIGN(auto factory, Factory::create(options));
  ASSAY_ASSIGN(const MadeTask made, factory->make(0));
  ASSAY_ASSIGN(const auto environment, factory->environment(0));
  TemporaryFolder folder("verify");
  std::filesystem::create_directories(folder.path);
  ASSAY_ASSIGN(auto store, Store::open((folder.path / "bench.db").string(), StoreMode::kOpenOrCreate, system_clock()));
  ASSAY_TRY(store->put_environment(*environment));
  ASSAY_TRY(store->put_task(made.task));
  DatabaseCache databases(*store);
  Host host(databases);
  std::vector<Outcome> outcomes;
  Rng rng(0, "bench/verify/stored");
  Rollout rollout{.task = made.task.id, .policy = "bench"};
  rollout.messages = {{Role::kSystem, made.task.system, "", {}, ""}, {Role::kUser, made.task.prompt, "", {}, ""}};
  for (int i = 0; i < 30; ++i) {
    rollout.messages.push_back({Role::kAssistant, "", "Next.", {{"c" + std::to_string(i), "look", "{}"}}, ""});
    rollout.messages.push_back({Role::kTool, "", "", {}, "c" + std::to_string(i)});
    while (rollout.messages.back().text.size() < 200) rollout.messages.back().text += std::to_string(rng.next()) + ", ";
  }
  rollout.submitted = true;
  rollout.stop = "submitted";
  for (int64_t i = 0; i < kRollouts; ++i) {
    rollout.sample = i;
    rollout.id = rollout_id(rollout.task, rollout.policy, rollout.seed, i);
    rollout.answer = i % 2 ? made.task.gold : made.certificate.mutants[static_cast<size_t>(i) % made.certificate.mutants.size()].answer;
    outcomes.push_back({rollout.answer, {}});
    ASSAY_ASSIGN(rollout.verdict, host.judge(made.task, outcomes.back()));
    ASSAY_TRY(store->put_rollout(rollout));
  }
  ASSAY_TRY(store->flush());
  int64_t judged = 0;
  std::clock_t start = std::clock();
  for (; processor_seconds_since(start) < 1; ++judged) {
    ASSAY_ASSIGN(const Verdict verdict, host.judge(made.task, outcomes[static_cast<size_t>(judged % kRollouts)]));
    if (verdict.checks.empty()) return make_error(Boundary::kInternal, "a verdict without checks", "bench verify");
  }
  const double alone = static_cast<double>(judged) / processor_seconds_since(start);
  Context context;
  context.jobs = 1;
  start = std::clock();
  ASSAY_ASSIGN(const RescoreReport report, rescore(*store, {}, context));
  const double again = static_cast<double>(report.judged) / processor_seconds_since(start);
  if (report.same != kRollouts) return make_error(Boundary::kInternal, "verdicts came out differently", "bench verify");
  return std::vector<Figure>{{"verify", "stored rollouts judged again", again, "1/s", 0, true, "report task, 62 messages and about 8 KB of text each, from the store to the comparison with the stored verdict; one thread, by processor time"},
                             {"verify", "of the verifier's own speed", again / alone, "", 0.5, true, "the same answers by the verifier alone, with evidence: " + std::to_string(static_cast<int64_t>(alone)) + " 1/s"}};
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
  ASSAY_ASSIGN(const std::vector<Figure> from_store, stored());
  std::vector<Figure> figures{{"verify", "answers from bytes", from_bytes, "1/s", 500'000, true, "report task, 2,000 answers, half failing, failing checks named by code"},
                             {"verify", "answers already parsed", parsed, "1/s", 1'500'000, true, "the same, as row numbers"},
                             std::move(of_questions)};
  figures.insert(figures.end(), from_store.begin(), from_store.end());
  return figures;
}

}  // namespace

BenchArea make() { return {"verify", "answers judged", run}; }

}  // namespace assay::bench::verify
