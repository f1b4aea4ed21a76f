// assay export: a dataset in the format of a trainer.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/selection_options.h"
#include "cli/specialist.h"
#include "cli/text.h"
#include "datasets/export.h"

namespace assay::commands::export_ {
namespace {

struct Options {
  ExportOptions dataset;
  SelectionOptions selection;
};

void say(const ExportOptions& dataset, const ExportReport& report, int64_t rows, const Context& context) {
  TextTable table({"split", "rows"});
  for (const auto& [split, count] : report.rows) table.add({split, count_text(count)});
  context.say(count_text(rows) + " rows in format " + dataset.format + " to " + dataset.folder);
  context.say(table.text("  "));
  say_losses(context, report.plan);
  std::string files;
  for (const std::string& file : report.files) files += (files.empty() ? "" : ", ") + file;
  context.say("files: " + shortened(files, 2000));
}

Result<int> run(Options& options, const Context& context) {
  ExportOptions& dataset = options.dataset;
  const bool to_output = dataset.folder == kStandardOutput;
  if (to_output && context.json) return input_error("standard output takes the rows or the report, not both", "--out -", "leave one of --json and --out - away");
  ASSAY_ASSIGN(dataset.select, options.selection.rules(context));
  dataset.specialist = specialist_of;
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const ExportReport report, export_dataset(*store, dataset));
  int64_t rows = 0;
  for (const auto& [split, count] : report.rows) rows += count;
  if (to_output) return static_cast<int>(kDone);
  say(dataset, report, rows, context);
  OrderedJson result = {{"format", dataset.format}, {"folder", dataset.folder}, {"rows", report.rows}};
  result.update(selection_json(report.plan));
  result["files"] = report.files;
  context.result(result);
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"export", "Write a dataset in a trainer's format", 60, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--format", options->dataset.format, "assay list formats")->required();
            app.add_option("--out", options->dataset.folder, "The folder to write; - writes the rows to standard output")->required();
            options->selection.declare(app);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::export_
