#include "cli/rescore.h"

#include <algorithm>
#include <unordered_map>

#include "cli/host.h"
#include "cli/jobs.h"
#include "cli/progress.h"

namespace assay {
namespace {

struct Judged {
  std::optional<Disagreement> disagreement;
  std::string error;
};

std::string first_failure(const Verdict& verdict) {
  for (const Check& check : verdict.checks)
    if (!check.passed) return check.name + ": " + check.evidence;
  return "";
}

std::string outcome(const Verdict& verdict) {
  return verdict.passed ? "passed" : "failed (" + first_failure(verdict) + ")";
}

Result<Judged> judge(Host& host, Store& store, const RolloutRow& row) {
  Result<Rollout> rollout = store.rollout(row.id);
  if (!rollout.ok()) return Judged{{}, rollout.error().text()};
  Result<std::shared_ptr<const Task>> task = host.task(row.task);
  if (!task.ok()) return Judged{{}, task.error().text()};
  const Result<Verdict> fresh = host.judge(**task, Outcome{rollout->answer, rollout->state});
  if (!fresh.ok()) return Judged{{}, fresh.error().text()};
  if (to_json(*fresh) == to_json(rollout->verdict)) return Judged{};
  return Judged{Disagreement{row.id, row.task, row.policy,
                             "stored " + outcome(rollout->verdict) + ", judged again " + outcome(*fresh)}, ""};
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

Result<RescoreReport> rescore(Store& store, const RolloutFilter& filter, const Shard& shard, const Context& context) {
  ASSAY_ASSIGN(std::vector<RolloutRow> rows, store.rollouts(filter));
  std::erase_if(rows, [&](const RolloutRow& row) { return !shard.holds(row.task); });
  RescoreReport report;
  report.unscored = static_cast<int64_t>(std::erase_if(rows, [](const RolloutRow& row) { return !row.scored; }));
  ASSAY_TRY(sort_by_environment(store, rows));
  DatabaseCache databases(store);
  std::vector<std::unique_ptr<Host>> hosts;
  for (int i = 0; i < context.threads(); ++i) hosts.push_back(std::make_unique<Host>(databases));
  Progress progress("verify", static_cast<int64_t>(rows.size()), system_clock());
  ASSAY_ASSIGN(report.judged,
               ordered_map<Judged>(
                   0, static_cast<int64_t>(rows.size()), {.jobs = context.threads(), .cancelled = context.cancelled},
                   [&](int64_t index, int worker) {
                     return judge(*hosts[static_cast<size_t>(worker)], store, rows[static_cast<size_t>(index)]);
                   },
                   [&](int64_t index, Judged judged) -> Status {
                     const bool wrong = judged.disagreement || !judged.error.empty();
                     progress.add(1, wrong);
                     report.same += !wrong;
                     if (judged.disagreement) report.disagreements.push_back(std::move(*judged.disagreement));
                     if (!judged.error.empty())
                       report.errors.push_back("rollout " + rows[static_cast<size_t>(index)].id + ": " + judged.error);
                     return {};
                   }));
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
