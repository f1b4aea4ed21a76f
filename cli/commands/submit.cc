// assay submit slurm … -- VERB …: a verb over the shards of its work, on a cluster; ends when all of it is back in the store.
#include <CLI/CLI.hpp>

#include <filesystem>

#include "cli/command_line.h"
#include "cli/progress.h"
#include "cli/slurm.h"
#include "cli/text.h"
#include "datasets/merge.h"

namespace assay::commands::submit {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string system, folder, program;
  int64_t shards = 1, workers = 0;
  std::vector<std::string> sbatch, command;
  int attempts = 3;
  double poll_seconds = 5;
  bool dry_run = false;
};

std::string absolute(const std::string& path) { return fs::absolute(path).lexically_normal().string(); }

// Options of this program that were given before the verb are the verb's.
std::vector<std::string> whole_command(const Options& options, const Context& context) {
  std::vector<std::string> out = options.command;
  const auto add = [&out](const char* name, const std::string& value) { out.insert(out.end(), {name, value}); };
  if (context.seed != Context().seed) add("--seed", std::to_string(context.seed));
  if (context.jobs != Context().jobs) add("--jobs", std::to_string(context.jobs));
  if (context.limit != Context().limit) add("--limit", std::to_string(context.limit));
  if (context.sandbox != Context().sandbox) add("--sandbox", context.sandbox);
  return out;
}

bool makes_tasks(const std::string& verb) { return verb == "synth" || verb == "build"; }

Status check(const Options& options, const SlurmPlan& plan) {
  for (const std::string& word : options.command)
    for (const char* own : {"--store", "--shard", "--json"})
      if (word == own || word.starts_with(std::string(own) + "=")) return input_error("given by this command to each worker", word, "leave it out after --");
  for (const std::string& option : plan.options)
    for (const char* own : {"--array", "-a", "--job-name", "-J", "--output", "-o", "--parsable", "--wrap", "--wait", "-W"})
      if (option == own || option.starts_with(std::string(own) + "=")) return input_error("this option of sbatch is set by this command", option);
  for (const std::string& option : plan.options)
    if (!option.starts_with("-") || option.find('\n') != std::string::npos) return input_error("expected an option of sbatch", "--sbatch " + option, "--sbatch=--time=1:00:00");
  if (plan.folder.find_first_of("\n%\\") != std::string::npos) return input_error("Slurm does not take such a folder", plan.folder);
  std::vector<std::string> words = plan.command;
  words.insert(words.end(), {"--shard", "1/1", "--json"});
  return CommandLine(nullptr).check(words);
}

Result<SlurmPlan> plan_of(const Options& options, const Context& context) {
  SlurmPlan plan;
  plan.folder = absolute(options.folder.empty() ? context.store + ".slurm" : options.folder);
  plan.directory = fs::current_path().string();
  std::error_code error;
  plan.program = options.program.empty() ? fs::read_symlink("/proc/self/exe", error).string() : options.program;
  plan.command = whole_command(options, context);
  plan.shards = options.shards;
  plan.workers = options.workers > 0 ? std::min(options.workers, options.shards) : options.shards;
  plan.options = options.sbatch;
  ASSAY_TRY(check(options, plan));
  return plan;
}

// A worker sees no store but its own, so no file is ever open on two nodes. Before the first job, and only then.
Status cut(const SlurmPlan& plan, const Context& context) {
  const std::string mark = plan.folder + "/cut";
  if (fs::exists(mark)) return {};
  Progress progress("cut", plan.shards, system_clock());
  for (int64_t shard = 1; shard <= plan.shards; ++shard) {
    ASSAY_ASSIGN(const auto store, Store::open(plan.store(shard), StoreMode::kOpenOrCreate, system_clock()));
    ASSAY_ASSIGN(const MergeReport report, merge_stores(*store, {context.store}, system_clock(), {.shard = {shard, plan.shards}, .cancelled = context.cancelled}));
    if (report.interrupted) return make_error(Boundary::kLimit, "interrupted before anything was submitted", plan.folder, "the same command goes on from there");
    if (!report.problems.empty()) return make_error(Boundary::kStore, report.problems[0], context.store, context.command("doctor"));
    progress.add(1);
  }
  return write_file(mark, "");
}

Result<SlurmReport> play(const Options& options, const Context& context, const SlurmPlan& plan) {
  Progress progress("submit", plan.shards, system_clock());
  int64_t told = 0;
  SlurmOptions waiting{.attempts = options.attempts, .poll_ms = static_cast<int64_t>(options.poll_seconds * 1000), .cancelled = context.cancelled};
  waiting.progress = [&](int64_t done) { progress.add(done - std::exchange(told, done)); };
  waiting.say = [&](const std::string& line) { context.say(printable(line)); };
  Result<SlurmReport> report = run_on_slurm(plan, waiting, system_clock(), run_program);
  if (!report.ok() && report.error().boundary == Boundary::kInput && (report.error().where == "sbatch" || report.error().where == "squeue"))
    return input_error("Slurm is not here: " + report.error().what, "submit slurm", "run this on a login node of the cluster; --dry-run prints the script");
  return report;
}

Result<MergeReport> bring_back(const Context& context, const SlurmPlan& plan) {
  std::vector<std::string> stores;
  for (int64_t shard = 1; shard <= plan.shards; ++shard) stores.push_back(plan.store(shard));
  ASSAY_ASSIGN(const auto store, Store::open(context.store, StoreMode::kOpenOrCreate, system_clock()));
  Progress progress("merge", 0, system_clock());
  return merge_stores(*store, stores, system_clock(), {.shard = {}, .cancelled = context.cancelled, .progress = [&](int64_t rows) { progress.add(rows); }});
}

Result<int> run(const Options& options, const Context& context) {
  ASSAY_ASSIGN(const SlurmPlan plan, plan_of(options, context));
  if (options.dry_run) {
    const std::string script = sbatch_script(plan);
    if (context.json) context.result({{"script", script}, {"folder", plan.folder}});
    else std::fwrite(script.data(), 1, script.size(), stdout);
    return static_cast<int>(kDone);
  }
  const int64_t start_us = system_clock().monotonic_us();
  if (!makes_tasks(plan.command[0])) {
    ASSAY_TRY(Store::open(context.store, StoreMode::kMustExist, system_clock()));
  }
  ASSAY_TRY(prepare_folder(plan));
  if (!makes_tasks(plan.command[0])) ASSAY_TRY(cut(plan, context));
  ASSAY_ASSIGN(const SlurmReport report, play(options, context, plan));
  if (report.interrupted) {
    context.say("interrupted: the jobs go on without this command, and the same command waits for them again; scancel --name=" + plan.job_name() + " ends them");
    context.result({{"interrupted", true}, {"folder", plan.folder}, {"job_name", plan.job_name()}});
    return static_cast<int>(kSomeFailed);
  }
  ASSAY_ASSIGN(const MergeReport merged, bring_back(context, plan));
  OrderedJson shards = OrderedJson::array();
  int64_t partly = 0;
  for (const ShardResult& shard : report.shards) {
    partly += shard.status != 0;
    shards.push_back(shard.told);
  }
  const double seconds = static_cast<double>(system_clock().monotonic_us() - start_us) / 1e6;
  context.say(count_text(plan.shards) + " shards done in " + duration_text(seconds) + ", " + count_text(partly) + " of them not without failures (" + plan.folder + "/*.result says which); " +
              count_text(merged.copied) + " records came to " + context.store);
  for (const std::string& problem : merged.problems) context.say("  " + printable(problem));
  context.result({{"shards", shards}, {"submissions", report.submissions}, {"copied", merged.copied}, {"known", merged.known}, {"problems", merged.problems},
                  {"interrupted", merged.interrupted}, {"seconds", seconds}, {"folder", plan.folder}, {"store", context.store}});
  return partly > 0 || !merged.problems.empty() || merged.interrupted ? kSomeFailed : kDone;
}

}  // namespace

Command make() {
  return {"submit", "Run a verb over the shards of its work on a Slurm cluster, and bring the results back", 46, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("system", options->system, "slurm")->required()->check(CLI::IsMember({"slurm"}));
            app.add_option("command", options->command, "After --: a verb that takes --shard, with its options")->required();
            app.add_option("--shards", options->shards, "Parts of the work; a store each")->required()->check(CLI::Range(int64_t{1}, kMostShards));
            app.add_option("--workers", options->workers, "Jobs of the array, which share the shards; 0: one for each shard")->check(CLI::Range(int64_t{0}, kMostShards));
            app.add_option("--folder", options->folder, "Where scripts, shards and logs lie, on a file system that all nodes see (default: STORE.slurm)");
            app.add_option("--program", options->program, "This program, as nodes find it (default: the one that runs)");
            app.add_option("--sbatch", options->sbatch, "An option for sbatch, as in --sbatch=--time=1:00:00; may be repeated")->take_all()->allow_extra_args(false);
            app.add_option("--attempts", options->attempts, "Submissions until shards that do not end are given up")->check(CLI::Range(1, 1000));
            app.add_option("--poll-seconds", options->poll_seconds, "How often Slurm is asked")->check(CLI::Range(0.1, 3600.0));
            app.add_flag("--dry-run", options->dry_run, "Print the script and do nothing");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::submit
