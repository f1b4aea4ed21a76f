// assay export: a dataset in the format of a trainer.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/text.h"
#include "datasets/export.h"

namespace assay::commands::export_ {
namespace {

struct Options {
  ExportOptions dataset;
  std::string policy, domain, preset;
  int difficulty = -1;
  bool passed = false, all = false;
};

Status complete(Options& options, const Context& context) {
  ExportOptions& dataset = options.dataset;
  if (dataset.train_percent + dataset.validation_percent > 100)
    return input_error("more than 100 percent", "--train-percent and --validation-percent");
  if (!options.domain.empty()) dataset.tasks.domain = options.domain;
  if (!options.preset.empty()) dataset.tasks.preset = options.preset;
  if (options.difficulty >= 0) dataset.tasks.difficulty = options.difficulty;
  if (!options.policy.empty()) dataset.rollouts.policy = options.policy;
  if (!options.all) dataset.rollouts.passed = true;
  dataset.tasks.limit = context.limit;
  return {};
}

Result<int> run(Options& options, const Context& context) {
  ASSAY_TRY(complete(options, context));
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const ExportReport report, export_dataset(*store, options.dataset));
  TextTable table({"split", "rows"});
  int64_t rows = 0;
  for (const auto& [split, count] : report.rows) {
    table.add({split, count_text(count)});
    rows += count;
  }
  context.say(count_text(rows) + " rows in format " + options.dataset.format + " to " + options.dataset.folder);
  if (!table.empty()) context.say(table.text("  "));
  if (report.skipped_uncertified > 0) context.say("left out: " + count_text(report.skipped_uncertified) + " not certified as sound");
  if (report.skipped_attacked > 0) context.say("left out: " + count_text(report.skipped_attacked) + " that an attack scored at");
  if (report.skipped_by_filter > 0) context.say("left out: " + count_text(report.skipped_by_filter) + " that the filter did not keep, or that were not measured");
  if (report.skipped_other > 0) context.say("left out: " + count_text(report.skipped_other) + " that this format cannot hold");
  if (report.skipped_statement > 0) context.say("left out: " + count_text(report.skipped_statement) + " with only a commit's message for a statement (--commit-statements takes them)");
  if (report.never_attacked > 0) context.say("never attacked: " + count_text(report.never_attacked) + " tasks (" + context.command("attack") + ")");
  if (report.skipped_failed > 0) context.say("left out: " + count_text(report.skipped_failed) + " failed rollouts");
  std::string files;
  for (const std::string& file : report.files) files += (files.empty() ? "" : ", ") + file;
  context.say("files: " + files);
  if (rows == 0) context.say("no row fits: are there rollouts that passed (assay show store)? --all takes the others too");
  context.result({{"format", options.dataset.format}, {"folder", options.dataset.folder}, {"rows", report.rows},
                  {"skipped_uncertified", report.skipped_uncertified},
                  {"skipped_attacked", report.skipped_attacked}, {"skipped_by_filter", report.skipped_by_filter},
                  {"skipped_other", report.skipped_other}, {"skipped_statement", report.skipped_statement}, {"never_attacked", report.never_attacked}, {"skipped_failed", report.skipped_failed}, {"files", report.files}});
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"export", "Write a dataset in a trainer's format", 60, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            ExportOptions& dataset = options->dataset;
            app.add_option("--format", dataset.format, "assay list formats")->required();
            app.add_option("--out", dataset.folder, "The folder to write")->required();
            app.add_option("--policy", options->policy, "Only rollouts of this policy");
            app.add_option("--kept-by", dataset.kept_by, "Only tasks that assay filter kept, by the policy it measured with");
            app.add_option("--difficulty", options->difficulty, "Only tasks of this difficulty")->check(CLI::Range(0, 5));
            app.add_option("--domain", options->domain, "Only tasks of this domain");
            app.add_option("--preset", options->preset, "Only tasks of this preset");
            auto* passed = app.add_flag("--passed", options->passed, "Only rollouts that passed (the default)");
            app.add_flag("--all", options->all, "Rollouts that did not pass, too")->excludes(passed);
            app.add_flag("--commit-statements", dataset.commit_statements, "Tasks that know only a commit's message for a statement, too");
            app.add_option("--train-percent", dataset.train_percent)->check(CLI::Range(0, 100));
            app.add_option("--validation-percent", dataset.validation_percent, "The rest is test")->check(CLI::Range(0, 100));
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::export_
