#include "cli/selection.h"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "cli/shard_option.h"

namespace assay {
namespace {

Result<TaskRow> task_row(Store& store, const std::string& id) {
  if (id.size() < 6)
    return input_error("'" + id + "' is too short to name a task", "--task", "at least the first 6 digits of its id");
  TaskFilter filter;
  filter.id_prefix = id;
  filter.limit = 2;
  ASSAY_ASSIGN(std::vector<TaskRow> rows, store.tasks(filter));
  if (rows.empty()) return input_error("no task '" + id + "' in the store", "--task", "assay list tasks");
  if (rows.size() > 1) return input_error("'" + id + "' names several tasks", "--task", "more digits of the id");
  return std::move(rows[0]);
}

bool wanted(const TaskRow& row, const std::vector<int>& difficulties) {
  return difficulties.empty() || std::find(difficulties.begin(), difficulties.end(), row.difficulty) != difficulties.end();
}

}  // namespace

void declare_difficulties(CLI::App& app, std::vector<int>& difficulties, const std::string& help) {
  app.add_option("--difficulty", difficulties, help)->delimiter(',')->allow_extra_args(false)->check(CLI::Range(0, 5));
}

void TaskSelection::declare(CLI::App& app) {
  auto* task = app.add_option("--task", ids, "Tasks by id, or by its first digits (default: all)")->delimiter(',');
  app.add_flag("--all", all, "Every task; so it is where nothing else selects")->excludes(task);
  declare_difficulties(app, difficulties, "Only tasks of these difficulties, as in 1,2,3");
  app.add_option("--domain", domain, "Only tasks of this domain");
  app.add_option("--preset", preset, "Only tasks of this preset");
}

void TaskSelection::declare_cut(CLI::App& app) {
  declare(app);
  declare_shard(app, shard, "Only the I-th of N parts of these tasks, cut by their ids");
}

Result<std::vector<TaskRow>> select_tasks(Store& store, const TaskSelection& selection, int64_t limit) {
  std::vector<TaskRow> rows;
  if (selection.ids.empty()) {
    TaskFilter filter;
    if (!selection.domain.empty()) filter.domain = selection.domain;
    if (!selection.preset.empty()) filter.preset = selection.preset;
    filter.sound_only = selection.sound_only;
    ASSAY_ASSIGN(rows, store.tasks(filter));
  }
  for (const std::string& id : selection.ids) {
    ASSAY_ASSIGN(TaskRow row, task_row(store, id));
    rows.push_back(std::move(row));
  }
  std::erase_if(rows, [&](const TaskRow& row) { return !wanted(row, selection.difficulties); });
  if (limit >= 0 && rows.size() > static_cast<size_t>(limit)) rows.resize(static_cast<size_t>(limit));
  if (rows.empty() && limit != 0)
    return input_error("no task in the store fits", "", "assay list tasks, or make some: assay synth travel --count 100");
  std::erase_if(rows, [&](const TaskRow& row) { return !selection.shard.holds(row.id); });
  return rows;
}

}  // namespace assay
