// assay merge OUT IN…: stores into one; with --shard, a part of stores into one.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/shard_option.h"
#include "cli/text.h"
#include "datasets/merge.h"

namespace assay::commands::merge {
namespace {

struct Options {
  std::string out;
  std::vector<std::string> in;
  Shard shard;
};

struct Size {
  int64_t rows = 0, bytes = 0;
};

Result<Size> size_of(const std::vector<std::string>& paths) {
  Size size;
  for (const std::string& path : paths) {
    ASSAY_ASSIGN(const auto store, Store::open(path, StoreMode::kMustExist, system_clock()));
    ASSAY_ASSIGN(const Json counts, store->statistics());
    for (const char* kind : {"environments", "tasks", "certificates", "rollouts"}) size.rows += counts.at(kind).get<int64_t>();
    size.bytes += counts.at("bytes").get<int64_t>();
  }
  return size;
}

Result<int> run(const Options& options, const Context& context) {
  if (context.store != Context().store) return input_error("the store to merge into is the first argument", "--store", "assay merge OUT IN…");
  ASSAY_ASSIGN(const Size size, size_of(options.in));
  context.say(count_text(static_cast<int64_t>(options.in.size())) + (options.in.size() == 1 ? " store, " : " stores, ") + count_text(size.rows) + " records, " + bytes_text(size.bytes));
  ASSAY_ASSIGN(const std::unique_ptr<Store> out, Store::open(options.out, StoreMode::kOpenOrCreate, system_clock()));
  Progress progress("merge", options.shard.is_whole() ? size.rows : 0, system_clock());
  const MergeOptions merging{.shard = options.shard, .cancelled = context.cancelled, .progress = [&](int64_t rows) { progress.add(rows); }};
  ASSAY_ASSIGN(const MergeReport report, merge_stores(*out, options.in, system_clock(), merging));
  const double seconds = progress.seconds();
  const double rate = seconds > 0 ? static_cast<double>(report.copied + report.known) / seconds : 0;
  context.say(count_text(report.copied) + " records copied (" + bytes_text(report.bytes) + ") to " + options.out + ", " + count_text(report.known) + " were there; " +
              rate_text(rate) + " records/s");
  if (report.damaged + report.left_out > 0)
    context.say(count_text(report.damaged) + " damaged, and " + count_text(report.left_out) + " left out that belong to such: restore those stores, or make the records again, then merge again");
  for (const std::string& problem : report.problems) context.say("  " + printable(problem));
  if (report.interrupted) context.say("interrupted: the same command goes on from there");
  context.result({{"copied", report.copied}, {"known", report.known}, {"observations", report.observations}, {"bytes", report.bytes}, {"damaged", report.damaged},
                  {"left_out", report.left_out}, {"problems", report.problems}, {"interrupted", report.interrupted}, {"seconds", seconds},
                  {"records_per_second", rate}, {"store", options.out}});
  return report.damaged + report.left_out > 0 || report.interrupted ? kSomeFailed : kDone;
}

}  // namespace

Command make() {
  return {"merge", "Copy what stores hold into one store: shards of a run, or a part of a store", 45, [](CLI::App& app, Context& context) {
            auto options = std::make_shared<Options>();
            app.add_option("out", options->out, "The store to merge into; made if it is not there")->required();
            app.add_option("in", options->in, "The stores to take from")->required();
            declare_shard(app, options->shard, "Only tasks of this shard, and what belongs to them");
            return [options, &context] { return run(*options, context); };
          }};
}

}  // namespace assay::commands::merge
