// Writes a dataset: rows by split, the format's own files, a card and a manifest.
#pragma once

#include <map>
#include <string>

#include "datasets/format.h"
#include "datasets/row_sink.h"
#include "datasets/selection.h"
#include "datasets/store.h"

namespace assay {

inline constexpr const char* kStandardOutput = "-";

struct ExportOptions {
  std::string format;
  std::string folder;       // appears whole or not at all (datasets/staged_folder.h); "-": the rows to standard output, and nothing else
  RowEncoding encoding = RowEncoding::kPlain;
  std::string parquet_program;   // for kParquet (datasets/parquet.h)
  bool strict = false;      // what a format has no place for, and rollouts that it cannot hold, are an error and not a count
  SelectionRules select;
  std::function<std::string(const Task&, const Certificate&)> specialist;   // SelectionNeeds::specialist
};

struct ExportReport {
  SelectionPlan plan;
  std::map<std::string, int64_t> rows;   // by split
  std::map<Content, int64_t> dropped;    // rows whose rollouts hold it, where the format has no place for it
  int64_t not_held = 0;                  // rollouts that the format cannot hold
  int64_t without_tokens = 0;            // rollouts of which nothing was recorded, where the format is made of sequences
  int64_t bytes = 0;
  bool exact = true;                     // else rows, dropped, not_held, without_tokens and bytes are estimated (plan_export)
  std::vector<std::string> files;        // relative to the folder, sorted
};

// What export_dataset would write, without writing; of more than some dozens of tasks only a part is read.
Result<ExportReport> plan_export(Store& store, const ExportOptions& options);

// Rows go to the format's file of each split in the order of (domain, preset, seed, difficulty, index, policy, rollout seed, sample); the same store
// and options give the same bytes. Memory does not grow with what rows hold. Nothing to write is an error, and then nothing is touched.
Result<ExportReport> export_dataset(Store& store, const ExportOptions& options);

}  // namespace assay
