// assay rollout: groups of attempts of one or several policies at the tasks of a store.
#include <CLI/CLI.hpp>

#include <cstdlib>

#include "cli/command.h"
#include "cli/rollout_batch.h"
#include "cli/selection.h"
#include "cli/summary_tables.h"
#include "cli/text.h"
#include "envs/cold_start.h"

namespace assay::commands::rollout {
namespace {

struct Options {
  TaskSelection tasks;
  std::vector<std::string> policies;
  std::string from;
  std::string key_env = "OPENAI_API_KEY";
  bool key_env_given = false;
  double timeout_s = 120;
  int64_t group = 1;
  std::string context_strategy, cold_start;
  ContextOptions context;
  PolicyOptions policy;
};

Status read_key(Options& options) {
  const char* key = std::getenv(options.key_env.c_str());
  if (key) options.policy.api_key = key;
  else if (options.key_env_given)
    return input_error("this environment variable is not set", "--key-env " + options.key_env, "export " + options.key_env + "=…");
  return {};
}

Status read_context(Options& options) {
  if (!options.cold_start.empty()) ASSAY_TRY(cold_start_prompt(options.cold_start));
  const bool strategy = !options.context_strategy.empty(), tokens = options.context.window_tokens > 0;
  if (strategy != tokens)
    return input_error("a context strategy and the size of the context belong together", strategy ? "--context-strategy" : "--context-tokens",
                       "--context-strategy discard-all --context-tokens 131072");
  if (strategy) {
    ASSAY_ASSIGN(options.context.strategy, context_strategy_named(options.context_strategy));
  }
  return {};
}

BatchOptions batch_options(const Options& options, const Context& context, const std::string& policy) {
  BatchOptions batch;
  batch.policy = policy;
  batch.from = policy == "replay:store" ? options.from : "";
  batch.policy_options = options.policy;
  batch.context = options.context;
  batch.cold_start = options.cold_start;
  batch.group = options.group;
  batch.seed = context.seed;
  batch.jobs = context.threads();
  batch.cancelled = context.cancelled;
  return batch;
}

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
  ASSAY_TRY(read_key(options));
  ASSAY_TRY(read_context(options));
  options.policy.timeout_ms = static_cast<int64_t>(options.timeout_s * 1000);
  options.policy.clock = &system_clock();
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
    ASSAY_ASSIGN(const BatchReport batch, run_batch(databases, tasks, batch_options(options, context, policy), progress));
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
            PolicyOptions& policy = options->policy;
            app.add_option("--policy", options->policies, "One or several, as in gold,random (assay list policies)")
                ->delimiter(',')->required();
            app.add_option("--group", options->group, "Attempts a task")->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
            options->tasks.declare(app);
            app.add_option("--from", options->from, "For replay:store: the policy whose rollouts are acted out again");
            app.add_option("--model", policy.model, "Model name, for an endpoint");
            app.add_option("--key-env", options->key_env, "Environment variable that holds the endpoint's key")
                ->each([options](const std::string&) { options->key_env_given = true; });
            app.add_option("--timeout", options->timeout_s, "Seconds until a request is given up")->check(CLI::Range(0.001, 86400.0));
            app.add_option("--retries", policy.retries, "Attempts again after a failed request")->check(CLI::Range(0, 100));
            app.add_option("--in-flight", policy.in_flight, "Episodes open at once")->check(CLI::Range(1, 4096));
            app.add_option("--temperature", policy.temperature, "For an endpoint")->check(CLI::Range(0.0, 10.0));
            app.add_option("--max-tokens", policy.max_tokens, "Of one message, for an endpoint")->check(CLI::Range(1, 1 << 24));
            app.add_option("--context-strategy", options->context_strategy,
                           "When 80% of the context is used: summary, discard-75 or discard-all");
            app.add_option("--context-tokens", options->context.window_tokens,
                           "Size of the context, in tokens as the endpoint reports them, else in bytes / 3")
                ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
            app.add_option("--cold-start", options->cold_start, "A system prompt put first: reasoning, tools or reasoning_with_tools");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::rollout
