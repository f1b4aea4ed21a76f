// assay report: a store as one HTML page.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/text.h"
#include "datasets/report/report.h"

namespace assay::commands::report {
namespace {

struct Options {
  TaskSelection tasks{.sound_only = false};
  ReportOptions page;
  std::string out;
  double megabytes = 5;
};

Result<int> run(Options& options, const Context& context) {
  options.page.bytes = static_cast<int64_t>(options.megabytes * 1e6);
  if (options.page.title.empty()) options.page.title = "assay report";
  ASSAY_ASSIGN(std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  ASSAY_ASSIGN(const std::vector<TaskRow> tasks, select_tasks(*store, options.tasks, context.limit));
  Progress progress("report", 0, system_clock());
  ASSAY_ASSIGN(const Report report, make_report(*store, tasks, options.page, [&]() -> Status {
    progress.add(1);
    return context.stopped() ? Status(make_error(Boundary::kInput, "interrupted; nothing was written")) : Status();
  }));
  ASSAY_TRY(write_file(options.out, report.html));
  const int64_t bytes = static_cast<int64_t>(report.html.size());
  context.say(count_text(report.attempts) + " attempts at " + count_text(static_cast<int64_t>(tasks.size())) + " tasks in " + options.out + ", " + bytes_text(bytes));
  if (report.whole < report.attempts)
    context.say(count_text(report.attempts - report.whole) + " trajectories do not fit in " + bytes_text(options.page.bytes) +
                " and are left out, failures last; the figures and the grid are of all (--megabytes raises the bound)");
  OrderedJson result = report.figures;
  result["file"] = options.out;
  result["bytes"] = bytes;
  context.result(result);
  return static_cast<int>(kDone);
}

}  // namespace

Command make() {
  return {"report", "Write one HTML page: pass@k, calibration, losses, and every trajectory", 65, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("--out", options->out, "The file to write")->required();
            app.add_option("--title", options->page.title, "What the page is called");
            app.add_option("--policy", options->page.policies, "Only attempts of these policies")->delimiter(',');
            app.add_option("--megabytes", options->megabytes, "Size of the file; trajectories that do not fit are left out, and the page says so")->check(CLI::Range(0.1, 4000.0));
            options->tasks.declare(app);
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::report
