// assay verify: stored rollouts judged again, answers or patches from a file, or the verifier itself as Python.
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>

#include "cli/host.h"
#include "cli/lines.h"
#include "cli/predictions.h"
#include "cli/rescore.h"
#include "cli/selection.h"
#include "cli/shard_option.h"
#include "cli/text.h"
#include "verifiers/constraint_verifier.h"

namespace assay::commands::verify {
namespace {

constexpr size_t kLineBytes = 8u << 20;

struct Options {
  std::string task, answers, predictions, policy, with;
  int64_t timeout_s = 60;
  bool python = false;
  Shard shard;
};

struct Answers {
  int64_t passed = 0, failed = 0, malformed = 0;
};

void show(const Context& context, int64_t line, const AnswerLine& answer, const Verdict& verdict) {
  OrderedJson json{{"line", line}};
  if (!answer.id.is_null()) json["id"] = answer.id;
  json["passed"] = verdict.passed;
  json["reward"] = verdict.reward;
  json["checks"] = OrderedJson::array();
  std::string text = "line " + std::to_string(line) + ": " + (verdict.passed ? "passed" : "failed");
  for (const Check& check : verdict.checks) {
    json["checks"].push_back({{"name", check.name}, {"passed", check.passed}, {"evidence", check.evidence}});
    if (!check.passed) text += "\n  " + check.name + ": " + printable(check.evidence);
  }
  if (!context.json) context.say(text);
  context.result(json);
}

void show(const Context& context, int64_t line, const Error& error) {
  context.say("line " + std::to_string(line) + ": malformed: " + printable(error.text()));
  context.result({{"line", line}, {"error", to_json(error)}});
}

Result<Answers> judge_lines(Host& host, const Task& task, LineReader& lines, const std::string& file, const Context& context) {
  Answers answers;
  std::string line;
  while (!context.stopped()) {
    const LineReader::Outcome outcome = lines.next(line);
    if (outcome == LineReader::Outcome::kEnd) break;
    if (outcome == LineReader::Outcome::kFailed) return input_error(std::strerror(errno), file);
    const std::string where = file + ":" + std::to_string(lines.number());
    const bool too_long = outcome == LineReader::Outcome::kTooLong;
    if (!too_long && line.find_first_not_of(" \t") == std::string::npos) continue;
    Result<AnswerLine> answer = too_long ? Result<AnswerLine>(make_error(Boundary::kLimit, "longer than " + bytes_text(kLineBytes), where))
                                         : read_answer_line(line, where);
    if (!answer.ok()) {
      ++answers.malformed;
      show(context, lines.number(), answer.error());
      continue;
    }
    ASSAY_ASSIGN(const Verdict verdict, host.judge(task, Outcome{answer->answer, {}}));
    ++(verdict.passed ? answers.passed : answers.failed);
    show(context, lines.number(), *answer, verdict);
  }
  return answers;
}

Result<int> verify_answers(const Options& options, Host& host, const Task& task, const Context& context) {
  ASSAY_ASSIGN(const auto file, open_lines(options.answers));
  LineReader lines(file.get(), kLineBytes, context.cancelled);
  ASSAY_ASSIGN(const Answers answers, judge_lines(host, task, lines, options.answers, context));
  context.say(count_text(answers.passed) + " passed, " + count_text(answers.failed) + " failed, " +
              count_text(answers.malformed) + " malformed lines");
  return answers.malformed > 0 || context.stopped() ? kSomeFailed : kDone;
}

Result<int> verify_task(const Options& options, Store& store, const Context& context) {
  TaskSelection selection;
  selection.ids = {options.task};
  ASSAY_ASSIGN(const std::vector<TaskRow> rows, select_tasks(store, selection, -1));
  ASSAY_ASSIGN(const Task task, store.task(rows[0].id));
  if (options.python) {
    if (task.answer.groups == 0) return input_error("a printed verifier is for tasks with constraints; this one has none", "task " + task.id, "assay verify without --python");
    ASSAY_ASSIGN(std::shared_ptr<const Environment> environment, store.environment(task.environment));
    ASSAY_ASSIGN(const std::string program, python_verifier(task, *environment));
    if (context.json) context.result({{"task", task.id}, {"python", program}});
    else std::fwrite(program.data(), 1, program.size(), stdout);
    return static_cast<int>(kDone);
  }
  if (!task.goal.is_null() || !task.tests.is_null())
    return input_error("this task is judged by what was changed, not by an answer", "task " + task.id, "assay env, stored rollouts: assay verify, or patches: --predictions");
  DatabaseCache databases(store, context.sandbox);
  Host host(databases);
  return verify_answers(options, host, task, context);
}

Result<int> verify_stored(const Options& options, Store& store, const Context& context) {
  RolloutFilter filter;
  filter.limit = context.limit;
  if (!options.policy.empty()) filter.policy = options.policy;
  if (!options.task.empty()) {
    TaskSelection selection;
    selection.ids = {options.task};
    ASSAY_ASSIGN(const std::vector<TaskRow> rows, select_tasks(store, selection, -1));
    filter.task = rows[0].id;
  }
  ASSAY_ASSIGN(const RescoreReport report, rescore(store, {filter, options.shard, options.with, options.timeout_s * 1000}, context));
  TextTable table({"rollout", "policy", "stored", "by", "judged again", "by", "check", "evidence"});
  OrderedJson disagreements = OrderedJson::array(), outcomes = OrderedJson::object();
  for (const Disagreement& d : report.disagreements) {
    table.add({short_id(d.rollout), printable(d.policy), outcome_name(d.stored.outcome), printable(d.stored.verifier), outcome_name(d.again.outcome), printable(shortened(d.again.verifier, 40)),
               printable(d.check), printable(shortened(d.again.evidence.empty() ? d.stored.evidence : d.again.evidence, 120))});
    disagreements.push_back({{"rollout", d.rollout}, {"task", d.task}, {"policy", d.policy}, {"check", d.check}, {"stored", to_json(d.stored)}, {"again", to_json(d.again)}});
  }
  if (!table.empty() && !context.json) context.say(table.text());
  for (const std::string& error : report.errors) context.say(printable(error));
  std::string told;
  for (const auto& [outcome, count] : report.outcomes) {
    told += (told.empty() ? "" : ", ") + count_text(count) + " " + outcome_name(outcome);
    outcomes[outcome_name(outcome)] = count;
  }
  context.say(count_text(report.judged) + " rollouts judged again in " + duration_text(report.seconds) + (told.empty() ? "" : " (" + told + ")") + ": " + count_text(report.same) +
              " verdicts the same, " + count_text(static_cast<int64_t>(report.disagreements.size())) + " differ, " +
              count_text(static_cast<int64_t>(report.errors.size())) + " could not be judged; " + count_text(report.unscored) +
              " had failed and have no verdict; " + count_text(report.recorded) + " judgements recorded");
  if (report.interrupted) context.say("interrupted");
  context.result({{"judged", report.judged}, {"same", report.same}, {"unscored", report.unscored}, {"outcomes", std::move(outcomes)}, {"recorded", report.recorded},
                  {"disagreements", std::move(disagreements)}, {"errors", report.errors}, {"interrupted", report.interrupted},
                  {"seconds", report.seconds}});
  const bool clean = report.disagreements.empty() && report.errors.empty() && !report.interrupted;
  return clean ? kDone : kSomeFailed;
}

Result<int> run(const Options& options, const Context& context) {
  if (options.task.empty() && (options.python || !options.answers.empty()))
    return input_error("which task?", options.python ? "--python" : "--answers", "--task ID");
  if (!options.shard.is_whole() && (options.python || !options.answers.empty() || !options.predictions.empty()))
    return input_error("only stored rollouts are cut into shards", "--shard");
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  if (!options.predictions.empty()) return verify_predictions(*store, options.predictions, context);
  if (options.python || !options.answers.empty()) return verify_task(options, *store, context);
  return verify_stored(options, *store, context);
}

}  // namespace

Command make() {
  return {"verify", "Judge stored rollouts, or a file of answers or patches", 40, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--task", options->task, "A task, by id or its first digits");
            auto* answers = app.add_option("--answers", options->answers, "JSON lines, {\"answer\": …} each; - is standard input");
            app.add_flag("--python", options->python, "Print the verifier of the task as a stand-alone Python module")->excludes(answers);
            app.add_option("--predictions", options->predictions, "Patches for tasks that ask for one: SWE-bench predictions, JSON or JSON lines")->excludes(answers);
            app.add_option("--policy", options->policy, "Only rollouts of this policy");
            declare_shard(app, options->shard, "Only the I-th of N parts of the stored rollouts, cut by their tasks' ids");
            app.add_option("--with", options->with, "Stored rollouts: plain, a second reading of the tasks; or command:LINE, a program that speaks as assay env does, such as another version");
            app.add_option("--timeout", options->timeout_s, "Seconds for each judgement of such a program")->check(CLI::Range(int64_t{1}, int64_t{86'400}));
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::verify
