// assay filter: K attempts of a policy at each task; tasks that it solves at least once are kept, and how often it does is stored.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/play_options.h"
#include "cli/selection.h"
#include "cli/summary_tables.h"
#include "cli/text.h"
#include "envs/base/interval.h"
#include "envs/pass_rate.h"

namespace assay::commands::filter {
namespace {

struct Options {
  TaskSelection tasks;
  std::string policy;
  int64_t attempts = 8;
  bool mixed = false;
  PlayOptions play;
};

// What was measured at the tasks of one difficulty.
struct Level {
  int64_t tasks = 0, kept = 0, never = 0, always = 0, incomplete = 0;
  int64_t attempts = 0, passed = 0;

  std::pair<double, double> interval() const { return wilson_interval(passed, attempts); }
};

class Filter {
 public:
  Filter(const Options& options, const Context& context, Store& store) : options_(options), context_(context), store_(store) {}

  Status measure(const std::vector<TaskRow>& rows, const BatchReport& batch) {
    policy_ = batch.policy;
    for (const TaskRow& row : rows) {
      Level& level = levels_[row.difficulty];
      ++level.tasks;
      ASSAY_ASSIGN(const std::optional<PassRate> rate, rate_of(row.id));
      if (!rate) ++level.incomplete;
      else ASSAY_TRY(take(row.id, *rate, level));
    }
    return store_.flush();
  }

  int report(const BatchReport& batch, double seconds) const {
    TextTable table({"difficulty", "tasks", "kept", "never solved", "always solved", "not measured", "pass rate", "95% interval"});
    OrderedJson by_difficulty = OrderedJson::array();
    Level all;
    for (const auto& [difficulty, level] : levels_) {
      const auto [low, high] = level.interval();
      table.add({difficulty_text(difficulty), count_text(level.tasks), count_text(level.kept), count_text(level.never), count_text(level.always),
                 count_text(level.incomplete), percent_text(level.passed, level.attempts), percent_text(low) + " to " + percent_text(high)});
      by_difficulty.push_back({{"difficulty", difficulty}, {"tasks", level.tasks}, {"kept", level.kept}, {"never_solved", level.never},
                               {"always_solved", level.always}, {"not_measured", level.incomplete}, {"attempts", level.attempts},
                               {"passed", level.passed}, {"low", low}, {"high", high}});
      all.tasks += level.tasks;
      all.kept += level.kept;
      all.incomplete += level.incomplete;
    }
    const Context& c = context_;
    c.say("pass@" + std::to_string(options_.attempts) + " of " + printable(policy_) + (options_.mixed ? ", kept with a success and a failure" : ", kept with a success"));
    c.say(table.text("  "));
    c.say("\n" + count_text(all.kept) + " of " + count_text(all.tasks) + " tasks kept; " + count_text(batch.played) + " rollouts played in " +
          duration_text(seconds) + ", " + count_text(batch.kept) + " were in the store; intervals are Wilson's, of attempts");
    for (const auto& [what, count] : batch.failures) c.say("  " + count_text(count) + " failed  " + printable(shortened(what, 300)));
    if (batch.interrupted) c.say("interrupted: the same command goes on from there");
    else c.say("next:\n  " + c.command("export --format grpo --out dataset --kept-by '" + printable(policy_) + "'"));
    c.result({{"policy", policy_}, {"attempts", options_.attempts}, {"mixed", options_.mixed}, {"tasks", all.tasks}, {"kept", all.kept},
              {"not_measured", all.incomplete}, {"played", batch.played}, {"stored_earlier", batch.kept}, {"failures", batch.failures},
              {"interval", "wilson 95%"}, {"by_difficulty", by_difficulty}, {"interrupted", batch.interrupted}, {"seconds", seconds}});
    return all.incomplete > 0 || batch.interrupted ? kSomeFailed : kDone;
  }

 private:
  // Nothing unless every attempt was scored: a broken endpoint says nothing about a task.
  Result<std::optional<PassRate>> rate_of(const std::string& task) {
    RolloutFilter filter;
    filter.task = task;
    filter.policy = policy_;
    filter.seed = context_.seed;
    ASSAY_ASSIGN(const std::vector<RolloutRow> rollouts, store_.rollouts(filter));
    PassRate rate{.policy = policy_, .seed = context_.seed, .attempts = options_.attempts, .mixed = options_.mixed};
    int64_t scored = 0;
    for (const RolloutRow& rollout : rollouts) {
      if (rollout.sample < 0 || rollout.sample >= options_.attempts || !rollout.scored) continue;
      ++scored;
      rate.passed += rollout.passed;
    }
    if (scored < options_.attempts) return std::optional<PassRate>();
    std::tie(rate.low, rate.high) = wilson_interval(rate.passed, rate.attempts);
    rate.kept = rate.passed > 0 && (!options_.mixed || rate.passed < rate.attempts);
    return std::optional<PassRate>(std::move(rate));
  }

  Status take(const std::string& task, const PassRate& rate, Level& level) {
    level.kept += rate.kept;
    level.never += rate.passed == 0;
    level.always += rate.passed == rate.attempts;
    level.attempts += rate.attempts;
    level.passed += rate.passed;
    ASSAY_ASSIGN(const Json observations, store_.observations(task));
    ASSAY_ASSIGN(const std::optional<PassRate> newest, newest_pass_rate(observations, policy_, "task " + task));
    return newest == rate ? Status() : store_.put_observation(task, kPassObservation, to_json(rate));
  }

  const Options& options_;
  const Context& context_;
  Store& store_;
  std::string policy_;   // descriptor
  std::map<int, Level> levels_;
};

Result<int> run(Options& options, const Context& context) {
  ASSAY_TRY(options.play.complete());
  if (options.policy == "replay:store")
    return input_error("rollouts acted out again measure nothing", "--policy " + options.policy, "the policy that made them: what is stored is not played again");
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const std::vector<TaskRow> tasks, select_tasks(*store, options.tasks, context.limit));
  DatabaseCache databases(*store, context.sandbox);
  Progress progress("filter", static_cast<int64_t>(tasks.size()) * options.attempts, system_clock());
  ASSAY_ASSIGN(const BatchReport batch, run_batch(databases, tasks, options.play.batch(context, options.policy, options.attempts), progress));
  Filter filter(options, context, *store);
  ASSAY_TRY(filter.measure(tasks, batch));
  return filter.report(batch, progress.seconds());
}

}  // namespace

Command make() {
  return {"filter", "Keep tasks by pass@K of a policy, and store how hard it found them", 25, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--pass-at", options->attempts, "Attempts a task; kept are tasks with at least one success")->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
            app.add_option("--policy", options->policy, "Who attempts them (assay list policies)")->required();
            app.add_flag("--mixed", options->mixed, "Keep only tasks with at least one failure, too");
            options->tasks.declare_cut(app);
            options->play.declare(app);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::filter
