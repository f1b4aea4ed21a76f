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
  std::string compression;
  bool dry_run = false, parquet = false;
};

constexpr int64_t kLargeBytes = int64_t{64} << 20;   // said before it is written

std::string size_text(const ExportReport& report) {
  const std::string about = report.exact ? "" : "about ";
  int64_t rows = 0;
  for (const auto& [split, count] : report.rows) rows += count;
  return about + count_text(rows) + " rows, " + about + bytes_text(report.bytes);
}

void say(const ExportOptions& dataset, const ExportReport& report, const std::string& where, const Context& context) {
  TextTable table({"split", "rows"});
  for (const auto& [split, count] : report.rows) table.add({split, count_text(count)});
  context.say(size_text(report) + " in format " + dataset.format + where);
  context.say(table.text("  "));
  say_losses(context, report.plan);
  for (const auto& [content, rows] : report.dropped)
    context.say("dropped: " + std::string(content_name(content)) + ", of " + count_text(rows) + " rows, for which " + dataset.format + " has no place");
  if (report.not_held > 0) context.say("left out: " + count_text(report.not_held) + " rollouts that " + dataset.format + " cannot hold");
  if (report.without_tokens > 0) context.say("without tokens: " + count_text(report.without_tokens) + " rollouts of which none were recorded");
  std::string files;
  for (const std::string& file : report.files) files += (files.empty() ? "" : ", ") + file;
  if (!files.empty()) context.say("files: " + shortened(files, 2000));
}

OrderedJson report_json(const ExportOptions& dataset, const ExportReport& report) {
  OrderedJson dropped = OrderedJson::object();
  for (const auto& [content, rows] : report.dropped) dropped[content_name(content)] = rows;
  OrderedJson json = {{"format", dataset.format}, {"folder", dataset.folder}, {"rows", report.rows}, {"bytes", report.bytes}, {"exact", report.exact},
                      {"dropped", std::move(dropped)}, {"not_held", report.not_held}, {"without_tokens", report.without_tokens}};
  json.update(selection_json(report.plan));
  json["files"] = report.files;
  return json;
}

Result<int> run(Options& options, const Context& context) {
  ExportOptions& dataset = options.dataset;
  const bool to_output = dataset.folder == kStandardOutput;
  if (dataset.folder.empty() && !options.dry_run) return input_error("no folder to export to", "--out", "name one, or say --dry-run");
  if (to_output && context.json) return input_error("standard output takes the rows or the report, not both", "--out -", "leave one of --json and --out - away");
  ASSAY_ASSIGN(const Format* format, find_format(dataset.format));
  ASSAY_ASSIGN(dataset.select, options.selection.rules(context));
  if (format->all_outcomes && !options.selection.names_outcomes()) dataset.select.outcomes.clear();
  dataset.specialist = specialist_of;
  if (!options.compression.empty()) dataset.encoding = RowEncoding::kZstd;
  if (options.parquet) dataset.encoding = RowEncoding::kParquet;
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  if (to_output && !options.dry_run) {
    ASSAY_TRY(export_dataset(*store, dataset));
    return static_cast<int>(kDone);
  }
  ASSAY_ASSIGN(ExportReport report, plan_export(*store, dataset));
  if (!options.dry_run) {
    if (report.bytes >= kLargeBytes) context.say("writing " + size_text(report) + " to " + dataset.folder);
    ASSAY_ASSIGN(report, export_dataset(*store, dataset));
  }
  say(dataset, report, options.dry_run ? "; nothing was written" : " to " + dataset.folder, context);
  context.result(report_json(dataset, report));
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"export", "Write a dataset in a trainer's format", 60, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--format", options->dataset.format, "assay list formats")->required();
            app.add_option("--out", options->dataset.folder, "The folder to write; - writes the rows to standard output");
            app.add_flag("--dry-run", options->dry_run, "Say what would be written and dropped, and how large it is; of a large store estimated from a part");
            app.add_flag("--strict", options->dataset.strict, "Refuse to drop anything that the format has no place for");
            auto* compress = app.add_option("--compress", options->compression, "zstd: compress the rows")->check(CLI::IsMember({"zstd"}));
            app.add_flag("--parquet", options->parquet, "Columns instead of JSON Lines, where the build has assay-parquet (assay doctor)")->excludes(compress);
            options->selection.declare(app);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::export_
