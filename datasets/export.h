// Writes a dataset: rows by split, the format's own files, and a card.
#pragma once

#include <map>
#include <string>

#include "datasets/format.h"
#include "datasets/store.h"

namespace assay {

struct ExportOptions {
  std::string format;
  std::string folder;              // created; files are replaced whole or not at all
  TaskFilter tasks;
  RolloutFilter rollouts;          // for formats made of rollouts; of those that match, the scored ones
  std::string kept_by;             // only tasks that a filter by this policy kept (envs/pass_rate.h); empty: all
  bool commit_statements = false;  // tasks whose statement was made from a commit's message, too
  int train_percent = 90, validation_percent = 5;  // the rest is test
};

struct ExportReport {
  std::map<std::string, int64_t> rows;   // by split
  int64_t skipped_uncertified = 0;       // tasks without a certificate, or with one that says unsound
  int64_t skipped_attacked = 0;          // tasks that an attack scored at (envs/attack_report.h)
  int64_t never_attacked = 0;            // of the tasks written
  int64_t skipped_by_filter = 0;         // tasks that were not kept, or not measured by that policy
  int64_t skipped_other = 0;             // tasks that this format cannot hold
  int64_t skipped_statement = 0;         // tasks whose statement is a commit's message
  int64_t skipped_failed = 0;            // rollouts that broke at a boundary
  std::vector<std::string> files;        // relative to the folder, sorted
};

// "train", "validation" or "test": a function of the task's identity alone, so a task never changes split.
std::string split_of(const std::string& task_id, int train_percent, int validation_percent);

// Rows go to data/SPLIT.EXTENSION in the order of (domain, preset, seed, difficulty, index, policy, rollout seed, sample); the same store gives
// the same bytes. Memory does not grow with what rows hold. Nothing to write is an error, and then nothing is touched.
Result<ExportReport> export_dataset(Store& store, const ExportOptions& options);

}  // namespace assay
