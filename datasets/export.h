// Writes a dataset: rows by split, the format's own files, a card and a manifest.
#pragma once

#include <map>
#include <string>

#include "datasets/format.h"
#include "datasets/selection.h"
#include "datasets/store.h"

namespace assay {

inline constexpr const char* kStandardOutput = "-";

struct ExportOptions {
  std::string format;
  std::string folder;       // appears whole or not at all (datasets/staged_folder.h); "-": the rows to standard output, and nothing else
  SelectionRules select;
  std::function<std::string(const Task&, const Certificate&)> specialist;   // SelectionNeeds::specialist
};

struct ExportReport {
  SelectionPlan plan;
  std::map<std::string, int64_t> rows;   // by split
  std::vector<std::string> files;        // relative to the folder, sorted
};

// Rows go to data/SPLIT.EXTENSION in the order of (domain, preset, seed, difficulty, index, policy, rollout seed, sample); the same store
// and options give the same bytes. Memory does not grow with what rows hold. Nothing to write is an error, and then nothing is touched.
Result<ExportReport> export_dataset(Store& store, const ExportOptions& options);

}  // namespace assay
