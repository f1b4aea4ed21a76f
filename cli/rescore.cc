#include "cli/rescore.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "cli/host.h"
#include "cli/jobs.h"
#include "cli/progress.h"
#include "cli/reviewer.h"
#include "datasets/rollout_text.h"

namespace assay {
namespace {

struct Judged {
  std::optional<Judgement> judgement;   // none where the rollout or its task could not be read
  std::optional<Disagreement> disagreement;
  bool repeats = false;   // what the stored verdict says, by the same verifier
  std::string error;
};

// The first check of one verifier that came out differently, in result or evidence.
std::string differing_check(const Verdict& stored, const Verdict& again) {
  for (size_t i = 0; i < stored.checks.size() && i < again.checks.size(); ++i) {
    const Check &a = stored.checks[i], &b = again.checks[i];
    if (std::tie(a.name, a.passed, a.evidence) != std::tie(b.name, b.passed, b.evidence)) return a.name;
  }
  return "";
}

bool decided(RolloutOutcome outcome) { return outcome == RolloutOutcome::kPassed || outcome == RolloutOutcome::kFailed; }

// Only where the verdict is another than the stored one the rollout itself is read.
Result<Judged> judge(Reviewer& reviewer, Host& host, Store& store, const RolloutRow& row) {
  const Result<StoredOutcome> stored = store.outcome(row);
  if (!stored.ok()) return Judged{.error = stored.error().text()};
  const Result<std::shared_ptr<const Task>> task = host.task(row.task);
  if (!task.ok()) return Judged{.error = task.error().text()};
  const Reviewer::Opinion again = reviewer.judge(**task, stored->outcome);
  Judged judged{.judgement = again.judgement};
  if (!decided(again.judgement.outcome)) {
    if (again.judgement.outcome != RolloutOutcome::kUndecided) judged.error = again.judgement.evidence;
    return judged;
  }
  judged.repeats = again.verdict && verdict_digest(*again.verdict) == stored->verdict;
  const bool agrees = row.passed == (again.judgement.outcome == RolloutOutcome::kPassed);
  if (judged.repeats || (!again.verdict && agrees)) return judged;
  const Result<Rollout> rollout = store.rollout(row.id);
  if (!rollout.ok()) return Judged{.error = rollout.error().text()};
  const Judgement before = judgement_of(rollout->verdict);
  const bool same_verifier = again.verdict && again.judgement.verifier == before.verifier;
  if (!same_verifier && agrees) return judged;
  std::string check = same_verifier ? differing_check(rollout->verdict, *again.verdict) : "";
  if (check.empty()) check = again.judgement.check.empty() ? before.check : again.judgement.check;
  judged.disagreement = Disagreement{row.id, row.task, row.policy, before, again.judgement, std::move(check)};
  return judged;
}

// Rollouts beside which a judgement stands, so that of the others nothing is looked up.
Result<std::unordered_set<std::string>> judged_before(Store& store) {
  std::unordered_set<std::string> rollouts;
  ASSAY_TRY(store.visit_observations([&](const StoredObservation& observation) -> Status {
    if (observation.name == kJudgementObservation) rollouts.insert(observation.subject);
    return {};
  }));
  return rollouts;
}

// Puts a judgement beside a rollout, unless it is what its verifier said of it last. Whether it was new.
Result<bool> record(Store& store, const std::string& rollout, const Judgement& judgement, bool repeats) {
  ASSAY_ASSIGN(const Json observations, store.observations(rollout));
  ASSAY_ASSIGN(const std::optional<Judgement> newest, newest_judgement(observations, judgement.verifier, "rollout " + rollout));
  if (newest ? *newest == judgement : repeats) return false;
  ASSAY_TRY(store.put_observation(rollout, kJudgementObservation, to_json(judgement)));
  return true;
}

// Rollouts of one environment side by side, so that few environments are open at a time.
Status sort_by_environment(Store& store, std::vector<RolloutRow>& rows) {
  ASSAY_ASSIGN(const std::vector<TaskRow> tasks, store.tasks({}));
  std::unordered_map<std::string, std::string> environment;
  for (const TaskRow& task : tasks) environment[task.id] = task.environment;
  std::stable_sort(rows.begin(), rows.end(), [&](const RolloutRow& a, const RolloutRow& b) {
    return std::tie(environment[a.task], a.task) < std::tie(environment[b.task], b.task);
  });
  return {};
}

}  // namespace

Result<RescoreReport> rescore(Store& store, const RescoreOptions& options, const Context& context) {
  ASSAY_ASSIGN(std::vector<RolloutRow> rows, store.rollouts(options.rollouts));
  std::erase_if(rows, [&](const RolloutRow& row) { return !options.shard.holds(row.task); });
  RescoreReport report;
  report.unscored = static_cast<int64_t>(std::erase_if(rows, [](const RolloutRow& row) { return !row.scored; }));
  ASSAY_TRY(sort_by_environment(store, rows));
  ASSAY_ASSIGN(const auto known, judged_before(store));
  DatabaseCache databases(store, context.sandbox);
  std::vector<std::unique_ptr<Host>> hosts;
  std::vector<std::unique_ptr<Reviewer>> reviewers;
  for (int i = 0; i < context.threads(); ++i) {
    hosts.push_back(std::make_unique<Host>(databases));
    ASSAY_ASSIGN(auto made, make_reviewer(options.with, *hosts.back(), store, options.timeout_ms));
    reviewers.push_back(std::move(made));
  }
  Progress progress("verify", static_cast<int64_t>(rows.size()), system_clock());
  ASSAY_ASSIGN(report.judged,
               ordered_map<Judged>(
                   0, static_cast<int64_t>(rows.size()), {.jobs = context.threads(), .cancelled = context.cancelled},
                   [&](int64_t index, int worker) {
                     const auto w = static_cast<size_t>(worker);
                     return judge(*reviewers[w], *hosts[w], store, rows[static_cast<size_t>(index)]);
                   },
                   [&](int64_t index, Judged judged) -> Status {
                     const RolloutRow& row = rows[static_cast<size_t>(index)];
                     const bool wrong = judged.disagreement || !judged.error.empty();
                     progress.add(1, wrong);
                     report.same += !wrong && judged.judgement->outcome != RolloutOutcome::kUndecided;
                     if (judged.judgement) {
                       ++report.outcomes[judged.judgement->outcome];
                       if (!judged.repeats || known.contains(row.id)) {
                         ASSAY_ASSIGN(const bool fresh, record(store, row.id, *judged.judgement, judged.repeats));
                         report.recorded += fresh;
                       }
                     }
                     if (judged.disagreement) report.disagreements.push_back(std::move(*judged.disagreement));
                     if (!judged.error.empty()) report.errors.push_back("rollout " + row.id + ": " + judged.error);
                     return {};
                   }));
  ASSAY_TRY(store.flush());
  report.interrupted = report.judged < static_cast<int64_t>(rows.size());
  report.seconds = progress.seconds();
  return report;
}

Result<AnswerLine> read_answer_line(std::string_view line, const std::string& where) {
  ASSAY_ASSIGN(const Json json, parse_json(line, where));
  if (json.is_string()) return AnswerLine{json.get<std::string>(), {}};
  const bool bare = json.is_array();
  if (!bare && !(json.is_object() && json.contains("answer")))
    return input_error("expected an answer", where, "{\"answer\": TEXT}, or the answer itself as a JSON string or array");
  // Read once more with keys in the order written: the verifier judges what stands there.
  const OrderedJson ordered = OrderedJson::parse(line, nullptr, false);
  const OrderedJson& answer = bare ? ordered : ordered["answer"];
  AnswerLine out;
  out.answer = answer.is_string() ? answer.get<std::string>() : answer.dump();
  if (!bare && json.contains("id")) out.id = json["id"];
  return out;
}

}  // namespace assay
