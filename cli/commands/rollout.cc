// assay rollout: groups of attempts of one or several policies at the tasks of a store.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/play_options.h"
#include "cli/selection.h"
#include "cli/summary_tables.h"
#include "cli/text.h"

namespace assay::commands::rollout {
namespace {

struct Options {
  TaskSelection tasks;
  std::vector<std::string> policies;
  std::string from;
  int64_t group = 1;
  PlayOptions play;
};

struct Totals {
  std::vector<PolicySummary> summaries;
  std::map<std::string, int64_t> failures;
  int64_t played = 0, kept = 0;
  bool interrupted = false;
};

int report(const Context& context, const Totals& totals, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(totals.played) / seconds : 0;
  int64_t failed = 0;
  for (const PolicySummary& summary : totals.summaries) failed += summary.failed;
  context.say("pass rate by difficulty");
  context.say(pass_table(totals.summaries, "  "));
  context.say("\n" + count_text(totals.played) + " rollouts played in " + duration_text(seconds) + " (" + rate_text(rate) + "/s), " +
              count_text(totals.kept) + " were in the store");
  if (failed > 0) context.say(count_text(failed) + " failed, by the boundary they broke at:");
  for (const auto& [what, count] : totals.failures) context.say("  " + count_text(count) + "  " + printable(shortened(what, 300)));
  if (totals.interrupted) context.say("interrupted: the same command goes on from there");
  else context.say("next:\n  " + context.command("list rollouts --limit 10") + "\n  " +
                   context.command("export --format openai_chat --out dataset"));
  context.result({{"played", totals.played}, {"stored_earlier", totals.kept}, {"failed", failed},
                  {"interrupted", totals.interrupted}, {"seconds", seconds}, {"rollouts_per_second", rate},
                  {"pass_rates", pass_json(totals.summaries)}, {"failures", totals.failures}, {"store", context.store}});
  return failed > 0 || totals.interrupted ? kSomeFailed : kDone;
}

Result<int> run(Options& options, const Context& context) {
  ASSAY_TRY(options.play.complete());
  for (const std::string& policy : options.policies)
    if (policy == "replay:store" && options.from.empty())
      return input_error("replay:store needs the policy to act out again", "--from", "--from random");
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const std::vector<TaskRow> tasks, select_tasks(*store, options.tasks, context.limit));
  DatabaseCache databases(*store, context.sandbox);
  const int64_t total = static_cast<int64_t>(tasks.size() * options.policies.size()) * options.group;
  Progress progress("rollout", total, system_clock());
  Totals totals;
  for (const std::string& policy : options.policies) {
    if (context.stopped()) break;
    BatchOptions played = options.play.batch(context, policy, options.group);
    if (policy == "replay:store") played.from = options.from;
    ASSAY_ASSIGN(const BatchReport batch, run_batch(databases, tasks, played, progress));
    for (const auto& [difficulty, summary] : batch.by_difficulty) totals.summaries.push_back(summary);
    for (const auto& [what, count] : batch.failures) totals.failures[what] += count;
    totals.played += batch.played;
    totals.kept += batch.kept;
  }
  totals.interrupted = context.stopped();
  const double seconds = progress.seconds();
  if (totals.played > 0)
    ASSAY_TRY(store->put_observation("store", "rollout", {{"rollouts", totals.played}, {"seconds", seconds}, {"jobs", context.threads()}}));
  ASSAY_TRY(store->flush());
  return report(context, totals, seconds);
}

}  // namespace

Command make() {
  return {"rollout", "Let policies attempt tasks, in groups, in parallel", 20, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--policy", options->policies, "One or several, as in gold,random (assay list policies)")
                ->delimiter(',')->required();
            app.add_option("--group", options->group, "Attempts a task")->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
            options->tasks.declare_cut(app);
            app.add_option("--from", options->from, "For replay:store: the policy whose rollouts are acted out again");
            options->play.declare(app);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::rollout
