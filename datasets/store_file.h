// The SQLite file of a store, opened: recognised, brought to the newest schema, and set up for many processes.
#pragma once

#include <string>

#include "datasets/sql_file.h"
#include "datasets/store.h"

namespace assay {

// Also makes PATH.segments. Refuses, without touching it, a file that is not a store or was made by a newer version.
Result<SqlFile> open_store_file(const std::string& path, StoreMode mode);

}  // namespace assay
