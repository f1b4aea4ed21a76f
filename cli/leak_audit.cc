#include "cli/leak_audit.h"

#include <CLI/CLI.hpp>

#include "cli/progress.h"
#include "cli/text.h"
#include "datasets/store.h"
#include "synth/leaks.h"

namespace assay {
namespace {

// The patch of a mined task, its tests with it: neither may be found.
Result<std::string> patch_of_task(TaskSelection& selection, const Context& context) {
  ASSAY_ASSIGN(const std::unique_ptr<Store> store, Store::open(context.store, StoreMode::kMustExist, system_clock()));
  selection.sound_only = false;
  ASSAY_ASSIGN(const std::vector<TaskRow> rows, select_tasks(*store, selection, -1));
  if (rows.size() != 1) return input_error(std::to_string(rows.size()) + " tasks match, not one", "--leaks", "--patch FILE, or --task ID");
  ASSAY_ASSIGN(const Task task, store->task(rows[0].id));
  if (task.tests.is_null()) return input_error("this task asks for no patch", "task " + task.id, "--patch FILE");
  return task.gold + task.tests.value("tests", "");
}

void say(const Context& context, const LeakSearch& found, double seconds) {
  for (const Leak& leak : found.leaks) context.say(leak.kind + " of " + printable(leak.path) + " in " + printable(leak.where) + "\n  " + printable(leak.evidence));
  if (const int64_t more = found.leak_count - static_cast<int64_t>(found.leaks.size()); more > 0) context.say(count_text(more) + " more");
  for (const std::string& each : found.unsearched) context.say("not searched: " + printable(each));
  if (const int64_t more = found.unsearched_count - static_cast<int64_t>(found.unsearched.size()); more > 0) context.say("not searched: " + count_text(more) + " more");
  context.say(count_text(found.files) + " files, " + count_text(found.archives) + " compressed streams, " + count_text(found.compiled) + " files that are no text and " +
              count_text(found.objects) + " objects of " + count_text(found.repositories) + " repositories searched for " + count_text(found.blobs) + " files, " +
              count_text(found.fingerprints) + " token sequences and " + count_text(found.names) + " names: " + bytes_text(found.bytes) + " in " + duration_text(seconds));
  context.say(found.leak_count > 0                 ? count_text(found.leak_count) + " leaks"
              : found.blobs + found.fingerprints == 0 ? "nothing of the patch could be told from what was there before: no statement is possible"
              : found.unsearched_count > 0            ? "no leak in what was searched"
                                                      : "no leak");
}

}  // namespace

void LeakAudit::declare(CLI::App& app) {
  auto* leaks = app.add_option("--leaks", directory, "Search this directory (files, archives, git objects) for a fix: a --patch, or a mined --task");
  auto* file = app.add_option("--patch", patch, "With --leaks: the fix, in git's format")->needs(leaks);
  app.add_option("--base", base, "With --patch: the tree it applies to, whose content is no leak")->needs(file);
}

Result<int> LeakAudit::run(TaskSelection& selection, const Context& context) const {
  ASSAY_ASSIGN(const std::string text, patch.empty() ? patch_of_task(selection, context) : read_file(patch));
  ASSAY_ASSIGN(const LeakProbe probe, LeakProbe::make(text, base, patch.empty() ? "the task's patch" : patch));
  const int64_t before_us = system_clock().monotonic_us();
  ASSAY_ASSIGN(const LeakSearch found, find_leaks(probe, directory));
  const double seconds = static_cast<double>(system_clock().monotonic_us() - before_us) / 1e6;
  say(context, found, seconds);
  OrderedJson result = OrderedJson::parse(to_json(found).dump());
  result["seconds"] = seconds;
  context.result(result);
  return found.clean() ? kDone : kSomeFailed;
}

}  // namespace assay
