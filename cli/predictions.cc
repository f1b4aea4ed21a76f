#include "cli/predictions.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/host.h"
#include "cli/jobs.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "datasets/repair_task.h"
#include "datasets/test_logs.h"
#include "verifiers/test_plan.h"
#include "verifiers/test_verdict.h"

namespace assay {
namespace {

constexpr JsonLimits kLimits{.bytes = size_t{1} << 30, .depth = 32};

Result<Prediction> prediction(const Json& json, const std::string& where, const std::string& instance = "") {
  if (!json.is_object()) return input_error("expected a prediction", where, R"({"instance_id": …, "model_name_or_path": …, "model_patch": …})");
  const auto text = [&](const char* name) -> std::optional<std::string> {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) return std::string();
    return found->is_string() ? std::optional(found->get<std::string>()) : std::nullopt;
  };
  const auto named = text("instance_id"), model = text("model_name_or_path"), patch = text("model_patch");
  if (!named || !model || !patch) return input_error("instance_id, model_name_or_path and model_patch are texts", where);
  Prediction out{named->empty() ? instance : *named, *model, *patch};
  if (out.instance.empty()) return input_error("a prediction without instance_id", where);
  return out;
}

// How many judgements may run at once: none may take processors or memory from another.
int judgements_at_once(const Context& context, const std::vector<TestPlan>& plans) {
  int64_t cores = 1, memory = 1;
  for (const TestPlan& plan : plans) {
    cores = std::max(cores, plan.limits.cores);
    memory = std::max(memory, plan.limits.memory_bytes);
  }
  const int64_t machine = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE) / 5 * 4;
  return static_cast<int>(std::clamp<int64_t>(std::min<int64_t>(context.threads() / cores, machine / memory), 1, context.threads()));
}

struct Judged {
  std::optional<Verdict> verdict;
  std::optional<Error> failure;
};

struct Tally {
  int64_t resolved = 0, unresolved = 0, timed_out = 0, infrastructure = 0, unknown = 0;

  void add(const Verdict& verdict) { ++(verdict.passed ? resolved : is_timed_out(verdict) ? timed_out : unresolved); }
};

const char* outcome_of(const Verdict& verdict) { return verdict.passed ? "resolved" : is_timed_out(verdict) ? "timed_out" : "not_resolved"; }

void say(const Context& context, const Prediction& prediction, const Task& task, const Judged& judged, Tally& tally) {
  const std::string log = judgement_id(task.id, prediction.patch);
  OrderedJson json{{"instance_id", prediction.instance}, {"model", prediction.model}, {"task", task.id}, {"log", log}};
  std::string text = printable(prediction.instance) + ": ";
  if (judged.failure) {
    ++tally.infrastructure;
    json["outcome"] = "infrastructure";
    json["error"] = to_json(*judged.failure);
    text += "infrastructure failure: " + printable(judged.failure->text());
  } else {
    tally.add(*judged.verdict);
    json["outcome"] = outcome_of(*judged.verdict);
    json["checks"] = to_json(*judged.verdict)["checks"];
    text += judged.verdict->passed ? "resolved" : is_timed_out(*judged.verdict) ? "timed out" : "not resolved";
    for (const Check& check : judged.verdict->checks)
      if (!check.passed) text += "\n  " + check.name + ": " + printable(shortened(check.evidence, 400));
  }
  if (!context.json) context.say(text + "\n  " + context.command("show log " + log.substr(0, 12)));
  context.result(json);
}

}  // namespace

Result<std::vector<Prediction>> read_predictions(const std::string& path) {
  ASSAY_ASSIGN(const std::string text, read_file(path));
  std::vector<Prediction> out;
  Result<Json> whole = parse_json(text, path, kLimits);
  if (whole.ok() && !whole->contains("instance_id")) {
    for (const auto& [key, value] : whole->items()) {
      ASSAY_ASSIGN(Prediction each, prediction(value, path + ": $[" + key + "]", whole->is_object() ? key : ""));
      out.push_back(std::move(each));
    }
    return out;
  }
  int64_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string where = path + ":" + std::to_string(++number);
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ASSAY_ASSIGN(const Json json, parse_json(line, where, kLimits));
    ASSAY_ASSIGN(Prediction each, prediction(json, where));
    out.push_back(std::move(each));
  }
  return out;
}

Result<int> verify_predictions(Store& store, const std::string& path, const Context& context) {
  ASSAY_ASSIGN(std::vector<Prediction> predictions, read_predictions(path));
  std::map<std::string, std::shared_ptr<const Task>> tasks;
  std::vector<TestPlan> plans;
  ASSAY_ASSIGN(const std::vector<TaskRow> rows, store.tasks({}));
  for (const TaskRow& row : rows) {
    ASSAY_ASSIGN(Task task, store.task(row.id));
    if (task.tests.is_null()) continue;
    ASSAY_ASSIGN(TestPlan plan, test_plan_from_json(task.tests, "task " + task.id));
    plans.push_back(std::move(plan));
    const auto shared = std::make_shared<const Task>(std::move(task));
    tasks[shared->id] = tasks[instance_id(*shared)] = shared;
  }
  Tally tally;
  std::erase_if(predictions, [&](const Prediction& each) {
    if (tasks.count(each.instance)) return false;
    ++tally.unknown;
    context.say(printable(each.instance) + ": no such task in the store");
    context.result({{"instance_id", each.instance}, {"model", each.model}, {"outcome", "unknown"}});
    return true;
  });
  DatabaseCache databases(store, context.sandbox);
  // A machine without the sandbox fails the whole, not every prediction of it.
  if (!predictions.empty()) ASSAY_TRY(databases.executor());
  const int jobs = judgements_at_once(context, plans);
  std::vector<std::unique_ptr<Host>> hosts;
  for (int i = 0; i < jobs; ++i) hosts.push_back(std::make_unique<Host>(databases));
  const auto count = static_cast<int64_t>(predictions.size());
  Progress progress("verify", count, system_clock());
  ASSAY_ASSIGN(const int64_t reached, ordered_map<Judged>(
                                          0, count, {.jobs = jobs, .cancelled = context.cancelled},
                                          [&](int64_t index, int worker) -> Result<Judged> {
                                            const Prediction& each = predictions[static_cast<size_t>(index)];
                                            Result<Verdict> verdict = hosts[static_cast<size_t>(worker)]->judge(*tasks.at(each.instance), Outcome{"", {{"patch", each.patch}}});
                                            return verdict.ok() ? Judged{std::move(*verdict), {}} : Judged{{}, verdict.error()};
                                          },
                                          [&](int64_t index, const Judged& judged) -> Status {
                                            const Prediction& each = predictions[static_cast<size_t>(index)];
                                            progress.add(1, judged.failure.has_value());
                                            say(context, each, *tasks.at(each.instance), judged, tally);
                                            return {};
                                          }));
  context.say(count_text(tally.resolved) + " resolved, " + count_text(tally.unresolved) + " not resolved, " + count_text(tally.timed_out) + " timed out, " + count_text(tally.infrastructure) + " infrastructure failures, " +
              count_text(tally.unknown) + " of no task here; " + count_text(jobs) + " at once, " + duration_text(progress.seconds()));
  if (reached < count) context.say("interrupted after " + count_text(reached) + " of " + count_text(count));
  return tally.infrastructure + tally.unknown > 0 || reached < count ? kSomeFailed : kDone;
}

}  // namespace assay
