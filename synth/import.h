// The user's own tables in place of generated ones: a SQLite file or a folder of CSV / TSV files, read through a mapping.
#pragma once

#include <memory>
#include <string>

#include "synth/domain.h"

namespace assay {

struct ImportReport {
  std::shared_ptr<const Environment> environment;  // its `notes` say what was dropped, converted or left out
  Json mapping;                                    // the one used: given, or proposed
  bool proposed = false;
  std::vector<std::string> missing_columns;        // "attraction.ticket": constraints and tools that need them are left out
};

// `mapping_path` empty: one is proposed from column names and contents (and returned, so it can be saved and edited).
Result<ImportReport> import_environment(const Domain& domain, const std::string& data_path, const std::string& mapping_path);

}  // namespace assay
